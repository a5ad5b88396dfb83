"""Word tokenizers: of a model by its name, and for formats without one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from transformers import AutoTokenizer, PreTrainedTokenizerFast

from loreweave.checkpoints.formats import original_rows as rows
from loreweave.checkpoints.loading import LoadReport
from loreweave.corpus.files.reading import Pathname
from loreweave.encoding import MARKER_TOKENS, EntityTokenizer, add_marker_tokens
from loreweave.encoding.model_names import resolve
from loreweave.encoding.words.known import check_words
from loreweave.errors import CheckpointError

TOKENIZER_FILES = ("tokenizer.json", "vocab.json", "vocab.txt", "sentencepiece.bpe.model", "tokenizer_config.json")
MARKER_SOURCES = ("@", "#")


def has_tokenizer(folder: Path) -> bool:
    """Whether a folder has the files of a word tokenizer."""
    return folder.is_dir() and any((folder / name).is_file() for name in TOKENIZER_FILES)


def read_word_tokenizer(name: Pathname) -> PreTrainedTokenizerFast:
    """The tokenizer of a model's folder, of a run, of `minilm` or of a name on the Hub (of which no weights are fetched).

    Raises:
        ConfigurationError: the package of a short name is not installed.
        CheckpointError: there is no model, or no readable tokenizer.
    """
    return _read(resolve(name, weights=False))


def find_word_tokenizer(
    base: Path | None, said: Mapping[str, Any] | None, report: LoadReport, beside: Path | None = None
) -> PreTrainedTokenizerFast | None:
    """Tokenizer of `base`, of the checkpoint's own folder, or of the base model's name in the local cache.

    None if there is none. Nothing is downloaded. The report says how to provide one.

    Raises:
        CheckpointError: the tokenizer of `base` is not readable.
    """
    if base is not None:
        return _read(base)
    if beside is not None and has_tokenizer(beside):
        return _read(beside)
    name = str((said or {}).get("bert_model_name") or "")
    if name:
        try:
            return cast(PreTrainedTokenizerFast, AutoTokenizer.from_pretrained(name, local_files_only=True))
        except (OSError, ValueError):
            pass  # not in the cache; the report says so
    wanted = f" of {name}" if name else ""
    report.notes.append(
        "no word tokenizer in the file: no marker rows <ent>, <ent2> were added; "
        f"give --base, a folder with the tokenizer{wanted}"
    )
    return None


def _read(folder: Path) -> PreTrainedTokenizerFast:
    try:
        if (folder / "entity_vocab.json").is_file():
            return EntityTokenizer.from_pretrained(folder).word_tokenizer
        words = cast(PreTrainedTokenizerFast, AutoTokenizer.from_pretrained(folder, local_files_only=True))
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise CheckpointError(f"{folder}: found no readable word tokenizer ({reason})") from None
    check_words(words, folder)
    return words


def add_marker_rows(state: rows.Tensors, tokenizer: PreTrainedTokenizerFast, report: LoadReport) -> None:
    """Add `<ent>`, `<ent2>` to the tokenizer and their rows to the word tables (encoder names without `luke.`)."""
    ids, sources = marker_ids(tokenizer)
    rows.set_rows(state, rows.WORD_TABLES, ids, sources)
    report_marker_rows(ids, report)


def report_marker_rows(ids: Sequence[int], report: LoadReport) -> None:
    """Report that the last `len(ids)` of the markers have these rows."""
    markers = zip(ids, MARKER_TOKENS[-len(ids) :], MARKER_SOURCES[-len(ids) :], strict=True)
    report.added += [f"word row {id} {marker} from {source!r}" for id, marker, source in markers]


def marker_ids(tokenizer: PreTrainedTokenizerFast) -> tuple[list[int], list[int]]:
    """Ids of `<ent>`, `<ent2>` (added if missing) and of the tokens `@`, `#`, whose rows are copied to them.

    Raises:
        CheckpointError: the tokenizer lacks "@" or "#".
    """
    add_marker_tokens(tokenizer)
    vocabulary = tokenizer.get_vocab()
    missing = [token for token in MARKER_SOURCES if token not in vocabulary]
    if missing:
        raise CheckpointError(f"the word tokenizer has no {' and '.join(missing)}, whose rows are copied to the markers")
    return [vocabulary[token] for token in MARKER_TOKENS], [vocabulary[token] for token in MARKER_SOURCES]
