"""`loreweave predict few-shot-ner`: predicts entities of the types in a labelled support file, in any sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from loreweave.corpus.annotated_text import AnnotatedText
from loreweave.corpus.class_labels import read_label_names
from loreweave.corpus.column_formats.tag_schemes import OUTSIDE
from loreweave.corpus.counts import counted, tallied, tallied_fields
from loreweave.corpus.episodes import Episode
from loreweave.corpus.files.records import describe_skipped
from loreweave.corpus.files.rows import id_of
from loreweave.corpus.files.strict_json import in_json
from loreweave.corpus.tokens import TOKENS, WHITE, TaggedSentence, text_of_file_tokens, token_offsets
from loreweave.corpus.words import word_offsets
from loreweave.errors import DataError
from loreweave.metrics.probabilities import rounded
from loreweave.tasks.contract import Execution
from loreweave.tasks.few_shot_ner import reader
from loreweave.tasks.few_shot_ner.evaluation import Tagger
from loreweave.tasks.few_shot_ner.scoring import Labelled
from loreweave.tasks.few_shot_ner.settings import PredictionSettings
from loreweave.tasks.few_shot_ner.word_vectors import SentenceBank
from loreweave.tasks.jobs.queries import Answerer

Row = Mapping[str, Any]


def predict(model: Path, data: Path, settings: PredictionSettings, execution: Execution) -> Answerer:
    """See `contract.Task.predict`; `data` is the support: annotated sentences in any format of `finetune`.

    Raises:
        LoreweaveError: the support or the model cannot be read, or the support has no entity.
    """
    names = None if settings.tag_names is None else read_label_names(settings.tag_names)
    found = reader.read(data, settings.format, execution.reading.skip_bad, names)
    for line in describe_skipped(found, data):
        execution.report(line)
    support = tuple(found.records)
    types = reader.labels_of(support)[1:]
    if not types:
        raise DataError("found no entity in any sentence, expected a labelled support set", path=data)
    if found.dropped:
        execution.report(f"{data}: left out: {tallied(found.dropped)}")
    tagger = Tagger.open(model, settings, execution)
    execution.report(f"support: {counted(len(support), 'sentence')} with the types {', '.join(types)}")
    cut_in_support, cut = Counter[str](), Counter[str]()
    tagger.encoding.encode_quietly(support, None, cut_in_support)
    if cut_in_support:
        execution.report(f"encoding of the support: {tallied_fields(cut_in_support)}")

    def answer(texts: list[AnnotatedText]) -> list[list[dict[str, Any]]]:
        query = tuple(map(_sentence, texts))
        tagger.encoding.encode_quietly(query, None, cut)
        return [[found] for found in _answers(tagger, support, types, texts, query)]

    def finish() -> None:
        if cut:
            execution.report(f"encoding: {tallied_fields(cut)}")
        cut.clear()

    return Answerer(read_query, answer, finish)


def read_query(row: Row, number: str) -> AnnotatedText:
    """`{"tokens": [...]}`, without their blank parts, or `{"text": ...}`, whose tokens are words and punctuation; `id` is kept.

    Raises:
        DataError: it has neither, or a value of the wrong type.
    """
    id, tokens, text = id_of(row, number), row.get("tokens"), row.get("text")
    if isinstance(tokens, list) and all(isinstance(token, str) for token in tokens) and "".join(tokens).strip(WHITE):
        return text_of_file_tokens(id, tokens, [], Counter())
    if isinstance(text, str) and tokens is None and text.strip():
        return AnnotatedText(id, text, metadata={TOKENS: [list(span) for span in word_offsets(text)]})
    raise DataError(f"found {in_json(row)}, expected 'text' (a string) or 'tokens' (a list of strings), not empty")


def _answers(
    tagger: Tagger,
    support: tuple[TaggedSentence, ...],
    types: list[str],
    texts: list[AnnotatedText],
    query: tuple[TaggedSentence, ...],
) -> Iterator[dict[str, Any]]:
    episode = Episode("0", support, query, tuple(types), "prefixed")
    bank = SentenceBank(support + query, tagger.encoding)
    ((labelled, probabilities),) = tagger.label_with_probabilities([episode], bank)
    for text, spans, sure in zip(texts, labelled.predicted(), _of_words(labelled, probabilities), strict=True):
        offsets, entities = token_offsets(text), []
        for start, end, label in spans:
            first, last = offsets[start][0], offsets[end - 1][1]
            entity = {"start": first, "end": last, "mention": text.text[first:last], "label": label}
            entities.append(entity | {"probability": rounded(np.mean([sure[word] for word in range(start, end)]))})
        yield {"id": text.id, "text": text.text, "predicted": entities}


def _sentence(text: AnnotatedText) -> TaggedSentence:
    return TaggedSentence(tuple(text.text[start:end] for start, end in token_offsets(text)), (), text.id)


def _of_words(labelled: Labelled, probabilities: list[np.ndarray]) -> list[dict[int, float]]:
    """For each sentence the probability of the label of each seen word."""
    assert OUTSIDE not in labelled.episode.types
    return [dict(zip(words, row.tolist(), strict=True)) for words, row in zip(labelled.seen, probabilities, strict=True)]
