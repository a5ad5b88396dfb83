"""Files of NER: annotated sentences in every format of `corpus.annotated_sentences`, and queries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from loreweave.corpus import annotated_sentences
from loreweave.corpus.annotated_sentences import AnnotatedSentence
from loreweave.corpus.annotated_text import Mention
from loreweave.corpus.files.read_result import ReadResult
from loreweave.corpus.files.rows import LeftOut, Row, as_row, field, id_of, words
from loreweave.corpus.mention_formats.marked import UNLABELLED
from loreweave.corpus.tokens import TOKENS, text_of_file_tokens, token_offsets
from loreweave.tasks.ner.record import NerRecord, Sentence, joined

FORMATS = annotated_sentences.FORMATS


def read(
    path: Path, format: str | None = None, skip_bad: bool = False, names: Sequence[str] | None = None
) -> ReadResult[NerRecord]:
    """Read a file or a folder; sentences know their document.

    Args:
        path: see `corpus.annotated_sentences.stream_sentences`, also for the other arguments.
        format: one of `FORMATS`, `columns:TOKEN,TAG` or `NAME:utf16`; None recognises it by the first record.
        skip_bad: skip, count and list bad records, instead of raising the first error.
        names: names of tags that are numbers, from 0.

    Raises:
        DataError: names the file, the line and the field.
    """
    result = annotated_sentences.read_sentences(path, _records, format, skip_bad, names)
    return replace(result, records=joined(result.records))


def _records(sentence: AnnotatedSentence) -> Iterator[NerRecord | LeftOut]:
    """The record of annotated text; mentions without a label are counted and left out.

    A mention with several types becomes one mention for each type at the same position.
    """
    text = sentence.text
    yield from (LeftOut(UNLABELLED, of_record=True) for mention in text.mentions if not mention.types)
    mentions = tuple(
        Mention(mention.start, mention.end, mention.entity, label) for mention in text.mentions for label in mention.types
    )
    metadata = {key: value for key, value in text.metadata.items() if key != TOKENS}
    yield NerRecord(text.id, Sentence(text.text, tuple(sentence.words)), mentions, metadata=metadata)


def labels_of(records: Sequence[NerRecord]) -> list[str]:
    """The types of mentions, sorted."""
    return sorted({str(mention.label) for record in records for mention in record.mentions})


def mentions_of(record: NerRecord) -> tuple[str, Sequence[tuple[int, int]]]:
    """The text and the characters of its gold mentions."""
    return record.text, [(mention.start, mention.end) for mention in record.mentions]


def words_of(record: NerRecord) -> Sequence[tuple[int, int]]:
    """Characters of its words."""
    return record.sentence.words


def mention_labels_of(record: NerRecord) -> list[str]:
    """Label of each of its mentions."""
    return [str(mention.label) for mention in record.mentions]


def query(row: Row, id: str) -> list[NerRecord]:
    """One JSON object that asks for entities: `text`, or `tokens`; `before` and `after` may have the surrounding text."""
    row = as_row(row)
    if "tokens" in row:
        text = text_of_file_tokens(id, words(row, "tokens"), (), Counter())
        sentence = Sentence(text.text, tuple(token_offsets(text)))
    else:
        sentence = Sentence.of(field(row, "text", str))
    around = [[Sentence.of(field(row, name, str))] if name in row else [] for name in ("before", "after")]
    return [NerRecord(id_of(row, id, "id", "sent_id"), sentence, (), (*around[0], sentence, *around[1]), len(around[0]))]
