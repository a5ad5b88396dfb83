"""Typing inputs: markers, brackets, windows, targets."""

from __future__ import annotations

from pathlib import Path

import pytest
from mention_tokenizers import pieces_of
from tiny_tokenizers import write_byte_bpe
from transformers import RobertaConfig, RobertaModel, RobertaTokenizer

from loreweave.tasks.entity_typing.model import EntityTypingConfig, build
from loreweave.tasks.entity_typing.reader import TypingRecord
from loreweave.tasks.mentions.inputs import normalise_brackets
from loreweave.training.settings.configuration import fill
from loreweave.training.settings.recipes import load_recipe
from loreweave.training.task_model import TaskModel

RECORD = TypingRecord("0", "Ann lives in Oslo .", 13, 17, ("place",))


@pytest.fixture(scope="module")
def luke(tiny_luke: Path) -> TaskModel:
    return build(str(tiny_luke), ["person", "place"], EntityTypingConfig())


@pytest.fixture(scope="module")
def plain(tiny_bert: Path) -> TaskModel:
    return build(str(tiny_bert), ["person", "place"], EntityTypingConfig())


def test_luke_sees_the_mention_and_its_markers_as_an_entity(luke: TaskModel) -> None:
    batch = luke.encoding.collate(luke.encoding.encode([RECORD], luke.labels))
    words = pieces_of(luke, batch["input_ids"][0].tolist())
    assert words == ["[CLS]", "ann", "lives", "in", "<ent>", "oslo", "<ent>", ".", "[SEP]"]
    positions = batch["entity_position_ids"][0, 0]
    assert positions[positions >= 0].tolist() == [4, 5, 6]
    assert batch["labels"].tolist() == [[0.0, 1.0]] and batch["labels"].is_floating_point()
    assert "entity_start_positions" not in batch


def test_plain_encoder_reads_at_the_opening_marker(plain: TaskModel) -> None:
    batch = plain.encoding.collate(plain.encoding.encode([RECORD], plain.labels))
    words = pieces_of(plain, batch["input_ids"][0].tolist())
    assert words == ["[CLS]", "ann", "lives", "in", "<ent>", "oslo", "<ent2>", ".", "[SEP]"]
    assert batch["state_positions"].tolist() == [[4]]
    assert set(batch) == {"input_ids", "attention_mask", "token_type_ids", "state_positions", "labels"}


def test_without_labels_there_are_no_targets(plain: TaskModel) -> None:
    assert "labels" not in plain.encoding.collate(plain.encoding.encode([RECORD]))


@pytest.mark.parametrize("kind", ["luke", "plain"])
def test_long_texts_keep_a_window_around_the_mention(kind: str, request: pytest.FixtureRequest) -> None:
    made: TaskModel = request.getfixturevalue(kind)
    text = "the river is long . " * 40 + "Oslo is long . " + "the river is long . " * 40
    start = text.index("Oslo")
    (example,) = made.encoding.encode([TypingRecord("0", text, start, start + 4)])
    words = pieces_of(made, example.encoded.input_ids)
    place = words.index("oslo")
    assert len(words) <= 64 and words[place - 1] == "<ent>" and 20 < place < 44
    assert "texts truncated" in made.encoding.report()


def test_long_mentions_keep_both_markers_in_a_plain_encoder(plain: TaskModel) -> None:
    text = "the river is long " * 10
    (example,) = plain.encoding.encode([TypingRecord("0", text, 0, len(text) - 1)])
    words = pieces_of(plain, example.encoded.input_ids)
    assert words[1] == "<ent>" and words[-2] == "<ent2>"


@pytest.fixture(scope="module")
def kepler(tmp_path_factory: pytest.TempPathFactory) -> TaskModel:
    """On a RoBERTa, as KEPLER is; a space before a word is `Ġ` in byte-level BPE."""
    folder = write_byte_bpe(tmp_path_factory.mktemp("roberta"))
    (folder / "entity_vocab.json").unlink()
    RobertaTokenizer.from_pretrained(folder).save_pretrained(folder)
    config = RobertaConfig(
        vocab_size=401, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        max_position_embeddings=130,
    )  # fmt: skip
    RobertaModel(config).save_pretrained(folder)
    settings = load_recipe("kepler-wiki/open-entity").config
    return build(str(folder), ["person", "place"], fill(EntityTypingConfig, settings))


def test_kepler_ends_with_a_second_end(kepler: TaskModel) -> None:
    """KEPLER: `<s> ... </s> </s>`, both of them seen."""
    batch = kepler.encoding.collate(kepler.encoding.encode([RECORD, TypingRecord("1", "is Oslo", 3, 7)]))
    first, second = (pieces_of(kepler, row.tolist()) for row in batch["input_ids"])
    inside = [token.strip("Ġ") for token in first]
    assert inside[0] == "<s>" and inside[-2:] == ["</s>", "</s>"] and inside.count("</s>") == 2
    opening, closing = first.index("madeupword0000"), first.index("madeupword0001")
    assert "".join(first[opening + 1 : closing]) == "ĠOslo" and "".join(inside[1:opening]) == "Annlivesin"
    assert "".join(inside[closing + 1 : -2]) == "."
    assert batch["state_positions"][0].tolist() == [opening + 1]  # the position that the released code reads
    ends = [place for place, token in enumerate(second) if token == "</s>"]
    assert ends == [ends[0], ends[0] + 1] and set(second[ends[1] + 1 :]) == {"<pad>"}
    assert batch["attention_mask"][1].tolist() == [1] * (ends[1] + 1) + [0] * (len(second) - ends[1] - 1)
    assert not batch["token_type_ids"].any()


def test_the_second_end_counts_in_the_length(kepler: TaskModel) -> None:
    text = "the river is long . " * 40 + "Oslo is long . " + "the river is long . " * 40
    start = text.index("Oslo")
    (example,) = kepler.encoding.encode([TypingRecord("0", text, start, start + 4)])
    words = pieces_of(kepler, example.encoded.input_ids)
    assert len(words) == example.length == 128 and words[-2:] == ["</s>", "</s>"] and words[-3] != "</s>"
    assert {"madeupword0000", "madeupword0001"} <= set(words)


def test_bracket_codes_become_brackets_and_spans_follow() -> None:
    text = "He -LRB- Bob -RRB- met -LSB- Ann -RSB-"
    spans = [(9, 12), (23, 38)]
    assert [text[s:e] for s, e in spans] == ["Bob", "-LSB- Ann -RSB-"]
    changed, moved = normalise_brackets(text, spans)
    assert changed == "He ( Bob ) met ( Ann )"
    assert [changed[s:e] for s, e in moved] == ["Bob", "( Ann )"]
    assert normalise_brackets("plain", [(0, 5)]) == ("plain", [(0, 5)])
