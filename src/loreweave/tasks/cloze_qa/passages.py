"""Queries and passages as sub-words with the markers of the cloze task, as LUKE's released code makes them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from loreweave.checkpoints.formats.luke_finetuned import CLOZE_TOKENS
from loreweave.encoding import EntityTokenizer
from loreweave.encoding.markers import place_markers
from loreweave.tasks.cloze_qa.record import HIGHLIGHT, PLACEHOLDER, ClozeRecord, Span

_BLOCK = 1000
"""Number of records that are tokenized together."""


@dataclass(frozen=True, slots=True)
class Passage:
    """Sub-words of a passage with markers, and each candidate's place in them, including its markers."""

    ids: list[int]
    spans: list[Span]


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part of a text without markers: it is tokenized, or it is the marker `token`."""

    text: str = ""
    leading_space: bool = False
    token: int | None = None


class ClozeTokenizer:
    """Tokenizes queries and passages piece by piece.

    A piece begins with a space if there is one in the text, on either side of its boundary, or if it begins the text. It is
    stripped on the right.

    Args:
        tokenizer: tokenizer whose words include `CLOZE_TOKENS`.
        repetition: see `ClozeConfig.released_repetition`.
    """

    def __init__(self, tokenizer: EntityTokenizer, repetition: bool) -> None:
        self.tokenizer, self.repetition = tokenizer, repetition
        ids = [tokenizer.words.id_of(token) for token in CLOZE_TOKENS]
        self._highlight, self._placeholder, self._entity = (_known(id) for id in ids)

    def queries(self, records: Sequence[ClozeRecord]) -> Iterator[tuple[list[int], int]]:
        """Sub-words of each query, and the place of the placeholder among them."""
        pieces = []
        for record in records:
            before, _, after = record.query.replace("\n", " ").partition(PLACEHOLDER)
            pieces.append([_Piece(before, True), _Piece(token=self._placeholder), _Piece(after)])
        for first, gap, last in self._tokenized(pieces):
            yield [*first, *gap, *last], len(first)

    def passages(self, records: Sequence[ClozeRecord]) -> Iterator[Passage]:
        """Each record's passage."""
        for start in range(0, len(records), _BLOCK):
            block = records[start : start + _BLOCK]
            cut = [self._cut(record.text.replace("\n", " "), record.candidates) for record in block]
            tokenized = self._tokenized([pieces for pieces, _ in cut])
            for record, (_, places), ids in zip(block, cut, tokenized, strict=True):
                yield self._marked(record, places, ids)

    def _marked(self, record: ClozeRecord, places: dict[int, int], pieces: list[list[int]]) -> Passage:
        """The passage with markers around its candidates; `places`: character of a boundary -> number of pieces before it."""
        before = [0]
        for ids in pieces:
            before.append(before[-1] + len(ids))
        spans = [(before[places[start]], before[places[end]]) for start, end in record.candidates]
        markers = place_markers(spans, [self._entity] * len(spans))
        return Passage(markers.weave([id for ids in pieces for id in ids], int), markers.spans)

    def _cut(self, text: str, spans: Sequence[Span]) -> tuple[list[_Piece], dict[int, int]]:
        """The pieces of a passage between the boundaries of its candidates, and where each boundary is among them."""
        pieces: list[_Piece] = []
        places: dict[int, int] = {}
        cut = 0
        for boundary in sorted({0, len(text), *(place for span in spans for place in span)}):
            pieces += self._part(text, cut, boundary) if boundary > cut else []
            places[boundary] = len(pieces)
            cut = boundary
        return pieces, places

    def _part(self, text: str, start: int, end: int) -> Iterator[_Piece]:
        """The pieces of a text between two boundaries: what is before, between and after its highlights.

        The released code tokenizes the whole part in place of what is before the first highlight, if no space is there.
        """
        first, *others = text[start:end].split(HIGHLIGHT)
        space = start == 0 or text[start - 1] == " " or first[:1] == " "
        yield _Piece(first if space or not self.repetition else text[start:end], space)
        for other in others:
            yield _Piece(token=self._highlight)
            yield _Piece(other)

    def _tokenized(self, texts: Sequence[Sequence[_Piece]]) -> Iterator[list[list[int]]]:
        """Sub-words of the pieces of each text."""
        flat = [piece for pieces in texts for piece in pieces]
        words = self.tokenizer.tokenize_pieces(
            [piece.text.rstrip() for piece in flat], leading_space=[piece.leading_space for piece in flat]
        )
        found = iter(ids if piece.token is None else [piece.token] for piece, ids in zip(flat, words, strict=True))
        for pieces in texts:
            yield [next(found) for _ in pieces]


def _known(id: int | None) -> int:
    assert id is not None, "the tokens are added when the model is built, and checked when it is loaded"
    return id
