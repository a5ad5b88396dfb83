"""Spelling of a file's tags: `B-PER`, but also `B_PER`, `PER-B`, `b-per` with `o`, `B/PER`, `BPER`, and M and W of BMES.

A spelling is found from all tags of a file and converts them to those of `tag_schemes`. It is accepted only if every tag
fits and the tags themselves show it: a type that begins with one letter and continues with another (`B_PER`, `I_PER`), or
types that are known.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import takewhile

from loreweave.corpus.column_formats.tag_schemes import OUTSIDE, has_prefix
from loreweave.corpus.counts import listed
from loreweave.errors import DataError

_LETTERS = {"B": "B", "I": "I", "E": "E", "S": "S", "L": "L", "U": "U", "M": "I", "W": "S"}
"""M and W are the middle, and a word of one token, in BMES and BMEWO."""
_BEGINNINGS = frozenset("BSU")
_WORDS = {"BEGIN": "B", "BEGINNING": "B", "INSIDE": "I", "IN": "I", "END": "E", "LAST": "L", "SINGLE": "S", "UNIT": "U"}
_NUMBERED = re.compile(r".+\[\d+\]")
_LETTER, _WORD, _BETWEEN = "[BIESLUMW]", "|".join(_WORDS), r"[^\w\s]+|_+"
_FORMS = (
    re.compile(rf"(?P<letter>{_LETTER})(?P<between>{_BETWEEN})(?P<label>\S.*)", re.IGNORECASE),
    re.compile(rf"(?P<label>.*\S)(?P<between>{_BETWEEN})(?P<letter>{_LETTER})", re.IGNORECASE),
    re.compile(rf"(?P<letter>{_WORD})(?P<between>{_BETWEEN})(?P<label>\S.*)", re.IGNORECASE),
    re.compile(rf"(?P<letter>{_LETTER})(?P<between>)(?P<label>[A-Z<].*)"),
)
"""The prefix first, last, as a word, and without a separator."""

_BEGIN = re.compile(r"(?<![^\W_])[Bb](?![^\W_])")
"""The letter B without a letter or digit next to it."""
_OUTSIDES = ("o", "0", "_", "-", "*", "none", "null", "out", "outside")
"""Other spellings of O, by decreasing plausibility."""
SLIPS = ("o", "0")
"""Those of these that also mean O in a file that has O."""
_BRACKETED = re.compile(r"\*|\*?\)|\(\w+\*?\)?")


@dataclass(frozen=True)
class TagSpelling:
    """Spelling of the tags of a file.

    Attributes:
        outside: other spellings of O.
        form: position of the prefix; None if tags are as in `tag_schemes`, or bare labels.
        between: separator of prefix and type.
        letters: whether M and W stand for I and S in otherwise plain tags.
        example: a tag in another spelling; empty if there is none.
    """

    outside: frozenset[str] = frozenset()
    form: re.Pattern[str] | None = None
    between: str = "-"
    letters: bool = False
    example: str = ""

    def plain(self, tag: str) -> str:
        """The tag in the form of `tag_schemes`; unchanged if it is not in this spelling."""
        if tag in self.outside:
            return OUTSIDE
        if self.letters and tag[:1] in "MW" and tag[1:2] in ("", "-"):
            return _LETTERS[tag[0]] + tag[1:]
        parsed = _parsed(tag, self.form, self.between)
        return tag if parsed is None else "-".join(parsed)

    def fits(self, tag: str) -> bool:
        """Whether a tag is O, or has a prefix in this spelling."""
        plain = self.plain(tag)
        return plain == OUTSIDE or has_prefix(plain)

    def notes(self) -> list[str]:
        """Notes about tags that were read differently from their spelling, one line each."""
        pairs = [f"{self.example!r} as {self.plain(self.example)!r}"] if self.example else []
        pairs += [f"{tag!r} as 'O'" for tag in sorted(self.outside)]
        return [f"tags in another spelling: {', '.join(pairs)}"] if pairs else []


PLAIN = TagSpelling()
"""The spelling of `tag_schemes`."""


def find_spelling(counts: Mapping[str, int], known: Collection[str] = ()) -> TagSpelling:
    """Spelling of all tags of a file.

    Args:
        counts: tag -> number of occurrences.
        known: types that are known (from the gold file, when predictions are read).

    Raises:
        DataError: numbers instead of tags, or brackets, which are refused with a message of their own.
    """
    tags = [tag for tag in counts if tag != OUTSIDE]
    _refuse(tags, OUTSIDE in counts)
    outside = _outside(counts, set(known))
    rest = [tag for tag in tags if tag not in outside]
    spelling = _prefixed(rest, outside, set(known))
    if spelling is not None:
        return spelling
    if OUTSIDE in counts:
        outside &= set(SLIPS)
    elif outside and max(counts[tag] for tag in outside) < max((counts[tag] for tag in rest), default=0):
        outside = frozenset()
    return TagSpelling(frozenset(outside))


def _prefixed(tags: list[str], outside: frozenset[str], known: set[str]) -> TagSpelling | None:
    """A spelling with prefixes that all tags fit; None if there is none that is plausible."""
    if known.issuperset(tags):
        return None
    if not tags or all(has_prefix(tag) for tag in tags):
        return TagSpelling(outside)
    if all(tag[:1] in _LETTERS and tag[1:2] in ("", "-") for tag in tags) and any(tag[:1] == "B" for tag in tags):
        return TagSpelling(outside, letters=True, example=next(tag for tag in tags if tag[0] in "MW"))
    for form in _FORMS:
        first = form.fullmatch(tags[0])
        between = "" if first is None else first["between"]
        parsed = list(takewhile(bool, (_parsed(tag, form, between) for tag in tags)))
        usual = form is _FORMS[0] and all(tag[:1].isupper() for tag in tags)
        if len(parsed) == len(tags) and _believed([each for each in parsed if each], usual, known):
            return TagSpelling(outside, form, between, example=next(tag for tag in tags if not has_prefix(tag)))
    return None


def _parsed(tag: str, form: re.Pattern[str] | None, between: str) -> tuple[str, str] | None:
    """Letter and type of a tag."""
    match = None if form is None else form.fullmatch(tag)
    if match is None or match["between"] != between:
        return None
    letter = match["letter"].upper()
    return _LETTERS[_WORDS.get(letter, letter)], match["label"]


def _believed(parsed: Iterable[tuple[str, str]], usual: bool, known: set[str]) -> bool:
    """Whether letters are prefixes: each type begins and one continues with another letter, or its types are known; with a
    capital letter in front (`usual`) also if all types only begin.
    """
    letters: dict[str, set[str]] = defaultdict(set)
    for letter, label in parsed:
        letters[label].add(letter)
    if known & letters.keys():
        return True
    if usual and all(found == {"B"} for found in letters.values()):
        return True
    paired = any("B" in found and len(found) > 1 for found in letters.values())
    return paired and (usual or all(found & _BEGINNINGS for found in letters.values()))


def _outside(counts: Mapping[str, int], known: set[str]) -> frozenset[str]:
    """Spellings of O: in a file with O all of its other spellings, otherwise the first that occurs."""
    found = [tag for word in _OUTSIDES for tag in counts if tag.lower() == word and tag != OUTSIDE and tag not in known]
    return frozenset(found if OUTSIDE in counts else found[:1])


def _refuse(tags: Collection[str], has_outside: bool) -> None:
    if tags and not has_outside and all(tag.isdigit() for tag in tags):
        shown = listed(sorted(map(int, tags)), shown=4)
        way_out = "write their names (B-PER, I-PER, O, ...) instead (--tag-names is for JSON and Parquet)"
        raise DataError(f"found numbers as tags ({shown}), whose names are not in the file; {way_out}", field="tag")
    numbered = [tag for tag in tags if _NUMBERED.fullmatch(tag)]
    if numbered and len(numbered) + sum(tag in _OUTSIDES for tag in tags) == len(tags):
        found = f"found tags with numbers ({listed(sorted(numbered), shown=4)}), as WebAnno's TSV 3 writes them"
        raise DataError(f"{found}, which are not read; export the file as CoNLL 2002", field="tag")
    if any("(" in tag for tag in tags) and all(_BRACKETED.fullmatch(tag) for tag in tags):
        shown = listed(sorted(tags), shown=4)
        found = f"found tags in brackets ({shown}), as CoNLL-2012 writes them"
        raise DataError(f"{found}, which are not read; convert them to B-, I- and O first", field="tag")


def paired_labels(labels: Iterable[str]) -> tuple[str, str] | None:
    """Two labels that are tags of one type, such as `B_PER` and `I_PER`, or `x=B-PER` and `x=I-PER`; None if there are none."""
    known = set(labels)
    for label in sorted(known):
        for match in _BEGIN.finditer(label):
            for letter in "IM":
                other = label[: match.start()] + (letter if match[0].isupper() else letter.lower()) + label[match.end() :]
                if other in known:
                    return label, other
    for form in _FORMS[2:]:
        begun = {match["label"]: match.string for match in map(form.fullmatch, sorted(known)) if match and match[0][0] in "Bb"}
        for label in sorted(known):
            inside = form.fullmatch(label)
            if inside is not None and inside["letter"].upper() in ("I", "IN", "INSIDE") and inside["label"] in begun:
                return begun[inside["label"]], label
    return None
