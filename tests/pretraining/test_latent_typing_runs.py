"""Runs with latent typing: beside all other objectives, resumed, in several processes, and when the typer collapses."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pretraining_runs import losses, settings, train
from transformers import AutoModelForMaskedLM, TrainerControl

from loreweave.checkpoints import latent_typing
from loreweave.corpus.graphs.knowledge_graph import GraphEntity, GraphRelation, KnowledgeGraph
from loreweave.errors import ConfigurationError
from loreweave.objectives import LatentTyping, LatentTypingConfig, RunContext
from loreweave.pretraining.configuration import PretrainingConfig
from loreweave.pretraining.evaluation import evaluate_objectives
from loreweave.pretraining.run import run
from loreweave.pretraining.watch import ObjectiveWatch
from loreweave.training.runs.record import RunRecord
from loreweave.training.settings.configuration import fill

SMALL = {"types": 6, "layer_drop": 0.0}


def words_and_types(world: Path, output: Path, **changes: object) -> dict[str, object]:
    objectives = {"masked_words": {"unit": "subword", "draw": "independent"}, "latent_typing": SMALL}
    return settings(world, output, **{"word_only": True, "objectives": objectives, **changes})


def test_a_run_leaves_a_typer_and_an_encoder(world: Path, tmp_path: Path) -> None:
    config = fill(PretrainingConfig, words_and_types(world, tmp_path / "run", epochs=1))
    results = run(config).results
    parts = ("loss", "accuracy", "reconstruction", "sparsity", "diversity", "unselected_probability", "perplexity", "selected")
    assert {f"latent_typing_{part}" for part in parts} <= set(results)
    row = RunRecord(str(config.output)).metrics()[-1]
    weighted = 0.05 * row["latent_typing_reconstruction"] + 0.05 * row["latent_typing_sparsity"]
    assert row["latent_typing_loss"] == pytest.approx(weighted + 0.1 * row["latent_typing_diversity"], rel=1e-4)
    assert row["loss"] == pytest.approx(row["masked_words_loss"] + row["latent_typing_loss"], rel=1e-4)
    folder = tmp_path / "run" / "model"
    assert latent_typing.load(folder).head.config.types == 6
    AutoModelForMaskedLM.from_pretrained(folder)


def test_the_typer_learns(world: Path, tmp_path: Path) -> None:
    """Twenty epochs over 24 short windows: the words are rebuilt from their types better than from a new typer."""
    changes = {"epochs": 20, "optimizer": {"learning_rate": 3e-3}, "dropout": 0.0}
    run(fill(PretrainingConfig, words_and_types(world, tmp_path / "run", **changes)))
    rows = RunRecord(str(tmp_path / "run")).metrics()
    first, last = rows[0], rows[-1]
    assert last["latent_typing_reconstruction"] < 0.5 * first["latent_typing_reconstruction"]
    assert last["latent_typing_unselected_probability"] > 1.5 * first["latent_typing_unselected_probability"]


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    entities = [GraphEntity(f"Q{i}", f"town {i}", f"a town by river {i % 3}") for i in range(8)]
    triples = [[i, i % 2, (i * 3 + 1) % 8] for i in range(8)]
    made = KnowledgeGraph.from_parts(entities, [GraphRelation("P0", "near"), GraphRelation("P1", "far")], {"train": triples})
    made.save(folder := tmp_path_factory.mktemp("graph") / "graph")
    return folder


def test_all_objectives_in_one_run_resume_bit_by_bit(world: Path, graph: Path, tmp_path: Path) -> None:
    """Masked words, masked entities, a graph and latent typing over one LUKE."""
    objectives = {
        "masked_words": {},
        "masked_entities": {},
        "knowledge_embedding": {"graph": str(graph), "micro_batch_size": 3, "text": {"max_length": 24}},
        "latent_typing": SMALL | {"temperature": {"restarts": False}},
    }
    whole = settings(world, tmp_path / "whole", objectives=objectives)
    train(whole)
    parts = whole | {"output": str(tmp_path / "parts")}
    train(parts, interrupt_at=8)
    train(parts, resume=True)
    assert losses(parts) == losses(whole) and len(losses(whole)) == 12


def test_two_processes_share_the_use_of_types(world: Path, tmp_path: Path) -> None:
    """At a temperature so high that noise does not matter, two processes have the losses of one with twice the batch."""

    def config(name: str, size: int) -> dict[str, object]:
        hot = {"start": 1e9, "minimum": 1e9}
        objectives = {"masked_words": {}, "latent_typing": SMALL | {"usage_over": "all", "temperature": hot}}
        return words_and_types(world, tmp_path / name, objectives=objectives, micro_batch_size=2 * size, dropout=0.0)

    train(config("two", 1), processes=2)
    train(config("one", 2))
    assert losses(config("two", 1)) == pytest.approx(losses(config("one", 2)), rel=1e-5)


def test_two_processes_train_a_luke_whose_entities_nothing_reads(world: Path, tmp_path: Path) -> None:
    config = settings(world, tmp_path / "run", objectives={"masked_words": None, "latent_typing": SMALL}, steps=2)
    train(config, processes=2)
    assert len(losses(config)) == 2


def test_evaluation_names_the_parts(world: Path, tmp_path: Path) -> None:
    run(fill(PretrainingConfig, words_and_types(world, tmp_path / "run", epochs=1)))
    model = {"model": str(tmp_path / "run" / "model")}
    asked = words_and_types(world, tmp_path / "none", objectives={"latent_typing": SMALL | {"head": str(tmp_path / "run")}})
    found = evaluate_objectives(fill(PretrainingConfig, asked | model))
    own = words_and_types(world, tmp_path / "none", objectives={"latent_typing": SMALL})
    assert evaluate_objectives(fill(PretrainingConfig, own | model)) == found, "the typer beside the model is its own"
    assert 0 <= found["latent_typing_selected"] <= 1 and found["latent_typing_reconstruction"] > 0


def test_evaluation_sees_each_window_once_whatever_the_pool(world: Path, tmp_path: Path) -> None:
    """A pool of sixteen micro-batches reaches over the end of a pass of six, whose windows it would mix with later ones."""
    run(fill(PretrainingConfig, words_and_types(world, tmp_path / "run", epochs=1)))
    asked = words_and_types(world, tmp_path / "none", micro_batch_size=4) | {"model": str(tmp_path / "run" / "model")}
    found = [evaluate_objectives(fill(PretrainingConfig, asked | {"pool": pool})) for pool in (1, 16)]
    assert found[0] == found[1]


def test_latent_typing_needs_text(world: Path, tmp_path: Path) -> None:
    config = fill(PretrainingConfig, words_and_types(world, tmp_path / "run", data=[]))
    with pytest.raises(ConfigurationError, match="data: found no pre-training set"):
        run(config)


def watched(shares: list[float], resumed_at: int = 0) -> list[str]:
    """What is said of the shares after `resumed_at`, which a run that goes on there finds in its log."""
    said: list[str] = []
    watch = ObjectiveWatch([LatentTyping(LatentTypingConfig(), RunContext())], said.append)
    log = [{"step": step, "loss": 1.0, "latent_typing_selected": shares[step - 1]} for step in range(1, resumed_at + 1)]
    state: Any = SimpleNamespace(max_steps=len(shares), is_world_process_zero=True, log_history=[*log, {"step": resumed_at}])
    arguments: Any = SimpleNamespace()  # the watch reads none
    watch.on_train_begin(arguments, state, TrainerControl())
    for state.global_step in range(resumed_at + 1, len(shares) + 1):
        watch.on_log(arguments, state, TrainerControl(), {"loss": 1.0, "latent_typing_selected": shares[state.global_step - 1]})
    return said


@pytest.mark.parametrize(
    ("shares", "steps"),
    [
        ([1.0, 0.99, 0.6, 0.5, 0.4, 0.3], []),
        ([1.0, 0.5, 0.04, 0.03, 0.3, 0.02], [3, 6]),
        ([1.0, 1.0, 1.0, 1.0], [2]),
        ([0.5, 0.96, 0.97, 0.5], [2]),
    ],
)
def test_a_collapse_is_said_once(shares: list[float], steps: list[int]) -> None:
    for resumed_at in range(len(shares)):
        said = watched(shares, resumed_at)
        assert [int(line.split("step ")[1].split()[0]) for line in said] == [step for step in steps if step > resumed_at]


def test_the_remedy_fits_the_collapse() -> None:
    few, many = watched([0.5, 0.0]), watched([0.5, 1.0])
    assert "selects 0.0%" in few[0] and "a smaller sparsity_weight" in few[0]
    assert "selects 100.0%" in many[0] and "a larger sparsity_weight" in many[0]
