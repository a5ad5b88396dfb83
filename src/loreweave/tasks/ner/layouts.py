"""Texts with mentions, in any format, to records of NER; questions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

from loreweave.corpus.annotated_text import AnnotatedText, Mention
from loreweave.corpus.files.rows import LeftOut, Row, as_row, field, words
from loreweave.corpus.tokens import TOKENS, text_of_file_tokens, token_offsets
from loreweave.tasks.ner.record import NerRecord, Sentence

Item = NerRecord | LeftOut


def question(row: Row, id: str) -> NerRecord:
    """{text} or {tokens} without gold; `before` and `after` are the text around it."""
    row = as_row(row)
    if "tokens" in row:
        text = text_of_file_tokens(id, words(row, "tokens"), (), Counter())
        sentence = Sentence(text.text, tuple(token_offsets(text)))
    else:
        sentence = Sentence.of(field(row, "text", str))
    around = [[Sentence.of(field(row, name, str))] if name in row else [] for name in ("before", "after")]
    name = str(next((row[key] for key in ("id", "sent_id") if key in row), id))
    return NerRecord(name, sentence, (), (*around[0], sentence, *around[1]), len(around[0]))


def of_text(text: AnnotatedText) -> NerRecord:
    """The record of annotated text; its words are its tokens, where it has them."""
    if TOKENS not in text.metadata:
        return NerRecord(text.id, Sentence.of(text.text), text.mentions, metadata=text.metadata)
    metadata = {key: value for key, value in text.metadata.items() if key != TOKENS}
    return NerRecord(text.id, Sentence(text.text, tuple(token_offsets(text))), text.mentions, metadata=metadata)


def typed_mentions(text: AnnotatedText) -> Iterable[Item]:
    """The record of annotated text; mentions without a label are counted and left out.

    A mention of several types is one mention for each: this task knows mentions that lie on another.
    """
    typed = tuple(
        Mention(mention.start, mention.end, mention.entity, label) for mention in text.mentions for label in mention.types
    )
    for _ in range(sum(not mention.types for mention in text.mentions)):
        yield LeftOut("mentions without a label", of_record=True)
    yield of_text(replace(text, mentions=typed))


def left_out_of(dropped: Counter[str]) -> Iterator[LeftOut]:
    """What a record goes without, as often as it was counted."""
    for reason in dropped.elements():
        yield LeftOut(reason, of_record=True)
