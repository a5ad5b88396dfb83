"""Source sentences that a few-shot tagger is trained on. (Episodes, which it is scored on, are `corpus.episodes`.)"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import accumulate
from pathlib import Path

from loreweave.corpus.column_formats.tag_schemes import OUTSIDE
from loreweave.corpus.entity_annotations import FORMATS as ANNOTATIONS
from loreweave.corpus.entity_annotations import read_entity_annotations
from loreweave.corpus.episodes import describe_types
from loreweave.corpus.files.read_result import ReadResult
from loreweave.corpus.plausibility import sentence_notes
from loreweave.corpus.tokens import TaggedSentence, tagged_sentence
from loreweave.errors import DataError

FORMATS = dict(ANNOTATIONS)


def read(
    path: Path, format: str | None = None, skip_bad: bool = False, names: Sequence[str] | None = None
) -> ReadResult[TaggedSentence]:
    """The sentences of a file or of a folder's files; of nested mentions the outermost, the rest counted.
    `names` are those of tags that are numbers.

    A bad line is an error also with `skip_bad`, because in columns nobody can say where the sentence goes on.

    Raises:
        DataError: names the file and the line.
    """
    dropped, notes = Counter[str](), list[str]()
    read = [tagged_sentence(text, dropped) for text in read_entity_annotations(path, format, dropped, notes, names)]
    sentences = [sentence for sentence in read if sentence.tokens]
    dropped["sentences without a token"] += len(read) - len(sentences)
    labels = Counter(span.label for sentence in sentences for span in sentence.spans)
    try:
        notes += sentence_notes([s.tokens for s in sentences], [s.spans for s in sentences], labels)
    except DataError as error:
        raise DataError(error.message, path=path, field=error.field) from None
    return ReadResult(sentences, dropped=+dropped, notes=[*notes, *describe_types(labels_of(sentences)[1:])])


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
