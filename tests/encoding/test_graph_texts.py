"""Sequences against the tokenizers themselves: one text, two texts, cut texts, and what is kept on disk."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from transformers import AutoTokenizer, PreTrainedTokenizerFast, RobertaTokenizer

from loreweave.corpus.graphs.knowledge_graph import GraphEntity, GraphRelation, KnowledgeGraph
from loreweave.encoding import EntityTokenizer
from loreweave.encoding.graph_texts import EntityTextConfig, GraphTexts
from loreweave.errors import ConfigurationError, DataError

TOKYO = "Tokyo is the capital of Japan. 東京は日本の首都です。"
FOX = "The quick brown fox jumps over the lazy dog, and don't stop 🙂 now!"
ENTITIES = [
    GraphEntity("Q1", "Tokyo", TOKYO),
    GraphEntity("Q2", "fox", FOX),
    GraphEntity("Q3", "Los Angeles"),
    GraphEntity("Q4"),
]
RELATIONS = [GraphRelation("P1", "capital of", "the capital of a country"), GraphRelation("P2", "lives in")]
GRAPH = KnowledgeGraph.from_parts(ENTITIES, RELATIONS, {"train": [[0, 0, 2]]})
TEXTS = [TOKYO, FOX, "Los Angeles", ""]
RELATION_TEXTS = ["the capital of a country", "lives in"]


@pytest.fixture(scope="session")
def roberta(bpe_folder: Path) -> PreTrainedTokenizerFast:
    return RobertaTokenizer.from_pretrained(bpe_folder)


@pytest.fixture(scope="session")
def minilm(minilm_dir: Path) -> PreTrainedTokenizerFast:
    return AutoTokenizer.from_pretrained(minilm_dir)


@pytest.fixture(params=["roberta", "roberta_with_space", "xlmr", "minilm"])
def tokenizer(request: pytest.FixtureRequest, bpe_folder: Path) -> PreTrainedTokenizerFast:
    if request.param == "roberta_with_space":
        return RobertaTokenizer.from_pretrained(bpe_folder, add_prefix_space=True)
    found = request.getfixturevalue(request.param)
    return found.word_tokenizer if isinstance(found, EntityTokenizer) else found


def sequences(inputs: dict[str, np.ndarray], name: str = "input_ids") -> list[list[int]]:
    """Rows without padding, which must be on the right."""
    assert all(array.dtype == np.int64 for array in inputs.values())
    assert inputs["attention_mask"].sum(1).max() == inputs["attention_mask"].shape[1], "no column is padding alone"
    rows = zip(inputs[name], inputs["attention_mask"], strict=True)
    assert (np.diff(inputs["attention_mask"]) <= 0).all()
    return [row[: mask.sum()].tolist() for row, mask in rows]


def of(tokenizer: PreTrainedTokenizerFast, *texts: str) -> dict[str, list[int]]:
    return tokenizer(*texts, truncation=False, padding=False)


def test_texts_and_pairs_are_the_tokenizers_own(tokenizer: PreTrainedTokenizerFast) -> None:
    texts = GraphTexts.build(GRAPH, tokenizer)
    rows = [3, 0, 1, 2, 0]
    plain = texts.batch(rows)
    assert sequences(plain) == [of(tokenizer, TEXTS[row])["input_ids"] for row in rows]
    assert (plain["input_ids"][plain["attention_mask"] == 0] == tokenizer.pad_token_id).all()
    assert sequences(texts.relation_batch([1, 0])) == [of(tokenizer, text)["input_ids"] for text in RELATION_TEXTS[::-1]]
    relations = [0, 1, 0, 1, 1]
    for inputs, prefix in ((texts.conditioned(rows, relations), ""), (texts.inverse_conditioned(rows, relations), "inverse ")):
        expected = [
            of(tokenizer, TEXTS[row], prefix + RELATION_TEXTS[relation]) for row, relation in zip(rows, relations, strict=True)
        ]
        assert sequences(inputs) == [pair["input_ids"] for pair in expected]
        if "token_type_ids" in inputs:
            assert sequences(inputs, "token_type_ids") == [pair["token_type_ids"] for pair in expected]


def test_kepler_sequences_by_hand(roberta: PreTrainedTokenizerFast) -> None:
    """`<s>` 0, `</s>` 2; two `</s>` between description and relation."""
    texts = GraphTexts.build(GRAPH, roberta)
    words = roberta("Los Angeles", add_special_tokens=False)["input_ids"]
    relation = roberta("lives in", add_special_tokens=False)["input_ids"]
    assert sequences(texts.batch([2])) == [[0, *words, 2]]
    assert sequences(texts.relation_batch([1])) == [[0, *relation, 2]]
    assert sequences(texts.conditioned([2], [1])) == [[0, *words, 2, 2, *relation, 2]]
    assert "token_type_ids" not in texts.batch([2]) and texts.pad_id == 1


def test_minilm_sequences_by_hand(minilm: PreTrainedTokenizerFast) -> None:
    texts = GraphTexts.build(GRAPH, minilm)
    words, relation = (minilm(text, add_special_tokens=False)["input_ids"] for text in ("Los Angeles", "lives in"))
    pair = texts.conditioned([2], [1])
    assert sequences(pair) == [[101, *words, 102, *relation, 102]]
    assert sequences(pair, "token_type_ids") == [[0] * (len(words) + 2) + [1] * (len(relation) + 1)]
    assert not texts.batch([0, 2])["token_type_ids"].any()


def test_a_long_description_is_cut_and_the_relation_stays(roberta: PreTrainedTokenizerFast) -> None:
    texts = GraphTexts.build(GRAPH, roberta, EntityTextConfig(max_length=27))
    fox = roberta(FOX, add_special_tokens=False)["input_ids"]
    relation = roberta(RELATION_TEXTS[0], add_special_tokens=False)["input_ids"]
    assert len(fox) > 25 and len(relation) < 23
    assert sequences(texts.batch([1])) == [[0, *fox[:25], 2]]
    assert sequences(texts.conditioned([1], [0])) == [[0, *fox[: 23 - len(relation)], 2, 2, *relation, 2]]
    inverse = sequences(texts.inverse_conditioned([1, 2], [1, 1]))
    assert len(inverse[0]) == 27
    assert roberta.decode(inverse[0]).endswith("</s></s>inverse lives in</s>")
    assert roberta.decode(inverse[1]) == "<s>Los Angeles</s></s>inverse lives in</s>"


def test_a_relation_takes_64_tokens_at_most(roberta: PreTrainedTokenizerFast) -> None:
    graph = KnowledgeGraph.from_parts(ENTITIES, [GraphRelation("P1", "", "fox " * 200)], {})
    relation = roberta(("fox " * 200).strip(), add_special_tokens=False)["input_ids"]
    texts = GraphTexts.build(graph, roberta)
    assert sequences(texts.relation_batch([0])) == [[0, *relation[:62], 2]]
    words = roberta("Los Angeles", add_special_tokens=False)["input_ids"]
    assert sequences(texts.conditioned([2], [0])) == [[0, *words, 2, 2, *relation[:62], 2]]
    assert texts.coverage["relations"]["cut"] == 1
    short = GraphTexts.build(graph, roberta, EntityTextConfig(max_length=20))
    assert sequences(short.relation_batch([0])) == [[0, *relation[:18], 2]]
    assert sequences(short.conditioned([2], [0])) == [[0, 2, 2, *relation[:16], 2]]
    assert short.coverage["relations"]["cut"] == 1


@pytest.mark.parametrize("length", range(8, 40))
def test_the_released_code_cuts_the_whole_sequence(roberta: PreTrainedTokenizerFast, length: int) -> None:
    """No end token is left, and of a pair no relation."""
    config = EntityTextConfig(max_length=length, relation_max_length=12, truncation="sequence")
    texts = GraphTexts.build(GRAPH, roberta, config)
    assert sequences(texts.batch([1, 2])) == [roberta(TEXTS[row])["input_ids"][:length] for row in (1, 2)]
    assert sequences(texts.relation_batch([0])) == [roberta(RELATION_TEXTS[0])["input_ids"][: min(12, length)]]
    pairs = [roberta(TEXTS[row], RELATION_TEXTS[0])["input_ids"][:length] for row in (1, 2)]
    assert sequences(texts.conditioned([1, 2], [0, 0])) == pairs


@pytest.mark.parametrize("truncation", ["text", "sequence"])
@pytest.mark.parametrize("max_length", [8, 13, 20, 31, 512])
def test_lengths_are_those_of_the_batches(tokenizer: PreTrainedTokenizerFast, max_length: int, truncation: str) -> None:
    config = EntityTextConfig(max_length=max_length, relation_max_length=9, truncation=truncation)  # type: ignore[arg-type]
    texts = GraphTexts.build(GRAPH, tokenizer, config)
    rows = np.repeat(np.arange(4), 2)
    for found, inputs in (
        (texts.lengths(), texts.inputs(0, len(texts))),
        (texts.lengths(rows), texts.batch(rows)),
    ):
        assert found.tolist() == inputs["attention_mask"].sum(1).tolist()
        assert found.max() <= max_length
    ends = texts.batch(rows)["input_ids"][np.arange(8), texts.lengths(rows) - 1]
    if truncation == "text":
        assert (ends == tokenizer.sep_token_id).all()


def test_empty_batches_and_unknown_rows(roberta: PreTrainedTokenizerFast) -> None:
    texts = GraphTexts.build(GRAPH, roberta)
    assert texts.batch([])["input_ids"].shape == (0, 0)
    assert texts.conditioned([], [])["input_ids"].shape == (0, 0)
    for ask in (lambda: texts.batch([0, 4]), lambda: texts.batch([-1]), lambda: texts.conditioned([0], [4])):
        with pytest.raises(IndexError, match="expected rows of"):
            ask()


def test_coverage_says_what_stands_in_and_what_is_cut(roberta: PreTrainedTokenizerFast) -> None:
    texts = GraphTexts.build(GRAPH, roberta, EntityTextConfig(max_length=27))
    assert texts.coverage == {
        "entities": {"nothing": 1, "description": 2, "label": 1, "alias": 0, "cut": 2},
        "relations": {"nothing": 0, "description": 1, "label": 1, "alias": 0, "cut": 0},
    }
    assert texts.sources.tolist() == [1, 1, 2, 0]
    fits = len(roberta(FOX)["input_ids"])
    for length, cut in ((fits, 0), (fits - 1, 1)):
        one = KnowledgeGraph.from_parts([GraphEntity("Q1", "", FOX)], RELATIONS, {})
        assert GraphTexts.build(one, roberta, EntityTextConfig(max_length=length)).coverage["entities"]["cut"] == cut


def test_relations_may_be_left_out(roberta: PreTrainedTokenizerFast, tmp_path: Path) -> None:
    for folder in (None, tmp_path / "texts", tmp_path / "texts"):
        texts = GraphTexts.build(GRAPH, roberta, EntityTextConfig(relation_text=None), folder)
        assert texts.coverage["relations"] is None
        for ask in (lambda: texts.relation_batch([0]), lambda: texts.conditioned([0], [0])):  # noqa: B023
            with pytest.raises(ConfigurationError, match="relation_text is null"):
                ask()


def test_more_than_the_tokenizer_reads_is_refused(roberta: PreTrainedTokenizerFast, bpe_folder: Path) -> None:
    limited = RobertaTokenizer.from_pretrained(bpe_folder, model_max_length=64)
    with pytest.raises(ConfigurationError, match="max_length: found 512, expected at most the tokenizer's 64"):
        GraphTexts.build(GRAPH, limited)


# ---- the folder ------------------------------------------------------------------------------------------------------


def assert_equal(found: GraphTexts, expected: GraphTexts) -> None:
    rows, relations = [0, 1, 2, 3], [0, 1, 1, 0]
    for own, other in (
        (found.batch(rows), expected.batch(rows)),
        (found.relation_batch([0, 1]), expected.relation_batch([0, 1])),
        (found.inverse_conditioned(rows, relations), expected.inverse_conditioned(rows, relations)),
    ):
        assert own.keys() == other.keys() and all(np.array_equal(own[name], other[name]) for name in own)
    assert found.coverage == expected.coverage and np.array_equal(found.sources, expected.sources)


def test_the_folder_is_reused(tokenizer: PreTrainedTokenizerFast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = GraphTexts.build(GRAPH, tokenizer)
    told: list[int] = []
    built = GraphTexts.build(GRAPH, tokenizer, folder=tmp_path / "texts", advance=told.append)
    assert sum(told) == 4
    assert isinstance(built._entities.tokens, np.memmap) and built._entities.tokens.dtype == np.uint16
    assert_equal(built, memory)
    GRAPH.save(tmp_path / "graph")
    monkeypatch.setattr("loreweave.encoding.graph_texts._entity_tokens", None)
    again = GraphTexts.build(KnowledgeGraph.load(tmp_path / "graph"), tokenizer, folder=tmp_path / "texts")
    assert_equal(again, memory)
    other_cut = EntityTextConfig(truncation="sequence")
    assert GraphTexts.build(GRAPH, tokenizer, other_cut, tmp_path / "texts").config.truncation == "sequence"


@pytest.mark.parametrize("what", ["config", "tokenizer", "texts"])
def test_a_folder_of_something_else_is_refused(
    what: str, roberta: PreTrainedTokenizerFast, minilm: PreTrainedTokenizerFast, tmp_path: Path
) -> None:
    GraphTexts.build(GRAPH, roberta, folder=tmp_path)
    other = KnowledgeGraph.from_parts([*ENTITIES[:3], GraphEntity("Q4", "", "a new text")], RELATIONS, {})
    graph = other if what == "texts" else GRAPH
    config = EntityTextConfig(text="label") if what == "config" else EntityTextConfig()
    with pytest.raises(DataError, match=f"{what}': built from other .*: found .* expected .*remove this one") as error:
        GraphTexts.build(graph, minilm if what == "tokenizer" else roberta, config, tmp_path)
    assert str(tmp_path) in str(error.value)


def test_a_folder_with_other_files_is_left_alone(roberta: PreTrainedTokenizerFast, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ConfigurationError, match="not empty"):
        GraphTexts.build(GRAPH, roberta, folder=tmp_path)
    (tmp_path / "manifest.json").write_text(json.dumps({"format": "loreweave knowledge graph"}))
    with pytest.raises(DataError, match="manifest.json, .* expected 'loreweave graph texts'"):
        GraphTexts.build(GRAPH, roberta, folder=tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_an_interrupted_build_leaves_nothing(roberta: PreTrainedTokenizerFast, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no description"):
        GraphTexts.build(GRAPH, roberta, EntityTextConfig(missing="error"), tmp_path / "texts")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("on_disk", [True, False])
def test_workers_get_the_same_texts(roberta: PreTrainedTokenizerFast, tmp_path: Path, on_disk: bool) -> None:
    texts = GraphTexts.build(GRAPH, roberta, folder=tmp_path / "texts" if on_disk else None)
    sent = pickle.dumps(texts)
    assert_equal(pickle.loads(sent), texts)
    assert isinstance(pickle.loads(sent)._entities.tokens, np.memmap) == on_disk


def test_many_vocabulary_entries_need_wider_numbers(roberta: PreTrainedTokenizerFast, bpe_folder: Path) -> None:
    wide = RobertaTokenizer.from_pretrained(bpe_folder)
    wide.add_tokens([f"token{number}" for number in range(66_000)])
    graph = KnowledgeGraph.from_parts([GraphEntity("Q1", "", "token65999 fox")], RELATIONS, {})
    texts = GraphTexts.build(graph, wide)
    assert texts._entities.tokens.dtype == np.int32
    assert sequences(texts.batch([0])) == [wide("token65999 fox")["input_ids"]]
