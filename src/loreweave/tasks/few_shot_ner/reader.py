"""Source sentences for training a few-shot tagger. (Episodes for scoring are in `corpus.episodes`.)"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import accumulate

from loreweave.corpus import annotated_sentences
from loreweave.corpus.column_formats.tag_schemes import OUTSIDE
from loreweave.corpus.tokens import TaggedSentence
from loreweave.plugins import Live

FORMATS = Live(lambda: {name: format.summary for name, format in annotated_sentences.FORMATS.items()})

read = annotated_sentences.read_tagged_sentences


def labels_of(records: Iterable[TaggedSentence]) -> list[str]:
    """O, then the types in alphabetical order: the classes by number."""
    return [OUTSIDE, *sorted({span.label for record in records for span in record.spans})]


def mentions_of(record: TaggedSentence) -> tuple[str, list[tuple[int, int]]]:
    """The tokens joined by one space, and the characters of the spans."""
    words = words_of(record)
    return " ".join(record.tokens), [(words[start][0], words[end - 1][1]) for start, end, _ in record.spans]


def words_of(record: TaggedSentence) -> list[tuple[int, int]]:
    """The characters of the tokens in them joined."""
    starts = accumulate((len(token) + 1 for token in record.tokens), initial=0)
    return [(start, start + len(token)) for start, token in zip(starts, record.tokens, strict=False)]


def mention_labels_of(record: TaggedSentence) -> list[str]:
    """The label of each of its spans."""
    return [span.label for span in record.spans]
