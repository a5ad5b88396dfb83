"""One record of NER: a sentence with its words, the mentions in it, and the document around it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from loreweave.corpus.annotated_text import Mention
from loreweave.corpus.column_formats.sentences import DOCUMENT
from loreweave.corpus.column_formats.tag_schemes import TokenSpan
from loreweave.corpus.files.rows import Span
from loreweave.corpus.tokens import spans_of_words
from loreweave.corpus.words import word_offsets
from loreweave.errors import DataError


@dataclass(frozen=True, slots=True, eq=False)
class Sentence:
    """A text and the characters of its words, in order."""

    text: str
    words: tuple[Span, ...]

    @classmethod
    def of(cls, text: str) -> Sentence:
        """A sentence from raw text, without given words."""
        return cls(text, tuple(word_offsets(text)))


@dataclass(frozen=True, slots=True)
class NerRecord:
    """A sentence (or any text) whose entities are to be predicted.

    Attributes:
        id: name in predictions.
        sentence: the text and its words.
        mentions: gold mentions, each with a label; they may nest and overlap.
        document: sentences of its document, including itself; empty if unknown.
        place: index of this sentence in the document.
        metadata: other content of the file.

    Raises:
        DataError: a mention without a label.
    """

    id: str
    sentence: Sentence
    mentions: tuple[Mention, ...] = ()
    document: Sequence[Sentence] = ()
    place: int = 0
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse mentions that have no class."""
        for mention in self.mentions:
            if not mention.label:
                raise DataError(f"found {self.surface(mention)!r} without a label", field="label")

    @property
    def text(self) -> str:
        """The characters of the sentence."""
        return self.sentence.text

    def surface(self, mention: Mention) -> str:
        """The characters of a mention."""
        return self.text[mention.start : mention.end]

    def word_spans(self) -> list[TokenSpan]:
        """Mentions that consist of whole words, as words; those that cut a word are left out."""
        marks = ((mention.start, mention.end, str(mention.label)) for mention in self.mentions)
        return spans_of_words(self.sentence.words, marks)


def joined(records: Sequence[NerRecord]) -> list[NerRecord]:
    """The records with their documents: consecutive sentences with the same document."""
    found: list[NerRecord] = []
    document: list[Sentence] = []
    before = None
    for record in records:
        name = record.metadata.get(DOCUMENT)
        if name is None:
            found.append(record)
        else:
            if name != before:
                document = []
            found.append(replace(record, document=document, place=len(document)))
            document.append(record.sentence)
        before = name
    return found
