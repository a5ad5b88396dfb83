"""Splits a text at the boundaries of its mentions, so that every boundary is also a token boundary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from loreweave.encoding.encoded_text import Span

PieceRule = Literal["boundary", "legacy"]
PIECE_RULES: tuple[PieceRule, ...] = ("boundary", "legacy")


@dataclass(slots=True)
class CutText:
    """A text in pieces that are tokenized separately.

    Attributes:
        pieces: strings that are not empty.
        starts: offset of each piece in the text; one less if a space was put in front.
        pieces_before: boundary (character offset) -> number of pieces before it.
    """

    pieces: list[str]
    starts: list[int]
    pieces_before: dict[int, int]


def cut_at_spans(
    text: str, spans: Sequence[Span], rule: PieceRule, *, leading_space: bool = False, space_before_text: bool = False
) -> CutText:
    """Split `text` at every start and end of `spans`, which may touch, overlap and nest.

    Rules: `boundary` is the rule of transformers' LukeTokenizer: a space just before a boundary belongs to the piece on its
    right, so that spans with and without the space in front give the same tokens. `legacy` is that of the original
    typing and relation code: pieces are stripped on the right and begin with a space.

    Args:
        text: the text.
        spans: character spans, checked by the caller.
        rule: one of the above.
        leading_space: the tokenizer distinguishes words with and without a space in front (byte-level BPE), so
            `legacy` puts a space in front of each piece.
        space_before_text: put a space in front of the text (a tokenizer built with `add_prefix_space`).
    """
    boundaries = sorted({boundary for span in spans for boundary in span})
    if rule == "legacy":
        return _cut_legacy(text, boundaries, leading_space)
    pieces: list[str] = []
    starts: list[int] = []
    pieces_before: dict[int, int] = {}
    cut = 0
    for boundary in boundaries:
        place = boundary - 1 if boundary > 0 and text[boundary - 1] == " " else boundary
        if place != cut:
            pieces.append(text[cut:place])
            starts.append(cut)
            cut = place
        pieces_before[boundary] = len(pieces)
    if cut < len(text):
        pieces.append(text[cut:])
        starts.append(cut)
    if space_before_text and pieces and not pieces[0][0].isspace():
        pieces[0], starts[0] = " " + pieces[0], -1
    return CutText(pieces, starts, pieces_before)


def _cut_legacy(text: str, boundaries: list[int], leading_space: bool) -> CutText:
    pieces: list[str] = []
    starts: list[int] = []
    pieces_before: dict[int, int] = {}
    cut = 0
    for boundary in (*boundaries, len(text)):
        piece = text[cut:boundary].rstrip()
        if piece:
            add_space = leading_space and not piece[0].isspace()
            pieces.append(" " + piece if add_space else piece)
            starts.append(cut - add_space)
        cut = boundary
        pieces_before[boundary] = len(pieces)
    return CutText(pieces, starts, pieces_before)
