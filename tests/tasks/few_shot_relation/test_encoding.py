"""Inputs of sentences and pairs, and batches of episodes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_tokenizers import write_byte_bpe
from transformers import RobertaConfig, RobertaModel, RobertaTokenizer

from loreweave.errors import DataError
from loreweave.tasks.episodes.training import EpisodeNumber
from loreweave.tasks.few_shot_relation.model import FewShotRelationConfig, build
from loreweave.tasks.relations.record import RelationRecord

LABELS = ["and", "lives", "river", "works"]


def encoding_of(source: Path, **settings: Any) -> Any:
    return build(str(source), LABELS, FewShotRelationConfig(**settings)).encoding


def tokens(encoding: Any, ids: torch.Tensor) -> str:
    return " ".join(encoding.sentences.tokenizer.word_tokenizer.convert_ids_to_tokens(ids))


def test_a_batch_of_sentences(tiny_bert: Path, records: list[RelationRecord]) -> None:
    encoding = encoding_of(tiny_bert, way=3, shot=2, queries=1, episodes=5)
    examples = encoding.encode(records, LABELS)
    assert len(examples) == 5
    batch = encoding.collate(examples[:2])
    assert batch["input_ids"].shape[0] == 2 * (3 * 2 + 3)
    assert batch["support_rows"].shape == (2, 3, 2) and batch["query_rows"].tolist() == [[6, 7, 8], [15, 16, 17]]
    assert batch["labels"].tolist() == [[0, 1, 2]] * 2
    draw = encoding.draws.draw(1)
    for row, index in zip(batch["support_rows"][1].flatten().tolist(), draw.support.ravel().tolist(), strict=True):
        found = encoding.source[index].encoded.input_ids
        assert batch["input_ids"][row, : len(found)].tolist() == found
    text = tokens(encoding, batch["input_ids"][0])
    assert text.count("<ent>") == 2 and text.count("<ent2>") == 2
    first = batch["input_ids"].gather(1, batch["state_positions"])
    names = encoding.sentences.tokenizer.word_tokenizer.convert_ids_to_tokens(first[0])
    assert names == ["<ent>", "<ent2>"]


def test_epochs_and_processes_draw_the_same_episode(tiny_bert: Path, records: list[RelationRecord]) -> None:
    first, second = encoding_of(tiny_bert, way=2, seed=4), encoding_of(tiny_bert, way=2, seed=4)
    first.encode(records, LABELS)
    second.encode(records, LABELS)
    first.collate([EpisodeNumber(0)])  # what was drawn before does not matter
    torch.testing.assert_close(first.collate([EpisodeNumber(9)]), second.collate([EpisodeNumber(9)]))


@pytest.mark.parametrize("markers", ["two", "four"])
def test_a_pair_has_both_sentences_and_four_readouts(tiny_bert: Path, records: list[RelationRecord], markers: str) -> None:
    encoding = encoding_of(tiny_bert, method="pair", way=2, shot=2, markers=markers)
    encoding.encode(records, LABELS)
    batch = encoding.collate([EpisodeNumber(0)])
    assert batch["pair_rows"].shape == (1, 2, 2, 2) and batch["input_ids"].shape[0] == 8
    opening, closing = ("<ent> <ent2>", "") if markers == "two" else ("<e1> <e2>", "</e1>")
    draw = encoding.draws.draw(0)
    row = batch["pair_rows"][0, 1, 0, 1]  # second query, first relation, second shot
    text = tokens(encoding, batch["input_ids"][row])
    support, query = records[draw.support[0, 1]], records[draw.query[1]]
    plain = " ".join(word for word in text.split() if not word.startswith("<") and word != "[PAD]")
    assert plain == f"[CLS] {support.text} [SEP] {query.text} [SEP]"
    assert text.count(closing) == 2 if closing else True
    ids = batch["input_ids"][row].gather(0, batch["state_positions"][row])
    assert tokens(encoding, ids) == f"{opening} {opening}"
    segments = batch["token_type_ids"][row]
    border = text.split().index("[SEP]") + 1
    length = int(batch["attention_mask"][row].sum())
    assert segments[:border].sum() == 0 and segments[border:length].all()


def test_pairs_of_roberta_have_two_separators_and_one_segment(tmp_path: Path) -> None:
    (write_byte_bpe(tmp_path) / "entity_vocab.json").unlink()
    RobertaTokenizer.from_pretrained(tmp_path).save_pretrained(tmp_path)
    config = RobertaConfig(
        vocab_size=401, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        max_position_embeddings=514,
    )  # fmt: skip
    RobertaModel(config).save_pretrained(tmp_path)
    encoding = encoding_of(tmp_path, method="pair", markers="four")
    record = RelationRecord("0", "ann lives in oslo .", (0, 3), (13, 17), "lives")
    one, two = encoding.sentences.encode([record, record])
    pair = encoding.pair(one, two).encoded
    special = encoding.sentences.tokenizer.words.special
    assert [pair.input_ids[0], pair.input_ids.count(special.end)] == [special.start, 3] and set(pair.token_type_ids) == {0}
    starts = [positions[0] for positions in pair.entity_position_ids]
    opening = [one.encoded.input_ids[positions[0]] for positions in one.encoded.entity_position_ids]
    assert [pair.input_ids[place] for place in starts] == opening * 2


def test_long_sentences_are_cut_so_that_a_pair_fits(tiny_bert: Path) -> None:
    encoding = encoding_of(tiny_bert, method="pair")
    long = RelationRecord("0", "the river is long " * 40 + "ann lives in oslo .", (720, 723), (733, 737), "lives")
    (example,) = encoding.sentences.encode([long])
    pair = encoding.pair(example, example)
    assert 60 < len(pair.encoded) <= 64 and "texts truncated" in encoding.report()


def test_pooled_reads_the_first_state(tiny_bert: Path, records: list[RelationRecord]) -> None:
    encoding = encoding_of(tiny_bert, way=2, representation="pooled")
    encoding.encode(records, LABELS)
    assert encoding.collate([EpisodeNumber(0)])["state_positions"].tolist() == [[0]] * 4


def test_relations_that_are_left_out_are_told(tiny_bert: Path, records: list[RelationRecord]) -> None:
    encoding = encoding_of(tiny_bert, way=2, relations=["lives", "works", "and"])
    encoding.encode([*records[:4], *records[4:8], records[12]], LABELS)
    assert encoding.report() == "relations with too few sentences left out: and (1)"
    assert encoding.draws.classes == ["lives", "works"]
    with pytest.raises(DataError, match="found 1 relation with 2 or more sentences"):
        encoding.encode(records[:4], LABELS)
