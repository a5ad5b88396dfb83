"""Sub-words of questions and contexts, and the characters that they cover. Equal texts are tokenized once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from unicodedata import category

import numpy as np

from loreweave.encoding import EntityTokenizer

_BLANKS = re.compile("[ \t\r\n\u202f]+")
"""White space between the words of LUKE's original reader, which tokenizes each word with a space in front."""
_SPACES = np.array([code for code in range(0x3001) if chr(code).isspace()], dtype=np.uint32)
_NO_OFFSETS = np.zeros((0, 2), dtype=np.int32)
_BLOCK = 1000
"""Number of texts that are tokenized together; the backend's result takes much more memory than the sub-words."""


@dataclass(frozen=True, slots=True)
class TokenizedText:
    """Sub-words of a text.

    Attributes:
        text: the text.
        ids: their numbers [sub-words].
        offsets: their characters without white space at the edges [sub-words, 2]; empty without offsets.
    """

    text: str
    ids: np.ndarray
    offsets: np.ndarray


def tokenize(tokenizer: EntityTokenizer, texts: Sequence[str], *, with_offsets: bool = True) -> dict[str, TokenizedText]:
    """The sub-words of each text, by text.

    Texts are tokenized as transformers does. With the tokenizer's `piece_rule` "legacy" and byte-level BPE, they are tokenized
    as the words of LUKE's original reader: any white space between them is one space, and there is a space in front. Without
    offsets, this takes less time.
    """
    words = tokenizer.words
    spaced = tokenizer.piece_rule == "legacy" and words.leading_space
    distinct = list(dict.fromkeys(texts))
    found: dict[str, TokenizedText] = {}
    for first in range(0, len(distinct), _BLOCK):
        block = distinct[first : first + _BLOCK]
        given = [_BLANKS.sub(" ", text) if spaced else text for text in block]
        front = [bool(text) and not text[0].isspace() and (spaced or words.space_before_text) for text in given]
        pieces = [" " + text if space else text for text, space in zip(given, front, strict=True)]
        if not with_offsets:
            ids = words.encode(pieces)
            found |= {
                t: TokenizedText(t, np.array(one, dtype=np.int32), _NO_OFFSETS) for t, one in zip(block, ids, strict=True)
            }
            continue
        encodings = words.encodings(pieces)
        for text, plain, space, encoding in zip(block, given, front, encodings, strict=True):
            offsets = np.array(encoding.offsets, dtype=np.int32).reshape(-1, 2) - space
            offsets = _with_marks(plain, _without_space(plain, np.maximum(offsets, 0)))
            if len(plain) != len(text):
                offsets = _in_original(text, offsets)
            found[text] = TokenizedText(text, np.array(encoding.ids, dtype=np.int32), offsets)
    return found


def _without_space(text: str, offsets: np.ndarray) -> np.ndarray:
    """The offsets without white space at the edges; empty for a sub-word of white space."""
    if not len(offsets):
        return offsets
    codes = np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)
    space = np.append(np.isin(codes, _SPACES), False)
    starts, ends = offsets[:, 0].copy(), offsets[:, 1].copy()
    while (moved := (starts < ends) & space[starts]).any():
        starts[moved] += 1
    while (moved := (starts < ends) & space[ends - 1]).any():
        ends[moved] -= 1
    return np.column_stack([starts, ends])


def _with_marks(text: str, offsets: np.ndarray) -> np.ndarray:
    """The offsets with the combining marks that a tokenizer without accents leaves out, which belong to what is before them."""
    if text.isascii():
        return offsets
    for place, character in enumerate(text):
        if not character.isascii() and category(character)[0] == "M":
            row = int(np.searchsorted(offsets[:, 0], place, side="right")) - 1
            if row >= 0 and offsets[row, 0] < place == offsets[row, 1]:
                offsets[row, 1] = place + 1
    return offsets


def _in_original(text: str, offsets: np.ndarray) -> np.ndarray:
    """Offsets in the text from those in the text whose white space was shortened."""
    kept = np.ones(len(text), dtype=bool)
    for blank in _BLANKS.finditer(text):
        kept[blank.start() + 1 : blank.end()] = False
    place = np.append(np.flatnonzero(kept), len(text))
    starts, ends = offsets[:, 0], offsets[:, 1]
    last = np.where(ends > starts, place[np.maximum(ends - 1, 0)] + 1, place[starts])
    return np.column_stack([place[starts], last]).astype(np.int32)
