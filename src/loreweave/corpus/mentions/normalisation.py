"""How names and texts are made comparable, with the way back to the characters of the text."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, Self, get_args, get_type_hints

import numpy as np

from loreweave.corpus.files.strict_json import in_json
from loreweave.errors import DataError

_PARAGRAPH_BREAK = re.compile(r"\s*\n[^\S\n]*\n\s*")
"""White space with a blank line. No name goes over it."""
_RUN, _CHUNK = re.compile(r"\S+(?: \S+)*"), re.compile(r"\S+")
"""Words one space apart, as in a line of text, and one of them."""
_HANGUL_PARTS = ("\u1160", "\u11ff")
"""Vowels and final consonants of Hangul, which NFKC joins to the character before them."""
_KANA_MARKS = "\uff9e\uff9f"
"""Half-width sound marks, which NFKC joins to the kana before them."""
_SIGNS = {"\u2019": "'", "\u2018": "'", "\u02bc": "'", "\u2010": "-", "\u2011": "-"}
"""Typographic apostrophes and hyphens, and the signs on keyboards; one character each, so that places do not change."""
_ROUNDS = 4
"""More rounds of normal form and case than any character needs until nothing changes."""
_FEW = 8
"""Number of spans from which on NumPy converts them."""
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")


class Piece:
    """A normalised part of a text between blank lines, and the places in the original text.

    Attributes:
        text: the normalised characters; words are one space apart.
        inside: places where the characters before and after were made of the same original one, as both s of a folded ß.
    """

    __slots__ = ("_ends", "_origins", "_places", "inside", "text")

    def __init__(
        self, text: str, places: list[int], origins: list[int], ends: list[int | None], inside: Set[int] = frozenset()
    ) -> None:
        """Stretches of the text, each with its place, its origin, and its end in the original text if all its characters were
        made of the same original ones; None if each stands for one."""
        self.text, self._places, self._origins, self._ends, self.inside = text, places, origins, ends, inside

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Offsets in the original text of the normalised characters from `start` to `end` (exclusive)."""
        if len(self._places) == 1 and self._ends[0] is None:
            return self._origins[0] + start, self._origins[0] + end
        first, last = bisect_right(self._places, start) - 1, bisect_right(self._places, end - 1) - 1
        begin, stop = self._origins[first], self._ends[last]
        if self._ends[first] is None:
            begin += start - self._places[first]
        return begin, self._origins[last] + end - self._places[last] if stop is None else stop

    def originals(self, spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
        """`original` of many spans; faster than one by one."""
        if self.is_even:
            offset = self._origins[0]
            return [(offset + start, offset + end) for start, end in spans]
        if len(spans) < _FEW:
            return [self.original(start, end) for start, end in spans]
        places, origins = np.array(self._places), np.array(self._origins)
        ends = np.array([-1 if end is None else end for end in self._ends])
        begin, stop = np.array(spans).T
        first, last = np.searchsorted(places, begin, "right") - 1, np.searchsorted(places, stop, "left") - 1
        starts = origins[first] + np.where(ends[first] < 0, begin - places[first], 0)
        stops = np.where(ends[last] < 0, origins[last] + stop - places[last], ends[last])
        return list(zip(starts.tolist(), stops.tolist(), strict=True))

    @property
    def is_even(self) -> bool:
        """Whether each character stands for one original character."""
        return len(self._places) == 1 and self._ends[0] is None


@dataclass(frozen=True, slots=True)
class Normalisation:
    """What is done to names and texts before they are compared. White space always becomes single spaces.

    Attributes:
        unicode: Unicode normal form. NFKC also unites characters of equal meaning, as a ligature and its letters.
        case: `fold` removes differences of case in every script (ß becomes ss), `lower` lower-cases, `keep` keeps them.
        accents: whether accents are removed.
        punctuation: `separate` makes each punctuation character, and each Chinese one, a word of its own, as BERT's first
            tokenizer does: `U.S.` and `U. S.` are then equal.
        signs: `unite` makes typographic apostrophes and hyphens those of keyboards: O’Brien and O'Brien are then equal.

    Example:
        >>> Normalisation().name("  New   YORK ")
        'new york'
    """

    unicode: Literal["NFKC", "NFC", "none"] = "NFKC"
    case: Literal["fold", "lower", "keep"] = "fold"
    accents: Literal["keep", "strip"] = "keep"
    punctuation: Literal["keep", "separate"] = "keep"
    signs: Literal["unite", "keep"] = "unite"

    def to_dict(self) -> dict[str, str]:
        """The settings as JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> Self:
        """The normalisation of `to_dict`; older dictionaries say nothing about signs, and keep them.

        Raises:
            DataError: an unknown value.
        """
        settings = {"signs": "keep", **settings}
        kinds = get_type_hints(cls)
        for item in fields(cls):
            allowed = get_args(kinds[item.name])
            if settings.get(item.name) not in allowed:
                raise DataError(
                    f"found {in_json(settings.get(item.name))}, expected one of {', '.join(allowed)}", field=item.name
                )
        return cls(**{item.name: settings[item.name] for item in fields(cls)})

    def name(self, name: str) -> str:
        """A name as it is stored and compared; empty if nothing remains of it."""
        return " ".join(piece.text for piece in self.pieces(name)).strip()

    def pieces(self, text: str) -> Iterator[Piece]:
        """The parts of a text between blank lines, normalised; parts of which nothing remains are left out."""
        if not text.isascii():
            text = _without_halves(text)
        start = 0
        for match in _PARAGRAPH_BREAK.finditer(text) if "\n" in text else ():
            if match.start() > start:
                yield from self._piece(text[start : match.start()], start)
            start = match.end()
        if start < len(text):
            yield from self._piece(text[start:], start)

    def _piece(self, text: str, offset: int) -> Iterator[Piece]:
        """In almost all text, characters stay in place. This is checked for the whole, for runs of words, and for each word."""
        spaced = " ".join(text.split())
        if len(spaced) == len(text) and (even := self._one_to_one(spaced)) is not None:
            yield Piece(even, [0], [offset], [None])
            return
        made = _Made()
        for run in _RUN.finditer(text):
            even = self._one_to_one(run[0])
            if even is not None:
                made.add_each(even, offset + run.start())
                made.add_space(offset + run.end())
                continue
            for chunk in _CHUNK.finditer(run[0]):
                self._add_word(made, chunk[0], offset + run.start() + chunk.start())
        if made.parts:
            yield made.piece()

    def _add_word(self, made: _Made, word: str, offset: int) -> None:
        even = self._one_to_one(word)
        if even is not None:
            made.add_each(even, offset)
        else:
            for start, end in _clusters(word):
                made.add(self._characters(word[start:end]), offset + start, offset + end)
        made.add_space(offset + len(word))

    def _one_to_one(self, text: str) -> str | None:
        """The normalised words, one space apart, if each character becomes one character in the same place, otherwise None."""
        if self.punctuation == "separate" and not (text.isascii() and text.replace(" ", "").isalnum()):
            return None
        if text.isascii():
            return self._cased(text)
        if self.accents == "strip" or not self._has_normal_form(text):
            return None
        cased = self._cased(text)
        return cased if len(cased) == len(text) and self._has_normal_form(cased) else None

    def _has_normal_form(self, text: str) -> bool:
        return self.unicode == "none" or unicodedata.is_normalized(self.unicode, text)

    def _characters(self, cluster: str) -> str:
        """The normalised characters of a character with its combining marks, which normalisation does not change again."""
        text = cluster
        for _ in range(1 if cluster.isascii() else _ROUNDS):
            before = text
            text = self._cased(text if self.unicode == "none" else unicodedata.normalize(self.unicode, text))
            if text == before:
                break
        if self.accents == "strip":
            text = "".join(part for part in unicodedata.normalize("NFD", text) if unicodedata.category(part) != "Mn")
        if self.punctuation == "separate":
            text = "".join(f" {part} " if _stands_alone(part) else part for part in text)
        return text

    def _cased(self, text: str) -> str:
        if self.signs == "unite" and not text.isascii():
            for sign, plain in _SIGNS.items():
                text = text.replace(sign, plain)
        match self.case:
            case "fold":
                return text.casefold()
            case "lower":
                return text.lower().replace("ς", "σ")  # which of the two it is depends on the next character
            case _:
                return text


class _Made:
    """Normalised characters with their places, from left to right; spaces at the edges and second spaces are left out."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.length = 0
        self.places: list[int] = []
        self.origins: list[int] = []
        self.ends: list[int | None] = []
        self.space: int | None = None
        self.inside: set[int] = set()

    def add(self, text: str, start: int, end: int) -> None:
        """Add what the original characters from `start` to `end` have become."""
        words = " ".join(text.split())
        if text[:1].isspace():
            self.add_space(start)
        if words:
            self._append(words, start, end)
            self.inside.update(range(self.length - len(words) + 1, self.length))
        if text[-1:].isspace():
            self.add_space(end)

    def add_each(self, text: str, start: int) -> None:
        """Add characters that each stand for one original character."""
        self._append(text, start, None)

    def add_space(self, place: int) -> None:
        """Add white space that begins at a place of the original text."""
        if self.parts and self.space is None:
            self.space = place

    def piece(self) -> Piece:
        """All characters."""
        return Piece("".join(self.parts), self.places, self.origins, self.ends, self.inside)

    def _append(self, text: str, start: int, end: int | None) -> None:
        if self.space is not None:
            place, self.space = self.space, None
            self._append(" ", place, place)
        self.places.append(self.length)
        self.origins.append(start)
        self.ends.append(end)
        self.parts.append(text)
        self.length += len(text)


def _without_halves(text: str) -> str:
    """The text with U+FFFD in place of unpaired surrogates, which tries cannot have."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return re.sub("[\ud800-\udfff]", "\N{REPLACEMENT CHARACTER}", text)
    return text


def _clusters(chunk: str) -> Iterator[tuple[int, int]]:
    """Characters with the combining marks after them, which normal forms change together."""
    start = 0
    for place in range(1, len(chunk) + 1):
        if place < len(chunk) and _joins(chunk[place]):
            continue
        yield start, place
        start = place


def _joins(character: str) -> bool:
    hangul = _HANGUL_PARTS[0] <= character <= _HANGUL_PARTS[1]
    return hangul or character in _KANA_MARKS or unicodedata.category(character)[0] == "M"


def _stands_alone(character: str) -> bool:
    """Whether BERT's first tokenizer makes the character a word: punctuation, ASCII symbols, Chinese characters."""
    if character.isascii():
        return not (character.isalnum() or character.isspace())
    return unicodedata.category(character)[0] == "P" or _HAN.match(character) is not None
