"""Words and their latent types: types belong to sub-words, labels and part-of-speech tags to words.

A word has the type of the sub-word with its first character, and the label of the shortest mention that contains it.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from loreweave.corpus.annotated_text import AnnotatedText
from loreweave.corpus.tokens import POS, TOKENS, pos_of, token_offsets
from loreweave.corpus.words import PLAIN_WORD
from loreweave.tasks.latent_types.record import TypedText


class Word(NamedTuple):
    """A word of a text: its characters, latent type, and gold label and part of speech, if any."""

    start: int
    end: int
    type: int
    label: str | None
    pos: str | None


def typed_words(text: AnnotatedText, typed: TypedText, counts: Counter[str]) -> list[Word]:
    """The words of a typed text.

    Args:
        counts: receives, in words, what is left out: words after the sub-words that were read, words that are in no sub-word,
            mentions without a label, and further labels of mentions; and mentions that begin or end inside a word, which
            have the words that begin in them.

    Raises:
        DataError: tokens or tags of the text do not fit it.
    """
    given = TOKENS in text.metadata or POS in text.metadata
    places = token_offsets(text) if given else [match.span() for match in PLAIN_WORD.finditer(text.text)]
    tags = pos_of(text)
    labels = _labels(text, places, counts)
    types = _types(text, typed)
    read = typed.words[-1].end if typed.cut and typed.words else len(text.text)
    words = []
    for number, (start, end) in enumerate(places):
        kind = next((types[place] for place in range(start, end) if types[place] is not None), None)
        if kind is None:
            counts["words beyond the sub-words that were read" if start >= read else "words that no sub-word holds"] += 1
        else:
            words.append(Word(start, end, kind, labels[number], tags[number] if tags is not None else None))
    return words


def _types(text: AnnotatedText, typed: TypedText) -> list[int | None]:
    """Type of each character's sub-word; if several sub-words share a character, that of the first."""
    types: list[int | None] = [None] * len(text.text)
    for token in reversed(typed.words):
        types[token.start : token.end] = [token.type] * (token.end - token.start)
    return types


def _labels(text: AnnotatedText, places: list[tuple[int, int]], counts: Counter[str]) -> list[str | None]:
    """Label of each word: that of the shortest mention around its first character; of equal ones the first."""
    begins, ends = {start for start, _ in places}, {end for _, end in places}
    by_character: dict[int, str] = {}
    # The longest first, of equal ones the last: the one that is written last takes effect.
    for mention in sorted(reversed(text.mentions), key=lambda mention: mention.start - mention.end):
        if mention.label is None:
            counts["mentions without a label"] += 1
            continue
        if mention.labels:
            counts["further labels of mentions"] += len(mention.labels) - 1
        counts["mentions that begin or end inside a word"] += mention.start not in begins or mention.end not in ends
        by_character.update(dict.fromkeys(range(mention.start, mention.end), mention.label))
    return [by_character.get(start) for start, _ in places]
