"""Inputs of questions: the same sub-words as transformers', windows, targets by hand, entities, and answers found again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny_tokenizers import ROBERTA_NAMES, write_byte_bpe
from transformers import AutoTokenizer, RobertaTokenizerFast

from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.encoding import EntityTokenizer
from loreweave.errors import DataError
from loreweave.tasks.extractive_qa import entity_input
from loreweave.tasks.extractive_qa.encoding import QaEncoding
from loreweave.tasks.extractive_qa.entity_input import EntitySpan, PlacedEntity, token_span
from loreweave.tasks.extractive_qa.model import build
from loreweave.tasks.extractive_qa.record import QuestionRecord, placed_answer
from loreweave.tasks.extractive_qa.settings import QaConfig, QaSettings
from loreweave.tasks.extractive_qa.tokenization import tokenize

LONG = "Barack Obama was born in Honolulu, Hawaii. Beyoncé lives in Los Angeles, and the fox jumps over the lazy dog. " * 3


def record(question: str, context: str, *answers: str) -> QuestionRecord:
    return QuestionRecord("q", question, context, tuple(placed_answer(context, answer, None) for answer in answers))


def encoding_of(words: Any, max_length: int = 64, rule: Any = "boundary", **changes: Any) -> QaEncoding:
    tokenizer = EntityTokenizer(words, EntityVocabulary.from_counts({}), piece_rule=rule)
    segments = not tokenizer.words.special.double_separator
    return QaEncoding(tokenizer, QaSettings(**changes), max_length, segments)


@pytest.fixture(scope="module")
def bpe(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = write_byte_bpe(tmp_path_factory.mktemp("bpe"))
    return RobertaTokenizerFast(str(folder / "vocab.json"), str(folder / "merges.txt"), **ROBERTA_NAMES)


@pytest.fixture(scope="module")
def bert(tiny_bert: Path) -> Any:
    return AutoTokenizer.from_pretrained(tiny_bert)


@pytest.mark.parametrize("kind", ["bpe", "bert"])
def test_inputs_and_offsets_are_those_of_transformers(kind: str, request: pytest.FixtureRequest) -> None:
    words, question = request.getfixturevalue(kind), "Where does Beyoncé live?"
    encoding = encoding_of(words, max_length=60, doc_stride=13)
    examples = encoding.encode([record(question, LONG)])
    batch = encoding.collate(examples)
    room = examples[0].window.last
    theirs = words(
        question, LONG, truncation="only_second", max_length=60, stride=room - 13, padding="longest",
        return_overflowing_tokens=True, return_offsets_mapping=True, return_tensors="pt",
    )  # fmt: skip
    assert len(examples) > 3 and torch.equal(batch["input_ids"], theirs["input_ids"])
    assert torch.equal(batch["attention_mask"], theirs["attention_mask"])
    if kind == "bert":
        assert torch.equal(batch["token_type_ids"], theirs["token_type_ids"])
    for example, offsets in zip(examples, theirs["offset_mapping"].tolist(), strict=True):
        window = example.window
        ours = example.context.offsets[window.first : window.last].tolist()
        given = offsets[example.position : example.position + len(ours)]
        assert [LONG[start:end] for start, end in ours] == [LONG[start:end].strip() for start, end in given]


def test_a_luke_reads_the_words_of_the_original_code(bpe: Any) -> None:
    """Each word has a space in front, and any white space between words is one."""
    text = "Beyoncé  lives\n in Tokyo\u202f."
    tokenizer = EntityTokenizer(bpe, EntityVocabulary.from_counts({}), piece_rule="legacy")
    found = tokenize(tokenizer, [text])[text]
    words = [bpe(" " + word, add_special_tokens=False)["input_ids"] for word in ("Beyoncé", "lives", "in", "Tokyo", ".")]
    assert found.ids.tolist() == [id for word in words for id in word]
    first = np.cumsum([0, *map(len, words)])
    spans = [(int(found.offsets[a, 0]), int(found.offsets[b - 1, 1])) for a, b in zip(first[:-1], first[1:], strict=True)]
    assert [text[start:end] for start, end in spans] == ["Beyoncé", "lives", "in", "Tokyo", "."]


@pytest.mark.parametrize("rule", ["boundary", "legacy"])
def test_a_combining_mark_belongs_to_the_sub_word_before_it(bert: Any, rule: Any) -> None:
    """A tokenizer that removes accents covers no characters of decomposed ones; the answer has them all the same."""
    text = "\u0301 ann at cafe\u0301\u0323, oslo\u0301"
    found = tokenize(EntityTokenizer(bert, EntityVocabulary.from_counts({}), piece_rule=rule), [text])[text]
    pieces = [text[start:end] for start, end in found.offsets]
    assert pieces == ["ann", "at", "c", "a", "f", "e\u0301\u0323", ",", "oslo\u0301"]
    encoding = encoding_of(bert)
    encoding.encode([record("in", text, "cafe\u0301\u0323")], ["answer"])
    assert encoding.report() == ""


def test_targets_by_hand(bert: Any) -> None:
    """Room for four sub-words: [CLS] where [SEP] and three words of the context at a time, two words apart."""
    encoding = encoding_of(bert, max_length=6, doc_stride=2)
    examples = encoding.encode([record("in", "ann lives in oslo .", "oslo")], ["answer"])
    assert [(each.window.first, each.window.last) for each in examples] == [(0, 2), (2, 4), (4, 5)]
    # The answer is sub-word 3, the second one of the second window; the window begins at position 3.
    assert [each.target for each in examples] == [(0, 0), (4, 4), (0, 0)]
    assert encoding.collate(examples)["labels"].tolist() == [[0, 0], [4, 4], [0, 0]]
    assert encoding.report() == "contexts read in several windows (1)"


def test_the_first_answer_that_occurs_is_the_target(bert: Any) -> None:
    encoding = encoding_of(bert)
    asked = record("in", "ann lives in oslo .", "paris", "lives in", "oslo")
    (example,) = encoding.encode([asked], ["answer"])
    assert example.target == (4, 5) and example.length == 9


def test_questions_without_answers_point_to_the_first_special_token(bert: Any) -> None:
    (example,) = encoding_of(bert).encode([record("in", "ann lives")], ["no answer"])
    assert example.target == (0, 0)
    (example,) = encoding_of(bert).encode([record("in", "ann lives")])
    assert example.target is None


def test_questions_whose_answers_do_not_occur_are_not_trained_on(bert: Any) -> None:
    encoding = encoding_of(bert)
    lost = record("in", "ann lives", "paris")
    examples = encoding.encode([lost, record("in", "ann lives", "ann")], ["answer"])
    assert [example.record for example in examples] == [1]
    assert encoding.report() == "questions whose answers do not occur in their context, which are not used for training (1)"
    with pytest.raises(DataError, match="found no question whose answer occurs in its context"):
        encoding.encode([lost], ["answer"])
    assert len(encoding.encode([lost])) == 1  # it is predicted all the same


@pytest.mark.parametrize(
    ("answer", "counted"),
    [
        ("ann", ""),
        ("nn", "answers that equal no span of sub-words (1)"),
        ("oslo.", ""),
        ("slo.", "answers that equal no span of sub-words (1)"),
        ("ann lives in", "answers longer than 2 sub-words (1)"),
    ],
)
def test_answers_that_cannot_be_predicted_are_counted(bert: Any, answer: str, counted: str) -> None:
    encoding = encoding_of(bert, max_answer_length=2)
    encoding.encode([record("in", "ann lives in oslo.", answer)])
    assert encoding.report() == counted


def test_an_answer_over_the_border_of_windows_is_counted(bert: Any) -> None:
    encoding = encoding_of(bert, max_length=6, doc_stride=2)
    encoding.encode([record("in", "ann lives in oslo", "lives in")])
    assert encoding.report() == "contexts read in several windows (1), answers that fit in no window as a whole (1)"


def test_a_long_question_leaves_half_of_the_room(bert: Any) -> None:
    encoding = encoding_of(bert, max_length=13)
    (example,) = encoding.encode([record("where " * 70, "ann")])
    assert len(example.question) == 5 and example.length == 9
    encoding = encoding_of(bert, max_length=200)
    (example,) = encoding.encode([record("in " * 70, "ann")])
    assert len(example.question) == 64 and encoding.report() == "questions cut (1)"


def test_contexts_are_tokenized_once(bert: Any) -> None:
    examples = encoding_of(bert).encode([record("in", "ann lives"), record("lives", "ann lives")])
    assert examples[0].context is examples[1].context


WORDS = ["ann", "lives", "in", "oslo", "zq", "bank", "paris", "."]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_every_answer_that_a_span_of_sub_words_gives_is_found_from_perfect_scores(bert: Any, data: st.DataObject) -> None:
    words = data.draw(st.lists(st.sampled_from(WORDS), min_size=1, max_size=40))
    first = data.draw(st.integers(0, len(words) - 1))
    last = data.draw(st.integers(first, min(len(words) - 1, first + 4)))
    context, answer = " ".join(words), " ".join(words[first : last + 1])
    start = len(" ".join(words[:first])) + (first > 0)
    limits = {"doc_stride": data.draw(st.integers(1, 12)), "max_length": data.draw(st.integers(8, 40))}
    encoding = encoding_of(bert, max_answer_length=12, **limits)
    asked = QuestionRecord("q", "in", context, (placed_answer(context, answer, start),))
    examples = encoding.encode([asked], ["answer"])
    outputs = []
    for example in examples:
        scores = np.full((2, example.length), -5.0, dtype=np.float32)
        assert example.target is not None
        scores[0, example.target[0]] = scores[1, example.target[1]] = 5.0
        outputs.append(scores)
    (found,) = encoding.join(examples, outputs)
    if not any("answers" in name for name in +encoding.done):
        assert context[int(found[1, 0]) : int(found[1, 1])] == answer


def test_entities_stand_at_their_sub_words(tiny_luke: Path) -> None:
    """A finder of entities is given; the model's answer is that of LUKE with these tensors."""
    context = "ann lives in oslo and bob in paris"

    def find(asked: QuestionRecord) -> tuple[list[EntitySpan], list[EntitySpan]]:
        return [EntitySpan(1, 5, 3)], [EntitySpan(13, 17, 3), EntitySpan(29, 34, 4)]

    built = build(str(tiny_luke), ["answer"], QaConfig(max_length=48), find)
    assert len(built.encoding.tokenizer.entity_vocabulary) == built.model.config.entity_vocab_size > 4
    examples = built.encoding.encode([record(" oslo is what", context), record("in", "ann")])
    batch = built.encoding.collate(examples)
    assert batch["entity_ids"].tolist()[0] == [3, 3, 4]
    positions = batch["entity_position_ids"][0].tolist()
    ids = batch["input_ids"][0].tolist()
    names = built.encoding.tokenizer.word_tokenizer.convert_ids_to_tokens(ids)
    assert [[names[place] for place in row if place >= 0] for row in positions] == [["oslo"], ["oslo"], ["paris"]]
    assert positions[0][0] == 1
    built.model.eval()
    with torch.no_grad():
        found = built.model(**batch).start_logits[0]
        without = built.model(batch["input_ids"], batch["attention_mask"]).start_logits[0]
        again = built.model(**{name: tensor[:1] for name, tensor in batch.items()}).start_logits[0]
    torch.testing.assert_close(found, again)
    assert not torch.allclose(found, without, atol=1e-4)


ENTITY_SPANS = st.tuples(st.integers(0, len(LONG)), st.integers(-2, 30), st.integers(1, 4))


@given(st.lists(ENTITY_SPANS, max_size=15))
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_each_window_has_the_entities_that_a_look_at_all_finds(tiny_luke: Path, found: list[tuple[int, int, int]]) -> None:
    """Nested and overlapping entities, in any order, some of them of white space or empty."""
    spans = [EntitySpan(start, start + length, entity) for start, length, entity in found]
    encoding = long_encoding(tiny_luke, spans)
    examples = encoding.encode([record("is it oslo", LONG)])
    assert len(examples) > 3
    for example in examples:
        window, expected = example.window, []
        for span in spans:
            begin, end = token_span(example.context.offsets, span.start, span.end)
            if window.first <= begin < end <= window.last:
                shift = example.position - window.first
                expected.append(PlacedEntity(span.entity, begin + shift, end - 1 + shift))
        assert example.entities == tuple(expected)


def test_entities_of_a_long_context_are_placed_once(tiny_luke: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    placed: list[int] = []

    def counted(offsets: np.ndarray, start: int, end: int) -> tuple[int, int]:
        placed.append(start)
        return token_span(offsets, start, end)

    monkeypatch.setattr(entity_input, "token_span", counted)
    spans = [EntitySpan(start, start + 5, 3) for start in range(0, len(LONG), 10)]
    examples = long_encoding(tiny_luke, spans).encode([record("is it oslo", LONG)])
    assert len(examples) > 3 and placed == [span.start for span in spans]


def long_encoding(luke: Path, spans: list[EntitySpan]) -> QaEncoding:
    """Of a LUKE that reads contexts in short windows, with these entities."""
    built = build(str(luke), ["answer"], QaConfig(max_length=40, doc_stride=16), lambda asked: ((), spans))
    encoding: QaEncoding = built.encoding
    return encoding
