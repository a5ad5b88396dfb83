"""Windows that a model reads to classify one sentence: the sentence, and the surrounding text up to the limit.

A sentence that is longer than the limit is classified in parts, which are runs of whole words. A window around each part
lets a mention that begins in it end after it, so nothing is lost at a border, and no word is classified twice.
"""

from __future__ import annotations

import string
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from unicodedata import category

from loreweave.corpus.counts import counted
from loreweave.encoding import EntityTokenizer
from loreweave.errors import ConfigurationError
from loreweave.tasks.ner.record import NerRecord, Sentence


@dataclass(frozen=True, slots=True)
class Window:
    """Sub-words around a run of a sentence's words.

    Attributes:
        ids: all visible sub-words, without special tokens.
        first, last: words that are classified, `last` exclusive.
        starts, ends: sub-words of the sentence's words from `first` on, as far as visible, `ends` exclusive.
    """

    ids: list[int]
    first: int
    last: int
    starts: list[int]
    ends: list[int]


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits of a window.

    Attributes:
        room: maximum number of sub-words of a window.
        beyond: minimum number of visible sub-words on either side of a part of a sentence, if there are that many.
    """

    room: int
    beyond: int

    def __post_init__(self) -> None:
        """Refuse limits that leave no sub-word to classify.

        Raises:
            ConfigurationError: they leave none.
        """
        if self.room < 2 * self.beyond + 1:
            raise ConfigurationError(
                f"max_length: found room for {counted(self.room, 'sub-word')}, expected at least {2 * self.beyond + 1}, twice "
                "the longest mention and one more"
            )

    @property
    def part(self) -> int:
        """Maximum number of sub-words of a part of a long sentence, and of a word."""
        return min(max(1, self.room // 2), self.room - 2 * self.beyond)


@dataclass(frozen=True, slots=True)
class _Document:
    """Sub-words of a document, and for each sentence where its words begin, and where the last one ends."""

    ids: list[int]
    places: list[list[int]]


class WindowCutter:
    """Splits records into windows; documents are tokenized once.

    Args:
        tokenizer: tokenizer of single words.
        limits: limits of a window.
        with_documents: whether surrounding sentences are read too.
    """

    def __init__(self, tokenizer: EntityTokenizer, limits: Limits, with_documents: bool) -> None:
        self.tokenizer, self.limits, self.with_documents = tokenizer, limits, with_documents
        self.counts: Counter[str] = Counter()

    def cut(self, records: Sequence[NerRecord]) -> Iterator[list[Window]]:
        """The windows of each record, at least one."""
        documents = [self._sentences(record) for record in records]
        distinct = {id(sentence): sentence for document in documents for sentence in document}
        tokenized = dict(zip(distinct, self._tokenize(list(distinct.values())), strict=True))
        whole: dict[int, _Document] = {}
        for record, sentences in zip(records, documents, strict=True):
            if id(sentences) not in whole:
                whole[id(sentences)] = _document([tokenized[id(sentence)] for sentence in sentences])
            place = record.place if sentences is record.document else 0
            windows = list(_windows(whole[id(sentences)], place, self.limits))
            self.counts["sentences read in parts"] += len(windows) > 1
            yield windows

    def _sentences(self, record: NerRecord) -> Sequence[Sentence]:
        return record.document if self.with_documents and record.document else (record.sentence,)

    def _tokenize(self, sentences: Sequence[Sentence]) -> Iterator[list[list[int]]]:
        """Sub-words of each word, at least one."""
        words = [[sentence.text[start:end] for start, end in sentence.words] for sentence in sentences]
        spaces = [space for sentence in sentences for space in leading_spaces(sentence)]
        flat = [word for given in words for word in given]
        ids = iter(self.tokenizer.tokenize_pieces(flat, leading_space=spaces))
        names = self.tokenizer.words
        unknown = [names.id_of(names.named_tokens.get("unk_token", "")) or names.special.pad]
        for given in words:
            pieces = [next(ids) or unknown for _ in given]
            self.counts["words cut"] += sum(len(piece) > self.limits.part for piece in pieces)
            yield [piece[: self.limits.part] for piece in pieces]


def leading_spaces(sentence: Sentence) -> list[bool]:
    """Whether each word is tokenized with a space in front: not single punctuation marks, not words that begin with an
    apostrophe (both as in the original), and not words that touch the previous one."""
    spaces, before = [], -1
    for start, end in sentence.words:
        word = sentence.text[start:end]
        spaces.append(word[0] != "'" and not (len(word) == 1 and _is_mark(word)) and start != before)
        before = end
    return spaces


def context_lengths(before: int, inside: int, after: int, room: int) -> tuple[int, int]:
    """Number of sub-words of context on the left and on the right: half of the remaining room each, plus what the other
    side does not need.

    Example:
        >>> context_lengths(before=3, inside=10, after=100, room=30)
        (3, 17)
    """
    half = (room - inside) // 2
    if before < after:
        left = min(before, half)
        return left, min(after, room - left - inside)
    right = min(after, half)
    return min(before, room - right - inside), right


def _is_mark(character: str) -> bool:
    return character in string.punctuation or category(character)[0] == "P"


def _document(sentences: Sequence[list[list[int]]]) -> _Document:
    ids: list[int] = []
    places = []
    for words in sentences:
        places.append(list(accumulate(map(len, words), initial=len(ids))))
        ids += [id for word in words for id in word]
    return _Document(ids, places)


def _windows(document: _Document, sentence: int, limits: Limits) -> Iterator[Window]:
    places = document.places[sentence]
    for first, last in _parts(places, limits):
        inside = places[last] - places[first]
        left, right = context_lengths(places[first], inside, len(document.ids) - places[last], limits.room)
        start, end = places[first] - left, places[last] + right
        seen = [place - start for place in places[first:] if place <= end]
        yield Window(document.ids[start:end], first, last, seen[:-1], seen[1:])


def _parts(places: Sequence[int], limits: Limits) -> Iterator[tuple[int, int]]:
    """Runs of words that together are the sentence."""
    words = len(places) - 1
    if places[-1] - places[0] <= limits.room:
        yield 0, words
        return
    first = 0
    for word in range(words):
        if places[word + 1] - places[first] > limits.part:
            yield first, word
            first = word
    yield first, words
