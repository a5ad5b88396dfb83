"""Words to pieces: labels on first pieces, words that are not seen, transitions of the training data."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import AutoTokenizer

from loreweave.corpus.column_formats.tag_schemes import TokenSpan
from loreweave.corpus.tokens import TaggedSentence
from loreweave.tasks.few_shot_ner.encoding import WordEncoding, read_transitions
from loreweave.tasks.few_shot_ner.transitions import TransitionCounts


@pytest.fixture
def encoding(tiny_bert: Path) -> WordEncoding:
    return WordEncoding(AutoTokenizer.from_pretrained(tiny_bert), max_length=8)


def test_the_first_piece_of_each_word_has_its_label(encoding: WordEncoding) -> None:
    sentence = TaggedSentence(("ann", "zoe", "lives"), (TokenSpan(1, 2, "x"),))
    (example,) = encoding.encode([sentence], ["O", "x"])
    assert encoding.tokenizer.convert_ids_to_tokens(example.ids) == ["[CLS]", "ann", "z", "##o", "##e", "lives", "[SEP]"]
    assert (example.first, example.words, example.labels) == ([1, 2, 5], [0, 1, 2], [0, 1, 0])
    batch = encoding.collate([example, *encoding.encode([TaggedSentence(("oslo",))], ["O"])])
    assert batch["labels"].tolist() == [0, 1, 0, 0]
    assert batch["first_pieces"].nonzero().tolist() == [[0, 1], [0, 2], [0, 5], [1, 1]]
    assert batch["attention_mask"].sum(1).tolist() == [7, 3]
    assert batch["input_ids"][1, 3:].unique().tolist() == [encoding.words.special.pad]
    assert "labels" not in encoding.collate(encoding.encode([sentence]))


def test_words_that_are_not_seen_are_counted(encoding: WordEncoding) -> None:
    examples = encoding.encode([TaggedSentence(("ann", "\u200b", "oslo")), TaggedSentence(("ann", "zoezoe", "oslo", "in"))])
    assert examples[0].words == [0, 2]
    assert examples[1].words == [0, 1] and examples[1].length == 8  # the last word is cut, what it has stays
    assert encoding.report() == "words without pieces (1), words cut off (2)"


def test_states_come_back_by_sentence(encoding: WordEncoding) -> None:
    examples = encoding.encode([TaggedSentence(("ann", "lives")), TaggedSentence(("oslo",))])
    batch = encoding.collate(examples)

    class Output:
        states = torch.arange(3.0)[:, None]

    assert [part.tolist() for part in encoding.unpack(Output(), batch)] == [[[0.0], [1.0]], [[2.0]]]


def test_transitions_are_those_of_training_data_alone_and_are_kept(encoding: WordEncoding, tmp_path: Path) -> None:
    sentence = TaggedSentence(("ann", "lives"), (TokenSpan(0, 1, "x"),))
    encoding.encode([sentence])
    encoding.save_pretrained(tmp_path)
    assert encoding.transitions is None and read_transitions(tmp_path) is None
    encoding.encode([sentence], ["O", "x"])
    encoding.encode_quietly([sentence, sentence], ["O", "x"])
    encoding.save_pretrained(tmp_path)
    assert read_transitions(tmp_path) == TransitionCounts(s_i=1, i_o=1)
