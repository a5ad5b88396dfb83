"""Tokens of a model's input: the characters, the written word and the class of each token."""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections.abc import Collection, Sequence
from typing import Any

from loreweave.attention.captured import NOWHERE, EntityToken, Tokens
from loreweave.corpus.words import word_offsets

Offsets = Sequence[tuple[int, int] | None]
"""Characters of each token; None for a token that stands for no characters."""
_SEPARATORS = ("sep_token", "eos_token")
_STARTS = ("cls_token", "bos_token", "pad_token")
_WORDS = ("mask_token", "unk_token")
"""Named special tokens that stand for words."""
SPECIAL_NAMES = {
    "[CLS]": "special", "<s>": "special", "[PAD]": "special", "<pad>": "special", "<|endoftext|>": "special",
    "[SEP]": "separator", "</s>": "separator",
}  # fmt: skip
"""Class of special tokens that are known only by name, those of BERT, RoBERTa and GPT-2."""
_BLANKS = ("▁", "Ġ")
"""Tokens that stand for a space alone; some tokenizers give them the characters of the next token."""
_NEAR = 24
"""Number of characters that may be skipped before a token, because the tokenizer leaves them out."""
_SUCCESSORS = 4
"""Number of tokens by which a place further on in the text is recognised."""


def describe_words(
    ids: Sequence[int], tokenizer: Any, text: str, offsets: Offsets | None = None, markers: Collection[str] = ()
) -> Tokens:
    """Tokens of a sequence of word ids.

    Args:
        ids: word ids, without padding.
        tokenizer: tokenizer of transformers.
        text: the text.
        offsets: characters of each token. None: found by reading the text along the tokens (see `align`).
        markers: further tokens that mark mentions.
    """
    raw = [str(token) for token in tokenizer.convert_ids_to_tokens(list(ids))]
    kinds = _kinds_of(ids, raw, tokenizer, markers)
    found = list(offsets) if offsets is not None else align(_surfaces(ids, raw, kinds, tokenizer), text)
    spans = [
        None if kind not in ("", "word") or span is None or span[0] == span[1] else span
        for kind, span in zip(kinds, found, strict=True)
    ]
    spans = [
        (span[0], span[0]) if span is not None and name in _BLANKS else span for name, span in zip(raw, spans, strict=True)
    ]
    shown = [(text[slice(*span)] if span else "") or name for name, span in zip(raw, spans, strict=True)]
    classes = [kind or ("punctuation" if is_punctuation(part) else "word") for kind, part in zip(kinds, shown, strict=True)]
    starts = [NOWHERE if span is None else span[0] for span in spans]
    ends = [NOWHERE if span is None else span[1] for span in spans]
    return Tokens(shown, raw, classes, starts, ends, written_words(text, starts))


def with_entities(tokens: Tokens, entities: Sequence[EntityToken], mentions: Sequence[tuple[int, int]] = ()) -> Tokens:
    """Tokens with the entities after the words. The words of all mentions get the class `mention`.

    Args:
        tokens: the words.
        entities: entities with rows after the words, in order.
        mentions: (start, end) characters of mentions without an entity.
    """
    inside = {place for entity in entities for place in entity.words}
    for start, end in mentions:
        inside |= {place for place, at in enumerate(tokens.starts) if start <= at < end}
    classes = [
        "mention" if place in inside and kind in ("word", "punctuation") else kind for place, kind in enumerate(tokens.classes)
    ]
    count, names = len(entities), [entity.label for entity in entities]
    return Tokens(
        [*tokens.text, *names],
        [*tokens.raw, *names],
        [*classes, *["entity"] * count],
        [*tokens.starts, *(entity.start for entity in entities)],
        [*tokens.ends, *(entity.end for entity in entities)],
        [*tokens.words, *[NOWHERE] * count],
    )


def written_words(text: str, starts: Sequence[int]) -> list[int]:
    """Number of the written word that begins at or before each character; -1 for tokens without characters."""
    begins = [start for start, _ in word_offsets(text)]
    return [NOWHERE if start == NOWHERE else bisect_right(begins, start) - 1 for start in starts]


def align(surfaces: Sequence[str | None], text: str) -> list[tuple[int, int] | None]:
    """Characters of tokens, found by reading the text along them.

    Case, accents and compatibility forms do not count, since tokenizers may remove them. A token that is not near the place
    where the one before it ended is searched in the rest of the text together with its successors, since an input may be a
    part of the text. If it is not there either, it gets None.

    Example:
        >>> align([None, "beyonce", "lives", None], "Beyoncé lives")
        [None, (0, 7), (8, 13), None]
    """
    letters, places = _folded(text)
    wanted = ["" if surface is None else _folded(surface)[0] for surface in surfaces]
    found: list[tuple[int, int] | None] = []
    at = 0
    for number, word in enumerate(wanted):
        begin = letters.find(word, at, at + _NEAR + len(word)) if word else -1
        if word and begin < 0:
            begin = letters.find("".join(wanted[number : number + _SUCCESSORS]), at)
        if begin < 0:
            found.append(None)
            continue
        at = begin + len(word)
        found.append((places[begin], places[at - 1] + 1))
    return found


def _folded(text: str) -> tuple[str, list[int]]:
    """Letters of a text without case, accents, compatibility forms and white space, and the place of each in the text."""
    letters, places = [], []
    for place, character in enumerate(text):
        for letter in unicodedata.normalize("NFKD", character.casefold()):
            if not letter.isspace() and unicodedata.category(letter) != "Mn":
                letters.append(letter)
                places.append(place)
    return "".join(letters), places


def _surfaces(ids: Sequence[int], raw: Sequence[str], kinds: Sequence[str], tokenizer: Any) -> list[str | None]:
    """Characters of each token as the tokenizer writes them; None for special tokens and parts of a character."""
    found: list[str | None] = []
    for id, name, kind in zip(ids, raw, kinds, strict=True):
        if kind:
            found.append(None)
            continue
        surface = str(tokenizer.decode([id])) if not name.startswith("##") else name[2:]
        found.append(None if "\ufffd" in surface else surface.removeprefix("##"))
    return found


def _kinds_of(ids: Sequence[int], raw: Sequence[str], tokenizer: Any, markers: Collection[str]) -> list[str]:
    """Class of each special token; empty for ordinary ones."""
    kinds: dict[str, str] = {}
    for names, kind in ((_WORDS, "word"), (_SEPARATORS, "separator"), (_STARTS, "special")):
        kinds |= {str(token): kind for name in names if (token := getattr(tokenizer, name, None)) is not None}
    kinds |= dict.fromkeys(markers, "marker")
    added = tokenizer.added_tokens_decoder
    return [kinds.get(name, "marker" if id in added and added[id].special else "") for id, name in zip(ids, raw, strict=True)]


def is_punctuation(text: str) -> bool:
    """Whether a token has neither letters nor digits. The mark of a space alone is not punctuation."""
    return bool(text) and text not in _BLANKS and not any(character.isalnum() for character in text)
