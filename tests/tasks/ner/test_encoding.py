"""NER inputs: candidate spans and tags, chunks, what is counted, and that a model's outputs come back to their records."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_tokenizers import write_byte_bpe

from loreweave.corpus.annotated_text import Mention
from loreweave.encoding import EntityTokenizer
from loreweave.tasks.ner.decoding import TagScheme
from loreweave.tasks.ner.encoding import NerSettings, SpanEncoding, TagEncoding, tags_of_types
from loreweave.tasks.ner.model import NerConfig, NerModel, build
from loreweave.tasks.ner.record import NerRecord, Sentence
from loreweave.training.task_model import Encoding

TYPES = ["LOC", "PER"]
TEXT = "Ann lives in Oslo ."
RECORD = NerRecord("0", Sentence.of(TEXT), (Mention(0, 3, label="PER"), Mention(13, 17, label="LOC")))


@pytest.fixture(scope="module")
def luke(tiny_luke: Path) -> NerModel:
    return build(str(tiny_luke), TYPES, NerConfig())


@pytest.fixture(scope="module")
def plain(tiny_bert: Path) -> NerModel:
    return build(str(tiny_bert), TYPES, NerConfig())


def spans_encoding(made: NerModel, max_length: int = 64, **changes: Any) -> SpanEncoding:
    encoding = made.encoding
    assert isinstance(encoding, SpanEncoding)
    return SpanEncoding(encoding.tokenizer, NerSettings(**changes), encoding.classes, max_length)


def test_every_span_is_an_entity_with_its_words(luke: NerModel) -> None:
    assert luke.labels == TYPES and luke.model.config.id2label == {0: "NIL", 1: "LOC", 2: "PER"}
    encoding: Encoding = luke.encoding
    batch = encoding.collate(encoding.encode([RECORD], luke.labels))
    pieces = luke.encoding.tokenizer.word_tokenizer.convert_ids_to_tokens(batch["input_ids"][0].tolist())
    assert pieces == ["[CLS]", "ann", "lives", "in", "oslo", ".", "[SEP]"]
    assert batch["entity_ids"].tolist() == [[luke.encoding.tokenizer.entity_vocabulary.mask_id] * 15]
    rows = batch["entity_position_ids"][0].tolist()
    assert rows[:3] == [[1, -1, -1, -1, -1], [1, 2, -1, -1, -1], [1, 2, 3, -1, -1]]
    assert batch["entity_start_positions"][0].tolist()[:6] == [1, 1, 1, 1, 1, 2]
    assert batch["entity_end_positions"][0].tolist()[:6] == [1, 2, 3, 4, 5, 2]
    wanted = {0: 2, 12: 1}  # (0, 1) PER, (3, 4) LOC
    assert batch["labels"][0].tolist() == [wanted.get(place, 0) for place in range(15)]


def test_more_spans_than_fit_are_split_evenly_over_the_same_words(luke: NerModel) -> None:
    encoding = spans_encoding(luke, max_entity_length=6)
    examples = encoding.encode([RECORD])
    assert [len(example.words) for example in examples] == [5, 5, 5]
    assert all(example.ids == examples[0].ids and example.record == 0 for example in examples)
    sizes = [len(example.words) for example in spans_encoding(luke, max_entity_length=4).encode([RECORD])]
    assert sizes == [4, 4, 4, 3]


def test_limits_in_sub_words_and_in_words(luke: NerModel) -> None:
    record = NerRecord("0", Sentence.of("Ann xyz Oslo"), (Mention(0, 12, label="LOC"), Mention(0, 7, label="PER")))
    in_sub_words = spans_encoding(luke, max_mention_length=3)  # xyz is x, ##y, ##z
    (example,) = in_sub_words.encode([record])
    assert example.words.tolist() == [[0, 1], [1, 2], [2, 3]]
    assert in_sub_words.report() == "mentions longer than 3 sub-words (2)"
    in_words = spans_encoding(luke, max_mention_length=2, mention_unit="words")
    (example,) = in_words.encode([record])
    assert example.words.tolist() == [[0, 1], [0, 2], [1, 2], [1, 3], [2, 3]]
    assert in_words.report() == "mentions longer than 2 words (1)"


def test_mentions_that_cannot_be_learned_are_counted(luke: NerModel, plain: NerModel) -> None:
    mentions = [(0, 3, "PER"), (0, 3, "LOC"), (0, 2, "PER"), (0, 9, "PER"), (4, 12, "PER")]
    record = NerRecord("0", Sentence.of(TEXT), tuple(Mention(start, end, label=label) for start, end, label in mentions))
    encoding = spans_encoding(luke)
    (example,) = encoding.encode([record], TYPES)
    assert example.targets is not None and example.targets[0] == 2  # the first of two on the same words
    assert encoding.report() == "mentions that cut a word (1), mentions on the words of another (1)"
    tags = TagEncoding(plain.encoding.tokenizer, NerSettings(tags="iob2"), tags_of_types(TYPES, "iob2"), 64)
    tags.encode([record])
    assert tags.report() == "mentions that cut a word (1), mentions inside or across another (3)"


@pytest.mark.parametrize(
    ("scheme", "expected"),
    [("iob2", "B-PER I-PER O B-LOC O"), ("bioes", "B-PER E-PER O S-LOC O")],
)
def test_tags_are_at_first_sub_words(tiny_bert: Path, scheme: TagScheme, expected: str) -> None:
    made = build(str(tiny_bert), TYPES, NerConfig(tags=scheme))
    record = NerRecord("0", Sentence.of("Ann Xyz in Oslo ."), (Mention(0, 7, label="PER"), Mention(11, 15, label="LOC")))
    encoding: Encoding = made.encoding
    batch = encoding.collate(encoding.encode([record], made.labels))
    assert set(batch) == {"input_ids", "attention_mask", "labels"}
    labels = batch["labels"][0].tolist()
    places = [place for place, label in enumerate(labels) if label != -100]
    assert places == [1, 2, 5, 6, 7]  # xyz is three sub-words
    assert " ".join(made.model.config.id2label[labels[place]] for place in places) == expected
    assert made.labels == TYPES


WORDS = st.lists(st.sampled_from(["Ann", "Oslo", "river", "xyxy", "."]), max_size=70)


def gold_outputs(encoding: SpanEncoding | TagEncoding, examples: list[Any]) -> list[np.ndarray]:
    """What a model that knows everything says, through `collate` and `unpack`."""
    batch = encoding.collate(examples)
    logits = torch.nn.functional.one_hot(batch["labels"].clamp_min(0), len(encoding.classes)).float()
    return encoding.unpack(SimpleNamespace(logits=logits), batch)


@given(WORDS, st.data())
@settings(deadline=None, max_examples=60)
@pytest.mark.parametrize("kind", ["luke", "plain"])
def test_a_perfect_model_finds_all_mentions_of_long_sentences(
    luke: NerModel, plain: NerModel, kind: str, words: list[str], data: st.DataObject
) -> None:
    """Sentences of up to four windows, split and rejoined without loss, beside a second and an empty record."""
    sentence = Sentence.of(" ".join(words))
    mentions, place = [], 0
    while place < len(words):
        end = min(len(words), place + data.draw(st.integers(1, 2)))
        label = data.draw(st.sampled_from([None, "PER", "LOC"]))
        if label:
            mentions.append(Mention(sentence.words[place][0], sentence.words[end - 1][1], label=label))
        place = end
    encoding: Any = spans_encoding(luke, max_mention_length=8, max_entity_length=16) if kind == "luke" else plain.encoding
    records = [NerRecord("0", sentence, tuple(mentions)), RECORD, NerRecord("2", Sentence.of(" "))]
    examples = encoding.encode(records, TYPES)
    found = encoding.join(examples, gold_outputs(encoding, examples))
    assert len(found) == 3 and len(found[2]) == 0
    for record, rows in zip(records, found, strict=True):
        spans = {(int(start), int(end), encoding.types[int(number)]) for start, end, number, *_ in rows}
        assert spans == {tuple(span) for span in record.word_spans()}


def test_a_sentence_of_ten_thousand_words(luke: NerModel) -> None:
    encoding = spans_encoding(luke)
    record = NerRecord("0", Sentence.of("Ann lives in Oslo . " * 2000), (Mention(0, 3, label="PER"),))
    examples = encoding.encode([record])
    assert sum(len(example.words) for example in examples) == 16 * 10_000 - sum(range(16))
    assert max(len(example.ids) for example in examples) <= 64
    assert encoding.report() == "sentences read in parts (1)"


def test_words_are_tokenized_one_by_one_as_the_original(tmp_path: Path) -> None:
    """Byte-level BPE: a space in front, but not of what an apostrophe begins nor of a mark alone."""
    tokenizer = EntityTokenizer.from_pretrained(write_byte_bpe(tmp_path))
    encoding = SpanEncoding(tokenizer, NerSettings(), ["NIL", *TYPES], 128)
    words = ["He", "'s", "here", ",", "-x-", "."]
    places = [(start, start + len(word)) for word, start in zip(words, [0, 3, 6, 11, 13, 17], strict=True)]
    (example, *_) = encoding.encode([NerRecord("0", Sentence(" ".join(words), tuple(places)))])
    expected = tokenizer.tokenize_pieces(words, leading_space=[True, False, True, False, True, False])
    assert example.ids[1:-1] == [id for word in expected for id in word]
