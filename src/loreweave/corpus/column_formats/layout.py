"""Columns of words and tags in a file: found from its lines, checked, and reported.

Published files differ: an index, the sentence or the document comes first (WikiNEuRal, GermEval, CoNLL-2012), a header has
the names, the tag is not last, comments begin with `#`, which can also be a token.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice, pairwise

from loreweave.corpus.column_formats.tag_schemes import OUTSIDE, TokenSpan, find_scheme, has_prefix, spans_of_tags
from loreweave.corpus.column_formats.tag_spellings import TagSpelling, find_spelling
from loreweave.corpus.files.reading import Pathname, open_text
from loreweave.corpus.plausibility import RANGE, counts_up
from loreweave.corpus.tokens import WHITE
from loreweave.errors import DataError

DOCUMENT_START = "-DOCSTART-"
_SPACES = re.compile(r"[ \t]+")
_COMMENT = re.compile(r"#+ ?(?:(?:id|sent_id|text|newdoc|newpar|begin|end)\b|[\w.:]+ = )")
_TOKEN_NAMES = ("token", "tokens", "word", "words", "form", "forms", "surface", "text", "char", "character", "characters")
_TAG_NAMES = ("tag", "tags", "label", "labels", "entity", "entities")
_NAMED_TAGS = re.compile(r"(?:.*[_ -])?(?:ner?|iob2?|bio|bioes)(?:[_ -].*)?")
_SENTENCE_NAMES = re.compile(r"(?:sent|sentence)(?:[_ ]?(?:#|id|no|number|index))?")
_CHUNKS = {"NP", "VP", "PP", "ADVP", "ADJP", "SBAR", "PRT", "CONJP", "INTJ", "LST", "UCP"}
_LABEL = re.compile(r"[^\W\d][\w-]*")
_LOOKED_AT = 20000
"""Number of lines from which columns are recognised; tags are counted in all lines."""


@dataclass(frozen=True, kw_only=True)
class ColumnLayout:
    """Numbers of the columns; negative numbers count from the right.

    `separator` None is a tab if most lines have one, otherwise any spaces.
    """

    token: int = 0
    tag: int = -1
    separator: str | None = None


@dataclass(frozen=True, kw_only=True)
class FileLayout:
    """Layout of one file.

    Attributes:
        separator: a tab, or " " for any spaces.
        width: number of columns; 0 if no line has two.
        token: column of the word.
        tag: column of the tag.
        nested: column of mentions inside those of `tag`, as in GermEval.
        sentence: column whose value changes with the sentence, in files without blank lines.
        open_end: whether all lines end with a separator (WebAnno).
        header: whether the first line names the columns.
        spelling: spelling of its tags.
        tags: all tags of lines that do not begin with `#`.
        prefixed: whether tags other than O have prefixes.
        characters: whether tokens are characters and blank ones the spaces between words (KLUE).
        notes: unusual observations, one per line.
    """

    separator: str = " "
    width: int = 0
    token: int = 0
    tag: int = -1
    nested: int | None = None
    sentence: int | None = None
    open_end: bool = False
    header: bool = False
    spelling: TagSpelling = field(default_factory=TagSpelling)
    tags: frozenset[str] = frozenset()
    prefixed: bool = False
    characters: bool = False
    notes: tuple[str, ...] = ()

    @property
    def labels_every_word(self) -> bool:
        """Whether no tag is O and none has a prefix: names or parts of speech, or the last words of plain text."""
        return bool(self.tags) and not self.prefixed and OUTSIDE not in map(self.spelling.plain, self.tags)

    def split(self, line: str) -> list[str]:
        """Columns of a line; a token of blanks only is " "."""
        if self.separator != " ":
            cells = [cell.strip(WHITE) or " " * bool(cell) for cell in line.rstrip("\r\n").split(self.separator)]
            return cells[:-1] if self.open_end and not cells[-1].strip(WHITE) else [*cells[:-1], cells[-1].strip(WHITE)]
        cells = _SPACES.split(line.strip(WHITE))
        return [" ", *cells] if line[0] in " \t" and len(cells) == self.width - 1 else cells

    def is_comment(self, line: str, within: bool) -> bool:
        """Whether a line is a comment: it begins with `#` and lacks the columns of the file, or has no valid tag.

        `within` means inside a sentence, where only lines of a known form are comments.
        """
        if not line.startswith("#"):
            return False
        cells = self.split(line)
        if len(cells) == self.width and -self.width <= self.tag < self.width:
            tag = cells[self.tag]
            if tag == OUTSIDE or tag in self.tags or (self.prefixed and self.spelling.fits(tag)):
                return False
            if not self.prefixed and _LABEL.fullmatch(tag) and not _COMMENT.match(line):
                return False
        return not within or line.startswith("##") or bool(_COMMENT.match(line))


def find_layout(path: Pathname, given: ColumnLayout | None = None, known: Collection[str] = ()) -> FileLayout:
    """Recognise the layout of a file (plain, .gz, .xz, .bz2).

    Args:
        path: the file.
        given: its columns if they are known; then only the rest is recognised.
        known: types of the tags, if they are known (from the gold file, when predictions are read).

    Raises:
        DataError: no column has words: only indices, or one word on every line; or tags that are not supported.
    """
    blocks = _blocks(path)
    plain = [line for block in blocks for line in block if not line.startswith("#")]
    lines = plain or [line for block in blocks for line in block]
    separators = [given.separator] if given and given.separator else ["\t", " "]
    token, tag = (given.token, given.tag) if given else (0, -1)
    open_end = all(line.rstrip("\r\n").endswith("\t") for line in lines)
    layouts = [FileLayout(separator=separator, token=token, tag=tag, open_end=open_end) for separator in separators]
    layout = max((replace(one, width=_width(one, lines)) for one in layouts), key=lambda one: _fitting(one, lines))
    if layout.width < 2:
        return layout
    names, in_line = _names(path, layout, lines)
    rows = [[layout.split(line) for line in block if not line.startswith("#")] for block in blocks]
    table = _Table([[row for row in block if len(row) == layout.width] for block in rows], names if in_line else None)
    try:
        layout = _found(layout, table, names) if given is None else _with_sentences(layout, table, names)
        counts = _tag_counts(path, layout, in_line)
        spelling = find_spelling(counts, known)
    except DataError as error:
        raise DataError(error.message, path=path, field=error.field) from None
    words = table.column(layout.token) if -layout.width <= layout.token < layout.width else []
    characters = any(not word.strip() for word in words) and all(len(word) == 1 for word in words)
    return replace(
        layout,
        header=in_line,
        spelling=spelling,
        tags=frozenset(counts),
        prefixed=set(map(spelling.plain, counts)) != {OUTSIDE} and all(map(spelling.fits, counts)),
        characters=characters,
        notes=(*layout.notes, *spelling.notes()),
    )


def _blocks(path: Pathname) -> list[list[str]]:
    """First lines of a file, by sentence."""
    blocks: list[list[str]] = [[]]
    with open_text(path) as file:
        for line in islice(file, _LOOKED_AT):
            if not line.strip() or line.startswith(DOCUMENT_START):
                blocks.append([])
            else:
                blocks[-1].append(line)
    return [block for block in blocks if block]


def _width(layout: FileLayout, lines: Iterable[str]) -> int:
    """The most frequent number of columns, at least two; of equally frequent ones the first."""
    widths = Counter(len(layout.split(line)) for line in lines)
    return max((width for width in widths if width > 1), key=lambda width: widths[width], default=0)


def _fitting(layout: FileLayout, lines: Iterable[str]) -> int:
    """Number of lines that have the columns of a layout."""
    return sum(len(layout.split(line)) == layout.width for line in lines) if layout.width else 0


def _names(path: Pathname, layout: FileLayout, lines: Sequence[str]) -> tuple[list[str] | None, bool]:
    """Names of the columns in lower case, and whether the first line has them; or from `# global.columns = ...`."""
    with open_text(path) as file:
        head = next((line for line in file if line.strip()), "")
    key, _, value = head.partition("=")
    if key.split() == ["#", "global.columns"]:
        names = value.lower().split()
        return (names if len(names) == layout.width else None), False
    names = [cell.lower() for cell in layout.split(lines[0])]
    is_header = len(names) == layout.width and any(name in _TOKEN_NAMES for name in names) and _named_tag(names) is not None
    return (names, True) if is_header else (None, False)


def _named_tag(names: Sequence[str]) -> int | None:
    """The column whose name means named entities, or otherwise tags."""
    sure = [place for place, name in enumerate(names) if _NAMED_TAGS.fullmatch(name)]
    return next(iter(sure), max((place for place, name in enumerate(names) if name in _TAG_NAMES), default=None))


class _Table:
    """Cells of the first lines, by sentence and column."""

    def __init__(self, blocks: Iterable[list[list[str]]], header: Sequence[str] | None) -> None:
        kept = [[row for row in block if [cell.lower() for cell in row] != header] for block in blocks]
        self.blocks = [block for block in kept if block]
        self.width = len(self.blocks[0][0]) if self.blocks else 0
        self._tags: dict[int, Counter[str] | None] = {}

    def column(self, place: int) -> list[str]:
        return [row[place] for block in self.blocks for row in block]

    def by_sentence(self, place: int) -> list[list[str]]:
        return [[row[place] for row in block] for block in self.blocks]

    def is_no_word(self, place: int) -> bool:
        """Whether all words of each sentence have one value (the document, the number of the sentence), or are offsets."""
        if all(RANGE.fullmatch(value) for value in self.column(place)):
            return True
        columns = self.by_sentence(place)
        return max(map(len, columns), default=0) > 2 and all(len(set(values)) == 1 for values in columns)

    def numbers_sentences(self, place: int) -> bool:
        """Whether a column of one long block shows where sentences begin: numbers that stay equal, or increase by one."""
        values = self.column(place)
        steps = [(first, second) for first, second in pairwise(values) if first != second]
        if len(self.blocks) != 1 or not steps or len(steps) * 2 > len(values) or not all(v.isdecimal() for v in values):
            return False
        return all(int(second) == int(first) + 1 for first, second in steps)

    def tags(self, place: int) -> Counter[str] | None:
        """The plain tags of a column, if all are O or have a prefix and both occur."""
        if place not in self._tags:
            self._tags[place] = self._plain_tags(place)
        return self._tags[place]

    def _plain_tags(self, place: int) -> Counter[str] | None:
        values = Counter(self.column(place))
        try:
            spelling = find_spelling(values)
        except DataError:
            return None
        plain = Counter[str]()
        for value, count in values.items():
            plain[spelling.plain(value)] += count
        rest = [tag for tag in plain if tag != OUTSIDE]
        typed = any(len(tag) > 2 for tag in rest)
        fits = all(has_prefix(tag) for tag in rest) and (OUTSIDE in plain or typed)
        return plain if fits and rest else None

    def mostly_tags(self, place: int) -> bool:
        """Whether half of the cells of a column are O or have a prefix."""
        values = self.column(place)
        return sum(value == OUTSIDE or has_prefix(value) for value in values) * 2 >= len(values) or bool(self.tags(place))

    def spans(self, place: int) -> set[tuple[int, TokenSpan]]:
        spelling = find_spelling(Counter(self.column(place)))
        found = set()
        for number, values in enumerate(self.by_sentence(place)):
            plain = [spelling.plain(value) for value in values]
            found |= {(number, span) for span in spans_of_tags(plain, find_scheme(plain))}
        return found


def _found(layout: FileLayout, table: _Table, names: Sequence[str] | None) -> FileLayout:
    """The layout, completed with its columns."""
    if not table.blocks:
        return layout
    if names is not None:
        return _by_names(layout, names)
    last = layout.width - 1
    if table.tags(0) and not table.mostly_tags(last):
        return replace(layout, token=-1, tag=0)
    token, sentence = _token_column(table)
    nested, notes = None, list[str]()
    tagged = [place for place in range(token + 1, last + 1) if table.tags(place)]
    sure = [place for place in tagged if not _are_chunks(table, place)]
    tag = last if table.mostly_tags(last) or not sure else sure[-1]
    inner = _nested(table, sure, last)
    if inner is not None:
        tag, nested = inner
        notes.append(f"columns {tag} and {nested} have tags of outer and of nested mentions; both are read")
    else:
        alike = [place for place in sure if place != tag and table.tags(tag) and _types(table, place) & _types(table, tag)]
        if tag != last:
            notes.append(f"tags are in column {tag} (from 0), not in the last one")
        if alike:
            other = f"--format columns:{token},{alike[-1]} reads the other"
            notes.append(f"columns {alike[-1]} and {tag} have the same types; {tag} is read ({other})")
    ranges = [value for value in table.column(token - 1) if RANGE.fullmatch(value)] if token else []
    if 0 < len(ranges) < len(table.column(token - 1)):
        found = f"found ids of multi-word tokens or empty nodes ({ranges[0]}), which only CoNLL-U of 10 columns may have"
        raise DataError(f"{found}; leave these lines out", field="token")
    if token:
        why = "an index" if counts_up(table.by_sentence(token - 1)) else "the same in a sentence, or offsets"
        notes.insert(0, f"words are in column {token} (from 0), because column {token - 1} is {why}")
    return replace(layout, token=token, tag=tag, nested=nested, sentence=sentence, notes=tuple(notes))


def _by_names(layout: FileLayout, names: Sequence[str]) -> FileLayout:
    token = next((place for place, name in enumerate(names) if name in _TOKEN_NAMES), 0)
    tag = _named_tag(names)
    tag = len(names) - 1 if tag is None else tag
    sentence = _named_sentence(names)
    note = f"the first line names the columns: words are in {names[token]!r}, tags in {names[tag]!r}"
    return replace(layout, token=token, tag=tag, sentence=sentence, notes=(note,))


def _named_sentence(names: Sequence[str]) -> int | None:
    """The column whose name is that of numbers of sentences."""
    return next((place for place, name in enumerate(names) if _SENTENCE_NAMES.fullmatch(name)), None)


def _with_sentences(layout: FileLayout, table: _Table, names: Sequence[str] | None) -> FileLayout:
    """The layout of given columns, with the one that numbers the sentences, unless it is chosen for words or tags."""
    chosen = {place % layout.width for place in (layout.token, layout.tag)}
    before = [place for place in range(layout.token % layout.width) if table.blocks and _numbers_sentences(table, place)]
    sentence = next(iter(before), None) if names is None else _named_sentence(names)
    if sentence is None or sentence in chosen:
        return layout
    return replace(layout, sentence=sentence, notes=(f"column {sentence} (from 0) shows where sentences begin",))


def _numbers_sentences(table: _Table, place: int) -> bool:
    return table.numbers_sentences(place) and not counts_up(table.by_sentence(place))


def _token_column(table: _Table) -> tuple[int, int | None]:
    """The first column that may have words, and the one that numbers sentences if there are no blank lines."""
    token, sentence = 0, None
    for place in range(table.width - 1):
        if _numbers_sentences(table, place):
            sentence = place
        elif not (counts_up(table.by_sentence(place)) or (place + 2 < table.width and table.is_no_word(place))):
            break
        token = place + 1
    if token == table.width - 1:
        found = f"found words that count up like an index ({', '.join(table.column(token - 1)[:4])})"
        way_out = "name the columns of the word and of the tag: --format columns:1,2"
        raise DataError(f"{found}, and no other column for words; {way_out}", field="token")
    return token, sentence


def _nested(table: _Table, tagged: Sequence[int], last: int) -> tuple[int, int] | None:
    """Columns of outer and nested mentions (GermEval): the last two, with common types, and no mention in both."""
    outer = last - 1
    if outer not in tagged or (last not in tagged and set(table.column(last)) != {OUTSIDE}):
        return None
    if last not in tagged:
        return outer, last
    first, second = table.spans(outer), table.spans(last)
    around = defaultdict[int, list[TokenSpan]](list)
    for number, span in first:
        around[number].append(span)
    inside = any(span.start <= inner.start and inner.end <= span.end for number, inner in second for span in around[number])
    return (outer, last) if inside and not first & second else None


def _types(table: _Table, place: int) -> set[str]:
    return {tag[2:] for tag in table.tags(place) or () if tag != OUTSIDE}


def _are_chunks(table: _Table, place: int) -> bool:
    return _types(table, place) <= _CHUNKS


def _tag_counts(path: Pathname, layout: FileLayout, header: bool) -> Counter[str]:
    """All tags of a file in lines that do not begin with `#`."""
    counts = Counter[str]()
    for row in _rows(path, layout):
        if header:
            header = False
            continue
        for place in (layout.tag, layout.nested):
            if place is not None and -len(row) <= place < len(row) == layout.width:
                counts[row[place]] += 1
    return counts


def _rows(path: Pathname, layout: FileLayout) -> Iterator[list[str]]:
    with open_text(path) as file:
        for line in file:
            if line.strip() and not line.startswith(("#", DOCUMENT_START)):
                yield layout.split(line)
