"""A checkpoint of any task is a start for any other: its encoder is taken, its head is left out, and that is said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_encoders import TYPING_ROWS

from loreweave.checkpoints import latent_typing, load_luke
from loreweave.cli.main import main
from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.errors import CheckpointError
from loreweave.models import LukeModel
from loreweave.models.sparse_typing import SparseTypingHead
from loreweave.tasks.left_out_heads import head_in
from loreweave.tasks.registry import load_training

STARTS: dict[str, tuple[str, dict[str, Any], list[str]]] = {
    "typing": ("entity-typing", {}, ["person", "place", "city"]),
    "relations": ("relation-classification", {}, ["none", "lives", "works"]),
    "relations with a bias": ("relation-classification", {"classifier_bias": True}, ["none", "lives"]),
    "spans": ("ner", {"shared_words": True, "span_features": "entity"}, ["person", "city"]),
    "tags": ("ner", {"head": "tags"}, ["person"]),
    "other labels": ("ner", {}, ["a", "b", "c", "d"]),
    "kepler": ("entity-typing", {"head": "kepler"}, ["person", "place"]),
    "few-shot relations": ("few-shot-relation", {}, ["one", "other"]),
    "few-shot names": ("few-shot-ner", {"dimension": 8}, ["O", "person"]),
}
ASKED: dict[str, tuple[str, dict[str, Any], list[str]]] = {
    "typing": ("entity-typing", {}, ["person", "river", "bank"]),
    "relations": ("relation-classification", {}, ["none", "is", "has"]),
    "names": ("ner", {}, ["person", "place"]),
    "few-shot names": ("few-shot-ner", {"dimension": 4}, ["O", "x"]),
    "few-shot relations": ("few-shot-relation", {"method": "pair"}, ["one", "other"]),
}
WORDS_ALONE = ("kepler", "few-shot names", "few-shot relations")
NOT_OF_A_LUKE = ("spans", "relations with a bias")


def built(source: Path, task: str, settings: dict[str, Any], labels: list[str], seed: int = 5) -> Any:
    training = load_training(task)
    torch.manual_seed(seed)
    return training.build(str(source), labels, training.config(**settings, seed=seed))


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("encoder", ["tiny_luke", "tiny_bert"])
def test_every_head_is_left_out(encoder: str, start: str, asked: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    if encoder == "tiny_bert" and start in NOT_OF_A_LUKE:
        pytest.skip("a plain encoder has no such head")
    source = request.getfixturevalue(encoder)
    task, settings, labels = STARTS[start]
    first = built(source, task, settings, labels, seed=1)
    first.save_pretrained(tmp_path / "first")
    said = head_in(tmp_path / "first")
    assert said is not None and task in said
    task, settings, labels = ASKED[asked]
    if encoder == "tiny_luke" and start in WORDS_ALONE and not asked.startswith("few-shot"):
        with pytest.raises(CheckpointError, match="found no entity vocabulary"):  # it reads words alone
            built(tmp_path / "first", task, settings, labels)
        return
    made = built(tmp_path / "first", task, settings, labels)
    fresh = built(source, task, settings, labels)
    states, others, before = made.model.state_dict(), fresh.model.state_dict(), first.model.state_dict()
    assert {name: tensor.shape for name, tensor in states.items() if name.startswith("classifier.")} == {
        name: tensor.shape for name, tensor in others.items() if name.startswith("classifier.")
    }
    for name, tensor in states.items():
        if name.startswith("classifier.") and name.endswith("weight") and name in before:
            assert tensor.shape != before[name].shape or not tensor.equal(before[name]), f"{name} is the other task's"
        if ".encoder." in name and name in others:  # the start may have extra queries
            assert tensor.equal(others[name]), name
    assert not getattr(made.model.config, "shared_words", False)


def test_what_is_no_head(tiny_luke: Path, tiny_bert: Path, minilm_dir: Path, tmp_path: Path) -> None:
    assert head_in(tiny_luke) is None and head_in(tiny_bert) is None and head_in(minilm_dir) is None
    tagger = "BertForTokenClassification"
    for architecture, said in ((tagger, f"the head of {tagger} (3 classes)"), ("BertForMaskedLM", None)):
        content = {"model_type": "bert", "architectures": [architecture], "id2label": {"0": "O", "1": "B", "2": "I"}}
        (tmp_path / "config.json").write_text(json.dumps(content))
        assert head_in(tmp_path) == said


def test_a_model_of_latent_types_is_a_start(tiny_bert: Path, tmp_path: Path) -> None:
    from transformers import AutoModel, AutoTokenizer

    encoder = AutoModel.from_pretrained(tiny_bert)
    encoder.save_pretrained(tmp_path / "typed")
    AutoTokenizer.from_pretrained(tiny_bert).save_pretrained(tmp_path / "typed")
    latent_typing.save(tmp_path / "typed", SparseTypingHead.of(encoder, types=2), {})
    made = built(tmp_path / "typed", "ner", {}, ["person"])
    assert made.model.base_model.embeddings.word_embeddings.weight.equal(encoder.embeddings.word_embeddings.weight)


def test_the_command_says_it(tiny_luke: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = built(tiny_luke, "relation-classification", {}, ["none", "lives"])
    first.save_pretrained(tmp_path / "first")
    (tmp_path / "train.json").write_text(json.dumps(TYPING_ROWS[:4]))
    asked = ["finetune", "entity-typing", "--model", str(tmp_path / "first"), "--train", str(tmp_path / "train.json")]
    assert main([*asked, "--output", str(tmp_path / "run"), "epochs=1", "keep=last"]) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert "the head for relation-classification (2 classes) is left out; the new head starts at random" in said


@pytest.mark.parametrize("start", WORDS_ALONE)
def test_a_luke_saved_by_a_task_of_words_is_a_luke_again_with_its_entities(start: str, tmp_path: Path, tiny_luke: Path) -> None:
    task, settings, labels = STARTS[start]
    built(tiny_luke, task, settings, labels, seed=1).save_pretrained(tmp_path)
    with pytest.raises(CheckpointError, match=r"no entity vocabulary.*--base FOLDER \(finetune: base=FOLDER\)"):
        built(tmp_path, "entity-typing", {}, ["person"])
    again = built(tmp_path, "entity-typing", {"base": str(tiny_luke)}, ["person"])
    direct = built(tiny_luke, "entity-typing", {}, ["person"])
    ours, theirs = again.model.state_dict(), direct.model.state_dict()
    assert ours.keys() == theirs.keys()
    entities = "luke.entity_embeddings.entity_embeddings.weight"
    assert torch.equal(ours[entities], theirs[entities])
    (other := tmp_path / "other").mkdir()
    EntityVocabulary.from_counts(dict.fromkeys("abcdefgh", 1)).save(other / "entity_vocab.json")
    with pytest.raises(CheckpointError, match="entity"):  # another LUKE's entities: more than the table has rows
        load_luke(tmp_path, LukeModel, base=other)
