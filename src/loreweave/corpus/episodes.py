"""Episodes of few-shot sequence labelling: a small labelled support set, a query set, and the types of both.

The published layout (Few-NERD) has one JSON object per line,
`{"support": {"word": [[...]], "label": [[...]]}, "query": {...}, "types": [...]}`. CONTaiNER splits it into folders,
`support_test_5_1/0.txt` and `query_test_5_1/0.txt`, with one column file for each part of an episode. Labels are bare in
both; files of other corpora may have prefixes (B-, I-, ...).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from loreweave.corpus.column_formats.columns import read_column_sentences
from loreweave.corpus.column_formats.tag_schemes import (
    OUTSIDE,
    Scheme,
    WrittenScheme,
    find_scheme,
    spans_of_tags,
    tags_of_spans,
)
from loreweave.corpus.column_formats.tag_spellings import SLIPS, find_spelling
from loreweave.corpus.files.json_rows import first_character
from loreweave.corpus.files.reading import Pathname, json_lines_or_errors
from loreweave.corpus.files.strict_json import in_json
from loreweave.corpus.files.writing import write_json_lines
from loreweave.corpus.plausibility import alike, distinct
from loreweave.corpus.tokens import TaggedSentence
from loreweave.errors import DataError

_BUILDER = "; 'loreweave build episodes' makes episodes of annotated sentences"
E = TypeVar("E")
Sentences = tuple[TaggedSentence, ...]


def folded(text: str | Sequence[str]) -> str:
    """A text, or its tokens, without differences of case and white space: equal for copies.

    Example:
        >>> folded(["Ann", "lives"]) == folded("ann  lives")
        True
    """
    return " ".join((text if isinstance(text, str) else " ".join(text)).casefold().split())


@dataclass(frozen=True, slots=True)
class Episode:
    """One N-way K-shot episode.

    Attributes:
        id: number in the file, from 0.
        support: sentences whose labels are given.
        query: sentences to be labelled; their labels are the gold annotation.
        types: the N labels, without O.
        scheme: tag scheme of the file; it decides whether adjacent spans of one type are distinguished.
    """

    id: str
    support: Sentences
    query: Sentences
    types: tuple[str, ...]
    scheme: Scheme = "io"


def read_episodes(path: Pathname, skipped: Counter[str] | None = None) -> Iterator[Episode]:
    """Stream the episodes of a JSON Lines file, or of a folder of CONTaiNER's column files.

    Args:
        path: the file; or a folder with one `support_*` and one `query_*` folder; or such a `support_*` folder,
            with its `query_*` folder next to it.
        skipped: if given, episodes that cannot be scored are left out and counted here by reason.

    Raises:
        DataError: names the file, the episode and the field: a missing or empty part, words and labels of
            different lengths, or a label of the query that the support lacks.
    """
    path = Path(path)
    rows: Iterable[tuple[str, dict[str, Any] | DataError]]
    rows = _folder_rows(path) if path.is_dir() else _json_rows(path)
    yield from parsed_episodes(rows, episode_of, path, skipped)


def parsed_episodes(
    rows: Iterable[tuple[str, Any]], parse: Callable[[Any, str], E], path: Path, skipped: Counter[str] | None
) -> Iterator[E]:
    """The episodes of rows with their places, parsed one by one.

    Args:
        rows: a row may be an error.
        parse: (row, number of the episode) -> episode.
        path, skipped: see `read_episodes`.

    Raises:
        DataError: names the file, the episode and the field.
    """
    for number, (place, row) in enumerate(rows):
        try:
            if isinstance(row, DataError):
                raise DataError(row.message)
            yield parse(row, str(number))
        except DataError as error:
            if skipped is None:
                raise DataError(error.message, path=path, record=place, field=error.field) from None
            skipped[f"bad {error.field or 'episode'}"] += 1


def check_known(labels: Iterable[str | None], known: Iterable[str]) -> None:
    """Refuse labels of queries that the support set lacks.

    Raises:
        DataError: names the label.
    """
    names = list(known)
    for label in labels:
        if label is not None and label not in names:
            found = f"found the label {label!r}, which no sentence of the support has (it has {', '.join(names) or 'none'})"
            raise DataError(found, field="query.label")


def episode_of(row: Mapping[str, Any], id: str) -> Episode:
    """The episode of one JSON object; other keys are ignored.

    Raises:
        DataError: see `read_episodes`; or only some of the labels have prefixes.
    """
    if "support" not in row:
        raise DataError(f"found no 'support', expected an episode{_BUILDER}", field="support")
    halves = {name: _half(row, name) for name in ("support", "query")}
    types = row.get("types")
    if types is not None and not (isinstance(types, list | tuple) and all(isinstance(label, str) for label in types)):
        raise DataError(f"found {in_json(types)}, expected a list of labels", field="types")
    halves = _plain(halves, types)
    scheme = _scheme([tags for half in halves.values() for _, tags in half], types)
    support, query = (_sentences(half, scheme) for half in halves.values())
    known = _types(support)
    check_known(_types(query), known)
    types = known if types is None else types
    if sorted(types) != known:
        like_outside = [label for label in known if looks_outside(label) and label not in types]
        hint = f"; {like_outside[0]!r} must be O where it means no type" if like_outside else ""
        raise DataError(f"found {', '.join(types)}, expected those of the support: {', '.join(known)}{hint}", field="types")
    return Episode(id, support, query, tuple(types), scheme)


def looks_outside(label: str) -> bool:
    """Whether a label looks like O, the tag of tokens outside all spans, in another spelling."""
    return label != OUTSIDE and label.casefold() in SLIPS


def describe_types(types: Iterable[str]) -> list[str]:
    """A line about types that look like O, and one about types that differ only by case, blanks or punctuation."""
    names = sorted(set(types))
    notes = [
        f"the type {label!r} looks like O, the tag of tokens outside all spans: it is read as a type, and scored"
        for label in names
        if looks_outside(label)
    ]
    return notes + [
        f"the types {', '.join(distinct(group))} differ only by case, blanks or punctuation: they are different types"
        for group in alike(names)
    ]


def write_episodes(path: Pathname, episodes: Iterable[Episode], scheme: WrittenScheme = "io") -> int:
    """Write the published layout (with bare labels by default) and return the number of episodes."""
    return write_json_lines(path, (_row(episode, scheme) for episode in episodes))


def _row(episode: Episode, scheme: WrittenScheme) -> dict[str, Any]:
    row: dict[str, Any] = {
        name: {
            "word": [list(sentence.tokens) for sentence in half],
            "label": [tags_of_spans(sentence.spans, len(sentence.tokens), scheme) for sentence in half],
        }
        for name, half in (("support", episode.support), ("query", episode.query))
    }
    return row | {"types": list(episode.types)}


_Half = list[tuple[list[str], list[str]]]


def _half(row: Mapping[str, Any], name: str) -> _Half:
    half = row.get(name)
    if not isinstance(half, Mapping):
        raise DataError(f"found {in_json(half)}, expected an object with 'word' and 'label'", field=name)
    words, labels = (_table(half.get(key), name) for key in ("word", "label"))
    if not words or not all(words):
        raise DataError("found no sentence, or an empty one", field=name)
    if [len(tokens) for tokens in words] != [len(tags) for tags in labels]:
        raise DataError("found different numbers of words and labels", field=f"{name}.label")
    return list(zip(words, labels, strict=True))


def _table(value: Any, name: str) -> list[list[str]]:
    rows: Any = value if isinstance(value, list) else [None]
    if not all(isinstance(row, list) and all(isinstance(cell, str) for cell in row) for row in rows):
        raise DataError("expected two lists of lists of strings, 'word' and 'label'", field=name)
    return rows


def _plain(halves: dict[str, _Half], types: Sequence[str] | None) -> dict[str, _Half]:
    """Both parts with the tags of `tag_schemes`, if theirs have prefixes in another spelling (`B_PER`)."""
    counts = Counter(tag for half in halves.values() for _, tags in half for tag in tags)
    if types is not None and counts.keys() - {OUTSIDE} <= set(types):
        return halves
    spelling = find_spelling(counts, types or ())
    if spelling.form is None and not spelling.letters:
        return halves
    return {name: [(tokens, [spelling.plain(tag) for tag in tags]) for tokens, tags in half] for name, half in halves.items()}


def _scheme(sentences: Sequence[Sequence[str]], types: Sequence[str] | None) -> Scheme:
    """Whether the tags of an episode have prefixes; they have none if they occur in `types`.

    Raises:
        DataError: `types` does not decide it, and only some tags have prefixes, or prefixes are in no known scheme.
    """
    labels = {tag for tags in sentences for tag in tags} - {OUTSIDE}
    if types is not None and labels <= set(types):
        return "io"
    way_out = "if they are whole labels, list them in 'types'"
    try:
        scheme = find_scheme(sorted(labels))
    except DataError as error:
        raise DataError(f"{error.message}; {way_out}", field="label") from None
    odd = None if scheme == "io" else _odd_prefix(sentences)
    if odd is not None:
        found = f"found the tag {odd!r} in a place that no tag scheme (BIO, IOE, BIOES, BILOU) allows"
        raise DataError(f"{found}; {way_out}", field="label")
    return scheme


def _odd_prefix(sentences: Sequence[Sequence[str]]) -> str | None:
    """A tag whose prefix fits no scheme: BIOES mixed with BILOU, or an end without a beginning in a scheme with beginnings."""
    letters = {tag[0] for tags in sentences for tag in tags if tag != OUTSIDE}
    if letters & set("ES") and letters & set("LU"):
        return next(tag for tags in sentences for tag in tags if tag[0] in "LU")
    if not letters & set("BSU"):
        return None  # IO or IOE, whose spans have no beginning tag
    for tags in sentences:
        for before, tag in zip([OUTSIDE, *tags], tags, strict=False):
            if tag[0] in "EL" and tag != OUTSIDE and not (before[0] in "BI" and before[1:] == tag[1:]):
                return tag
    return None


def _sentences(half: _Half, scheme: Scheme) -> Sentences:
    return tuple(TaggedSentence(tuple(tokens), tuple(spans_of_tags(tags, scheme))) for tokens, tags in half)


def _types(sentences: Sentences) -> list[str]:
    return sorted({span.label for sentence in sentences for span in sentence.spans} - {OUTSIDE})


def _json_rows(path: Path) -> Iterator[tuple[str, dict[str, Any] | DataError]]:
    if first_character(path) not in ("", "{", "["):
        raise DataError(f"found no JSON, expected a file of episodes{_BUILDER}", path=path)
    yield from ((f"line {line}", row) for line, row in json_lines_or_errors(path))


def _folder_rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """CONTaiNER's files as rows of the JSON layout, sorted by number."""
    support = path if path.name.startswith("support") else _only(path, "support*")
    query = support.with_name("query" + support.name.removeprefix("support"))
    files = sorted((file for file in support.glob("*.txt") if file.stem.isdigit()), key=lambda file: int(file.stem))
    if not files:
        raise DataError("found no 0.txt, 1.txt, ...", path=support)
    for file in files:
        halves = {"support": file, "query": query / file.name}
        yield file.name, {name: _columns(half) for name, half in halves.items()}


def _only(path: Path, pattern: str) -> Path:
    found = sorted(folder for folder in path.glob(pattern) if folder.is_dir())
    if len(found) != 1:
        names = ", ".join(folder.name for folder in found) or "none"
        raise DataError(f"found {names}, expected one folder {pattern}; give that folder itself", path=path)
    return found[0]


def _columns(path: Path) -> dict[str, Any]:
    sentences = list(read_column_sentences(path))
    return {"word": [list(s.tokens) for s in sentences], "label": [list(s.tags) for s in sentences]}
