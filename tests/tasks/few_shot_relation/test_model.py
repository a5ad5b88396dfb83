"""The model of episodes: what it computes, how it is kept, and which encoders it takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModel

from loreweave.errors import CheckpointError, ConfigurationError
from loreweave.tasks.few_shot_relation import TASK
from loreweave.tasks.few_shot_relation.matching import pair_logits, prototype_logits
from loreweave.tasks.few_shot_relation.model import FewShotRelationConfig, build, load, load_any
from loreweave.tasks.few_shot_relation.settings import MethodSettings
from loreweave.tasks.relation_classification.model import RelationConfig
from loreweave.tasks.relation_classification.model import build as build_classifier
from loreweave.tasks.relations.record import RelationRecord
from loreweave.training.task_model import TaskModel

LABELS = ["and", "lives", "river", "works"]


def made(source: Path, records: list[RelationRecord], **settings: Any) -> tuple[TaskModel, dict[str, torch.Tensor]]:
    built = build(str(source), LABELS, FewShotRelationConfig(**{"way": 3, "shot": 2, **settings}))
    batch = built.encoding.collate(built.encoding.encode(records, LABELS)[:2])
    built.model.eval()
    return built, {name: tensor for name, tensor in batch.items() if name != "labels"}


def test_the_logits_of_prototypes_are_of_marker_states(tiny_bert: Path, records: list[RelationRecord]) -> None:
    built, batch = made(tiny_bert, records)
    model: Any = built.model
    with torch.no_grad():
        states = model.encoder(batch["input_ids"], attention_mask=batch["attention_mask"]).last_hidden_state
        rows = torch.arange(len(states))[:, None]
        vectors = states[rows, batch["state_positions"]].flatten(1)
        expected = prototype_logits(vectors[batch["support_rows"]], vectors[batch["query_rows"]])
        torch.testing.assert_close(model(**batch).logits, expected)
        assert expected.shape == (2, 3, 3)
        alone = {name: tensor for name, tensor in batch.items() if not name.endswith("_rows")}
        torch.testing.assert_close(model(**alone).logits, vectors)


@pytest.mark.parametrize(("na_rate", "classes"), [(0.0, 3), (1.0, 4)])
def test_the_logits_of_pairs(tiny_bert: Path, records: list[RelationRecord], na_rate: float, classes: int) -> None:
    built, batch = made(tiny_bert, records, method="pair", na_rate=na_rate)
    with torch.no_grad():
        scores = built.model(**{name: tensor for name, tensor in batch.items() if name != "pair_rows"}).logits
        logits = built.model(**batch).logits
    assert scores.shape[1] == 2 and logits.shape == (2, 3 + int(na_rate), classes)
    torch.testing.assert_close(logits, pair_logits(scores[batch["pair_rows"]])[..., :classes])


def test_dropout_is_of_the_vectors(tiny_bert: Path, records: list[RelationRecord]) -> None:
    built, batch = made(tiny_bert, records, encoding_dropout=0.5)
    alone = {name: tensor for name, tensor in batch.items() if not name.endswith("_rows")}
    assert 0.4 < (built.model.train()(**alone).logits == 0).float().mean() < 0.6


@pytest.mark.parametrize("encoder", ["tiny_bert", "tiny_luke"])
@pytest.mark.parametrize(
    "settings", [{}, {"representation": "pooled"}, {"markers": "four"}, {"method": "pair"}, {"method": "pair", "na_rate": 1.0}]
)
def test_a_model_is_the_same_after_saving(
    encoder: str, settings: dict[str, Any], tmp_path: Path, records: list[RelationRecord], request: pytest.FixtureRequest
) -> None:
    built, batch = made(request.getfixturevalue(encoder), records, **settings)
    built.save_pretrained(tmp_path)
    again = load(tmp_path)
    assert TASK.recognises(tmp_path) and again.labels == LABELS
    with torch.no_grad():
        torch.testing.assert_close(again.model(**batch).logits, built.model(**batch).logits, rtol=0, atol=0)
    first: Any = built.encoding
    second: Any = again.encoding
    assert first.sentences.encode(records[:1])[0].encoded == second.sentences.encode(records[:1])[0].encoded
    plain = AutoModel.from_pretrained(tmp_path)
    assert torch.equal(plain.get_input_embeddings().weight, built.model.get_input_embeddings().weight)


def test_a_luke_by_its_entities(tiny_luke: Path, tiny_bert: Path, tmp_path: Path, records: list[RelationRecord]) -> None:
    built, batch = made(tiny_luke, records, representation="entities")
    reference: Any = build_classifier(str(tiny_luke), LABELS, RelationConfig()).model.eval()
    rows = batch["entity_ids"].shape[0]
    assert batch["entity_attention_mask"].shape == (rows, 2) and "state_positions" not in batch
    alone = {name: tensor for name, tensor in batch.items() if not name.endswith("_rows")}
    with torch.no_grad():
        vectors = built.model(**alone).logits
        torch.testing.assert_close(vectors, reference.features(reference.luke(**alone)))
        expected = prototype_logits(vectors[batch["support_rows"]], vectors[batch["query_rows"]])
        torch.testing.assert_close(built.model(**batch).logits, expected)
        built.save_pretrained(tmp_path)
        torch.testing.assert_close(load(tmp_path).model(**batch).logits, expected)
    again: Any = load(tmp_path).encoding
    first: Any = built.encoding
    assert first.sentences.encode(records[:1])[0].encoded == again.sentences.encode(records[:1])[0].encoded
    with pytest.raises(ConfigurationError, match="representation=entities needs a LUKE"):
        made(tiny_bert, records, representation="entities")


def test_any_encoder_or_a_checkpoint(tiny_bert: Path, tmp_path: Path, records: list[RelationRecord]) -> None:
    plain, trained = load_any(tiny_bert, MethodSettings(method="pair", representation="pooled", max_length=16))
    assert not trained and plain.model.config.loreweave["readouts"] == 1
    with pytest.raises(ConfigurationError, match="found entities, which are not supported with method=pair"):
        load_any(tiny_bert, MethodSettings(method="pair", representation="entities"))
    build(str(tiny_bert), LABELS, FewShotRelationConfig(relations=["and", "river"])).save_pretrained(tmp_path)
    kept, trained = load_any(tmp_path, MethodSettings(method="proto"))
    assert trained and kept.labels == ["and", "river"]
    with pytest.raises(ConfigurationError, match="method: found pair, but .* was trained with proto"):
        load_any(tmp_path, MethodSettings(method="pair"))
    with pytest.raises(CheckpointError, match="found no checkpoint of few-shot-relation"):
        load(tiny_bert)
    with pytest.raises(ConfigurationError, match="na_rate is read only with method=pair .proto has no prototype"):
        build(str(tiny_bert), LABELS, FewShotRelationConfig(na_rate=1.0))
    with pytest.raises(ConfigurationError, match="the source lacks rivers; it has and, lives"):
        build(str(tiny_bert), LABELS, FewShotRelationConfig(relations=["rivers"]))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"method": "pair", "representation": "entities"}, "found entities, which are not supported with method=pair"),
        ({"encoding_dropout": 1.0}, "encoding_dropout"),
        ({"episodes": 0}, "episodes"),
    ],
)
def test_settings_that_cannot_be(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FewShotRelationConfig(**wrong)
