"""Runs over linked mentions: with other objectives, with a LUKE, in several processes, and what is left on disk."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from pretraining_runs import losses, settings, train
from safetensors.torch import load_file
from tiny_worlds import write_city_types
from torch import Tensor
from transformers import AutoModelForMaskedLM

from loreweave.checkpoints import type_head
from loreweave.errors import ConfigurationError
from loreweave.models.type_head import TypeHead
from loreweave.objectives import EntityRelations
from loreweave.objectives.base import ObjectiveLoss
from loreweave.pretraining.configuration import PretrainingConfig
from loreweave.pretraining.evaluation import evaluate_objectives
from loreweave.pretraining.run import PretrainingResult, run
from loreweave.training.runs.record import RunRecord
from loreweave.training.settings.configuration import fill


@pytest.fixture(scope="module")
def types(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_city_types(tmp_path_factory.mktemp("types") / "types.jsonl")


def knowledge(world: Path, output: Path, types: Path, **changes: object) -> dict[str, object]:
    """Masked words, types and relations over a plain encoder."""
    objectives = {"masked_words": {}, "entity_types": {"types": str(types)}, "entity_relations": {"types": str(types)}}
    sizes = {"batch_size": 12, "micro_batch_size": 6}
    return settings(world, output, **{"word_only": True, "objectives": objectives, **sizes, **changes})


def test_a_run_leaves_an_encoder_and_a_type_head(world: Path, types: Path, tmp_path: Path) -> None:
    result = run(fill(PretrainingConfig, knowledge(world, tmp_path / "run", types, epochs=1)))
    assert {"entity_types_loss", "entity_types_accuracy", "entity_relations_pairs"} <= set(result.results)
    folder = result.record.model_path
    head, names = type_head.load(folder)
    assert names == ("capital", "holy city", "large city") and head.names.shape == (3, 32)
    AutoModelForMaskedLM.from_pretrained(folder)


def test_types_are_learned_and_then_trained_further(world: Path, types: Path, tmp_path: Path) -> None:
    """The head that is kept scores as at the end of training; a new run goes on from it with the same names."""
    objectives = {"entity_types": {"types": str(types), "masked_share": 0.0}}
    learning = {"epochs": 20, "optimizer": {"learning_rate": 3e-3}, "dropout": 0.0}
    config = knowledge(world, tmp_path / "run", types, objectives=objectives, **learning)
    result = run(fill(PretrainingConfig, config))
    rows = result.record.metrics()
    assert rows[-1]["entity_types_loss"] < 0.5 * rows[0]["entity_types_loss"]
    trained = str(result.record.model_path)
    measured = evaluate_objectives(fill(PretrainingConfig, config | {"model": trained}))
    assert measured["entity_types_accuracy"] > 0.9 and measured["entity_types_loss"] < rows[0]["entity_types_loss"]
    objectives = {"entity_types": {"types": str(types), "masked_share": 0.0, "head": trained}}
    further = config | {"model": trained, "objectives": objectives, "output": str(tmp_path / "further"), "epochs": 1}
    assert run(fill(PretrainingConfig, further)).record.metrics()[0]["entity_types_loss"] < rows[0]["entity_types_loss"] / 2


def test_other_names_are_refused_for_a_head(world: Path, types: Path, tmp_path: Path) -> None:
    result = run(fill(PretrainingConfig, knowledge(world, tmp_path / "run", types, steps=1)))
    other = tmp_path / "other.jsonl"
    other.write_text(types.read_text().replace("holy city", "sacred city"))
    objectives = {"entity_types": {"types": str(other), "head": str(result.record.model_path)}}
    config = knowledge(world, tmp_path / "further", types, objectives=objectives)
    with pytest.raises(ConfigurationError, match="found other types in .* was trained with .for example 'sacred city'"):
        run(fill(PretrainingConfig, config))


def test_a_head_scores_data_with_fewer_types(world: Path, types: Path, tmp_path: Path) -> None:
    """Held-out texts need not link an entity of every type: the numbers of the types are those of the head."""
    result = run(fill(PretrainingConfig, knowledge(world, tmp_path / "run", types, steps=1)))
    some = tmp_path / "some.jsonl"
    some.write_text("".join(line for line in types.open() if "holy" not in line and "capital" in line or "London" in line))
    objectives = {"entity_types": {"types": str(some)}}
    config = knowledge(world, tmp_path / "x", types, objectives=objectives, model=str(result.record.model_path))
    measured = evaluate_objectives(fill(PretrainingConfig, config))
    assert 0 < measured["entity_types_loss"] < 10


def test_a_head_of_another_encoder_is_refused(world: Path, types: Path, tmp_path: Path) -> None:
    result = run(fill(PretrainingConfig, knowledge(world, tmp_path / "run", types, steps=1)))
    wide = TypeHead(torch.eye(3, 48), 0.1)
    type_head.save(tmp_path / "wide", wide, type_head.load(result.record.model_path)[1], {})
    objectives = {"entity_types": {"types": str(types), "head": str(tmp_path / "wide")}}
    with pytest.raises(ConfigurationError, match="vectors of 48 numbers in .* and of 32 in the encoder"):
        run(fill(PretrainingConfig, knowledge(world, tmp_path / "further", types, objectives=objectives)))


def test_masked_words_have_the_same_targets_beside_types(world: Path, types: Path, tmp_path: Path) -> None:
    """So that two runs differ in the objective alone: at weight 0 and with nothing hidden, the losses are equal."""
    alone = knowledge(world, tmp_path / "alone", types, objectives={"masked_words": {}}, dropout=0.0)
    beside = {"masked_words": {}, "entity_types": {"types": str(types), "weight": 0.0, "masked_share": 0.0}}
    both = alone | {"output": str(tmp_path / "both"), "objectives": beside}
    run(fill(PretrainingConfig, alone))
    run(fill(PretrainingConfig, both))
    assert losses(both) == pytest.approx(losses(alone), rel=1e-6)


def test_the_head_of_an_objective_without_weight_stays_as_it_was(world: Path, types: Path, tmp_path: Path) -> None:
    """It is measured. Weight decay would change it without a gradient; the map of a new type head is the identity."""
    objectives = {"masked_words": {}, "entity_types": {"types": str(types), "weight": 0.0}}
    rates = {"optimizer": {"learning_rate": 0.01, "weight_decay": 0.5}, "schedule": {"warmup_steps": 0}}
    result = run(fill(PretrainingConfig, knowledge(world, tmp_path / "run", types, objectives=objectives, steps=3, **rates)))
    head, _ = type_head.load(result.record.model_path)
    assert torch.equal(head.map.weight, torch.eye(len(head.map.weight))) and result.results["entity_types_loss"] > 0


def test_the_masked_word_head_without_weight_stays_as_it_was(world: Path, tmp_path: Path) -> None:
    """It is a part of the model, and the same after any number of updates."""
    heads = []
    for steps in (1, 3):
        asked = settings(
            world, tmp_path / str(steps), objectives={"masked_words": {"weight": 0.0}, "masked_entities": {}}, steps=steps,
            optimizer={"learning_rate": 0.01, "weight_decay": 0.5}, schedule={"warmup_steps": 0},
        )  # fmt: skip
        place = run(fill(PretrainingConfig, asked)).record.model_path
        heads.append(load_file(place / "model.safetensors")["lm_head.dense.weight"])
    assert torch.equal(*heads)


def test_a_luke_learns_types_beside_its_entities(world: Path, types: Path, tmp_path: Path) -> None:
    """The types are learned from words and entities; masked entities keep their targets."""
    objectives = {"masked_words": {}, "masked_entities": {}, "entity_types": {"types": str(types)}}
    config = knowledge(world, tmp_path / "luke", types, objectives=objectives, word_only=False, epochs=1)
    result = run(fill(PretrainingConfig, config))
    assert result.results["entity_types_loss"] > 0 and result.results["masked_entities_loss"] > 0
    assert type_head.recognises(result.record.model_path)


@pytest.mark.parametrize("processes", [1, pytest.param(2, marks=pytest.mark.slow)])  # also in test_graph_runs.py
def test_a_run_resumes_bit_by_bit(world: Path, types: Path, tmp_path: Path, processes: int) -> None:
    whole = knowledge(world, tmp_path / "whole", types, micro_batch_size=6 // processes, epochs=6)
    train(whole, processes=processes)
    parts = whole | {"output": str(tmp_path / "parts")}
    train(parts, interrupt_at=8, processes=processes)
    train(parts, resume=True, processes=processes)
    assert losses(parts) == losses(whole) and len(losses(whole)) == 12


def test_two_processes_equal_one_at_twice_the_batch(world: Path, types: Path, tmp_path: Path) -> None:
    """Pairs of both processes are compared."""

    def config(name: str, size: int) -> dict[str, object]:
        return knowledge(world, tmp_path / name, types, micro_batch_size=6 * size, dropout=0.0, epochs=6)

    train(config("two", 1), processes=2)
    train(config("one", 2))
    assert losses(config("two", 1)) == pytest.approx(losses(config("one", 2)), rel=1e-5)
    one, two = (RunRecord(str(config(name, size)["output"])).metrics()[-1] for name, size in (("one", 2), ("two", 1)))
    assert one["entity_relations_pairs"] == pytest.approx(two["entity_relations_pairs"]) and one["loss"] > 0


def test_the_logged_number_of_pairs_counts_those_of_all_micro_steps(
    world: Path, types: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also of micro-steps without a target."""
    pairs, targets = [], []

    def loss(self: EntityRelations, encoder: Any, head: Any, batch: dict[str, Tensor]) -> ObjectiveLoss:
        pairs.append(len(batch["pairs"]))
        targets.append(int(self.count_targets(batch)))
        return original(self, encoder, head, batch)

    original = EntityRelations.loss
    monkeypatch.setattr(EntityRelations, "loss", loss)
    config = knowledge(world, tmp_path / "run", types, batch_size=24, micro_batch_size=2, steps=1)
    found = run(fill(PretrainingConfig, config)).results["entity_relations_pairs"]
    assert 0 in targets and sum(targets) > 0 and found == pytest.approx(sum(pairs) / sum(targets))


def test_a_run_refuses_unknown_entities_as_none(world: Path, types: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(world / "data", data)
    manifest = json.loads((data / "manifest.json").read_text())
    manifest["settings"]["include_unknown_entities"] = True
    (data / "manifest.json").write_text(json.dumps(manifest))
    objectives = {"entity_types": {"types": str(types), "no_entity": True}}
    config = fill(PretrainingConfig, knowledge(world, tmp_path / "run", types, objectives=objectives, data=[str(data)]))
    with pytest.raises(ConfigurationError, match="no_entity: found true, but in .*data"):
        run(config)


def test_shuffled_types_differ_and_are_the_same_when_resumed(world: Path, types: Path, tmp_path: Path) -> None:
    def config(name: str, **changes: object) -> dict[str, object]:
        objectives = {"entity_types": {"types": str(types), **changes}}
        return knowledge(world, tmp_path / name, types, objectives=objectives, epochs=1, dropout=0.0)

    for name, changes in (("true", {}), ("shuffled", {"shuffled": True}), ("again", {"shuffled": True})):
        torch.manual_seed(0)
        run(fill(PretrainingConfig, config(name, **changes)))
    assert losses(config("shuffled")) == losses(config("again")) != losses(config("true"))


def test_a_log_line_has_the_mean_of_the_updates_with_targets(world: Path, tmp_path: Path) -> None:
    """Two cities alone have a type: some updates have no target."""
    types = tmp_path / "types.jsonl"
    types.write_text("".join(f'{{"entity": "{name}", "types": ["{name}"]}}\n' for name in ("Oslo", "Bern")))

    def result(log_steps: int, steps: int) -> PretrainingResult:
        sizes = {"batch_size": 2, "micro_batch_size": 2, "dropout": 0.0, "log_steps": log_steps, "steps": steps}
        objectives = {"masked_words": {}, "entity_types": {"types": str(types)}}
        config = knowledge(world, tmp_path / f"{log_steps} {steps}", types, objectives=objectives, **sizes)
        return run(fill(PretrainingConfig, config))

    every, (mean,) = (result(log_steps, 12).record.metrics() for log_steps in (1, 12))
    found = [row["entity_types_loss"] for row in every if "entity_types_loss" in row]
    assert 0 < len(found) < len(every)
    assert mean["entity_types_loss"] == pytest.approx(sum(found) / len(found), rel=1e-5)
    assert mean["masked_words_loss"] == pytest.approx(sum(row["masked_words_loss"] for row in every) / 12, rel=1e-5)
    assert mean["loss"] == pytest.approx(sum(row["loss"] for row in every) / 12, rel=1e-5)
    first = next(place for place, row in enumerate(every) if "entity_types_loss" in row)
    without = next(place for place, row in enumerate(every) if place > first and "entity_types_loss" not in row)
    ended = result(1, without + 1)
    last, before = ended.record.metrics()[-1], [row for row in ended.record.metrics() if "entity_types_loss" in row][-1]
    assert "entity_types_loss" not in last and ended.results["loss"] == last["loss"]
    assert ended.results["entity_types_loss"] == before["entity_types_loss"], "the results have all objectives"
