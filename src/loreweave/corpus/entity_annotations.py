"""Files of sentences with typed mentions, in any of the usual forms, as annotated text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from loreweave.corpus.annotated_text import AnnotatedText, read_annotated_texts
from loreweave.corpus.columns import read_columns
from loreweave.corpus.conllu import is_conllu, read_conllu
from loreweave.corpus.files import content_suffix, read_json_lines
from loreweave.corpus.tag_schemes import TokenSpan, find_scheme, spans_of_tags
from loreweave.corpus.tokens import text_of_file_tokens
from loreweave.errors import ConfigurationError, DataError

_TAG_KEYS = ("tags", "ner_tags", "labels")


def read_entity_annotations(
    path: Path, format: str | None = None, dropped: Counter[str] | None = None, notes: list[str] | None = None
) -> list[AnnotatedText]:
    """The sentences of a file, or of all files of a folder in order of name.

    Args:
        path: plain, .gz, .xz or .bz2; hidden files and README files of a folder are passed over.
        format: one of `FORMATS`; None recognises it by the suffix and the first record.
        dropped: gets what texts lost, such as blank tokens.
        notes: gets what was found otherwise than usual, a line each.

    Raises:
        DataError: names the file, the line and the field.
        ConfigurationError: an unknown format.
    """
    if format is not None and format not in FORMATS:
        raise ConfigurationError(f"unknown format {format!r} of entity annotations; known: {', '.join(FORMATS)}")
    texts = []
    dropped, notes = Counter() if dropped is None else dropped, [] if notes is None else notes
    for file in _files(path):
        said = list[str]()
        found = FORMATS[format or recognised_format(file)][0](file, dropped, said)
        notes += [f"{file.name}: {note}" if path.is_dir() else note for note in said]
        if not found:
            raise DataError("found no sentence", path=file)
        texts += found
    return texts


def recognised_format(path: Path) -> str:
    """JSON lines by the keys of the first; anything else is taken for columns."""
    if content_suffix(path) == ".parquet":
        return "annotated-text"
    if content_suffix(path) not in (".jsonl", ".json"):
        return "columns"
    _, row = next(read_json_lines(path), (0, {}))
    if "tokens" in row:
        return "tokens"
    if "text" in row:
        return "annotated-text"
    found = ", ".join(row) or "nothing"
    raise DataError(f"found the keys {found}, expected {' or '.join(FORMATS)}", path=path, line=1)


def read_token_lines(path: Path, dropped: Counter[str], notes: list[str]) -> list[AnnotatedText]:
    """JSON lines of {tokens, entities: [{start, end, type}]} or {tokens, tags}, in tokens, `end` not included.

    `sent_id` or `id` is the id, else the number of the line; `doc` is kept; other keys are not. `dropped` gets what texts lost.

    Raises:
        DataError: names the file, the line and the field.
    """
    name, texts = path.name.partition(".")[0], []
    for number, row in read_json_lines(path):
        try:
            tokens = row.get("tokens")
            if not isinstance(tokens, list) or not all(isinstance(token, str) for token in tokens):
                raise DataError("expected a list of strings", field="tokens")
            id = str(row.get("sent_id", row.get("id", f"{name}:{number}")))
            document: dict[str, Any] = {"doc": str(row["doc"])} if "doc" in row else {}
            texts.append(text_of_file_tokens(id, tokens, _spans(row, len(tokens)), dropped, **document))
        except DataError as error:
            raise DataError(error.message, path=path, line=number, field=error.field) from None
    return texts


def _read_token_a_line(path: Path, dropped: Counter[str], notes: list[str]) -> list[AnnotatedText]:
    return list(read_conllu(path)) if is_conllu(path) else read_columns(path, None, dropped, notes)


FORMATS: dict[str, tuple[Callable[[Path, Counter[str], list[str]], list[AnnotatedText]], str]] = {
    "columns": (
        _read_token_a_line,
        "a token and its tag (IOB1, IOB2, BIOES, BILOU, BMES, bare labels) a line, blank lines between; or CoNLL-U",
    ),
    "tokens": (read_token_lines, "JSON lines of {tokens, entities: [{start, end, type}]} or {tokens, tags}"),
    "annotated-text": (
        lambda path, dropped, notes: list(read_annotated_texts(path)),
        "JSON lines of {id, text, mentions: [{start, end, label}]}, one sentence each",
    ),
}
"""Format name -> reader, and a line of help."""


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = sorted(file for file in path.iterdir() if file.is_file() and not file.name.startswith((".", "README")))
    if not files:
        raise DataError("found no file", path=path)
    return files


def _spans(row: Mapping[str, Any], length: int) -> list[TokenSpan]:
    if isinstance(row.get("entities"), list):
        return [_span(entity) for entity in row["entities"]]
    key = next((key for key in _TAG_KEYS if key in row), None)
    if key is None:
        raise DataError("found neither entities nor tags", field="entities")
    tags = row[key]
    if not isinstance(tags, list) or len(tags) != length or not all(isinstance(tag, str) for tag in tags):
        raise DataError(f"expected {length} strings, one for each token", field=key)
    return spans_of_tags(tags, find_scheme(tags))


def _span(entity: Any) -> TokenSpan:
    match entity:
        case {"start": int(start), "end": int(end), "type": str(label)}:
            return TokenSpan(start, end, label)
    raise DataError(f"found {entity!r}, expected {{start, end, type}}", field="entities")
