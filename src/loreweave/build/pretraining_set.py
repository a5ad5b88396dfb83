"""Builds a pre-training set on disk from annotated texts (LUKE's `build-wikipedia-pretraining-dataset`)."""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict
from itertools import islice
from multiprocessing.pool import AsyncResult
from typing import TYPE_CHECKING, Any

from loreweave.build.pretraining_store import (
    ROWS_PER_SHARD,
    PretrainingSet,
    open_pretraining_set,
    write_set,
)
from loreweave.build.sentence_tokenizer import (
    SentenceTokenizer,
    backend_of,
    use_one_thread_a_process,
)
from loreweave.build.windows import BuildReport, Window, WindowMaker, WindowSettings
from loreweave.corpus.annotated_text import AnnotatedText
from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.corpus.files.reading import Pathname

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

__all__ = ["BuildReport", "PretrainingSet", "build_pretraining_set", "make_windows", "open_pretraining_set"]

_TEXTS_PER_BATCH = 32

Progress = Callable[[BuildReport], Any]


def build_pretraining_set(
    texts: Iterable[AnnotatedText],
    tokenizer: PreTrainedTokenizerBase,
    vocabulary: EntityVocabulary,
    output: Pathname,
    *,
    max_length: int = 512,
    max_entities: int = 128,
    max_mention_length: int = 30,
    min_sentence_length: int = 5,
    include_windows_without_entities: bool = False,
    include_unknown_entities: bool = False,
    language: str | None = None,
    paragraph_kinds: Iterable[str] = ("p",),
    workers: int = 1,
    rows_per_shard: int = ROWS_PER_SHARD,
    overwrite: bool = False,
    progress: Progress | None = None,
    added: Mapping[str, Any] | None = None,
) -> BuildReport:
    """Write a pre-training set: whole sentences packed greedily within each text, linked mentions as sub-word ranges.

    The folder is written atomically; the same input gives the same bytes, for any number of workers. It contains
    Arrow shards, `manifest.json` (counts, settings, hashes), `entity_vocab.jsonl` and `tokenizer/`. The result is the
    counts of what was kept and left out, which are also in the manifest.

    Args:
        texts: texts, which are read once, in order.
        tokenizer: a fast tokenizer. Special tokens are not stored, but windows leave room for them.
        vocabulary: vocabulary of the entity ids.
        output: folder to write.
        max_length: maximum number of sub-words per window, including special tokens.
        max_entities: maximum number of linked mentions per window.
        max_mention_length: maximum number of sub-words per mention; longer ones are truncated.
        min_sentence_length: minimum number of sub-words per sentence; shorter ones are dropped.
        include_windows_without_entities: keep windows without linked mentions.
        include_unknown_entities: keep links to titles outside the vocabulary as `[UNK]` (as for the English LUKE).
        language: language of all texts; None for each text's own. Determines the sentence splitter and the titles' language.
        paragraph_kinds: kinds of paragraphs to use, if `metadata["paragraphs"]` has kinds.
        workers: number of processes that split and tokenise.
        rows_per_shard: number of rows per Arrow file.
        overwrite: replace an existing folder.
        progress: called with the counts so far after each batch of texts.
        added: what was added to the texts before (`link_labels`, `link_repeats`, `common_words`), for the manifest.

    Raises:
        ConfigurationError: slow tokenizer, impossible limits, or the output folder exists.
        DataError: a text is wrong, or there is nothing to write.
    """
    settings = WindowSettings(
        max_length=max_length, max_entities=max_entities, max_mention_length=max_mention_length,
        min_sentence_length=min_sentence_length, language=language, paragraph_kinds=tuple(paragraph_kinds),
        special_tokens=backend_of(tokenizer).num_special_tokens_to_add(False),
        include_windows_without_entities=include_windows_without_entities, include_unknown_entities=include_unknown_entities,
    )  # fmt: skip
    maker, report = WindowMaker(SentenceTokenizer(tokenizer), vocabulary, settings), BuildReport()
    windows = make_windows(texts, maker, report, workers=workers, progress=progress)
    kept = asdict(settings) | dict(added or {})
    write_set(output, windows, tokenizer, vocabulary, kept, report, rows_per_shard=rows_per_shard, overwrite=overwrite)
    return report


def make_windows(
    texts: Iterable[AnnotatedText],
    maker: WindowMaker,
    report: BuildReport,
    *,
    workers: int = 1,
    progress: Progress | None = None,
) -> Iterator[Window]:
    """Yield the windows of all texts in order, and add their counts to `report`."""
    for windows, counts in _batches(texts, maker, workers):
        report.add(counts)
        if progress is not None:
            progress(report)
        yield from windows


def _batches(texts: Iterable[AnnotatedText], maker: WindowMaker, workers: int) -> Iterator[tuple[list[Window], BuildReport]]:
    stream = iter(texts)
    batches = iter(lambda: list(islice(stream, _TEXTS_PER_BATCH)), [])
    if workers <= 1:
        yield from map(maker, batches)
        return
    # A process that has run tokenizer threads must not be forked.
    context = multiprocessing.get_context("spawn")
    with context.Pool(workers, _start_worker, (maker,)) as pool:
        pending: deque[AsyncResult[tuple[list[Window], BuildReport]]] = deque()
        for batch in batches:  # only a few batches ahead, since the input may be larger than the memory
            pending.append(pool.apply_async(_run_worker, (batch,)))
            if len(pending) > 3 * workers:
                yield pending.popleft().get()
        while pending:
            yield pending.popleft().get()


_worker: list[WindowMaker] = []


def _start_worker(maker: WindowMaker) -> None:
    """Keep the builder in the process, so that the vocabulary is sent once."""
    use_one_thread_a_process()
    _worker.append(maker)


def _run_worker(texts: list[AnnotatedText]) -> tuple[list[Window], BuildReport]:
    return _worker[0](texts)
