"""What holds of every objective. An objective of the house has a row in `CASES`."""

from __future__ import annotations

import ast
import math
import pickle
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from pretraining_runs import losses, settings, windows_of
from tiny_worlds import make_world
from torch import Tensor
from transformers import set_seed

from loreweave.build.pretraining_set import open_pretraining_set
from loreweave.corpus.files.strict_json import in_json
from loreweave.errors import ConfigurationError, LoreweaveError
from loreweave.objectives import OBJECTIVES, WINDOWS, LeftOut, Objective, StreamObjective, Tensors, WindowObjective
from loreweave.pretraining import run as run_module
from loreweave.pretraining.configuration import PretrainingConfig
from loreweave.pretraining.evaluation import evaluate_objectives
from loreweave.pretraining.micro_steps import MicroSteps, build_stream
from loreweave.pretraining.model import PretrainingModel
from loreweave.pretraining.run import run
from loreweave.pretraining.start import start
from loreweave.training.runs.record import RunRecord
from loreweave.training.settings.configuration import fill
from loreweave.training.settings.fields import default_of


@dataclass(frozen=True)
class Case:
    """How an objective is tried.

    Attributes:
        wrong: settings that it refuses, with the beginning of the message.
        settings: what it needs; `GRAPH` stands for the folder of a graph, `TYPES` for a file with types of entities.
        run: changes to the run.
    """

    wrong: tuple[tuple[dict[str, Any], str], ...]
    settings: dict[str, Any] = field(default_factory=dict)
    run: dict[str, Any] = field(default_factory=dict)


GRAPH, TYPES = "GRAPH", "TYPES"
TEXT = {"max_length": 24, "relation_max_length": 12}
OVER_GRAPH = {"graph": GRAPH, "text": TEXT, "micro_batch_size": 3}
WORDS_ALONE, NO_WINDOWS = {"word_only": True}, {"data": []}
WRONG_SHARES = (
    ({"probability": 1.5}, "probability: found 1.5, expected a number from 0 to 1"),
    ({"random_probability": 0.7, "unchanged_probability": 0.7}, "random_probability + unchanged_probability: found 1.4"),
)
WRONG_GRAPH = (
    ({"micro_batch_size": 0}, "micro_batch_size: found 0, expected 1 or more"),
    ({"micro_batch_size": 1, "sampling": "neighbourhoods"}, "micro_batch_size: found 1, expected 2 or more"),
)
WRONG_MENTIONS = (
    ({"probability": 0}, "probability: found 0.0, expected more than 0, at most 1"),
    ({"masked_share": 1.5}, "masked_share: found 1.5, expected a number from 0 to 1"),
    ({"temperature": 0}, "temperature: found 0.0, expected more than 0"),
)
HOT = {"start": 1e9, "minimum": 1e9}
"""A temperature at which the noise of samples does not matter."""

CASES = {
    "masked_words": Case(
        (*WRONG_SHARES, ({"draw": "independent", "mask_words_in_mentions": True}, "mask_words_in_mentions: found true")),
        run=WORDS_ALONE,
    ),
    "masked_entities": Case(
        (
            *WRONG_SHARES,
            ({"negatives": 0}, "negatives: found 0, expected 1 or more"),
            ({"negatives": 5, "same_type_negatives": 2}, "same_type_negatives: found 2.0, expected a number from 0 to 1"),
            ({"negatives": 5, "same_type_negatives": 0.5}, "types: found null, expected a value for same_type_negatives"),
            ({"same_type_negatives": 0.5, "types": "types.jsonl"}, "negatives: found null, expected a value for same_type"),
        )
    ),
    "cls_entity": Case((({"weight": -0.5}, "weight: found -0.5, expected 0 or more"),)),
    "knowledge_embedding": Case(
        (*WRONG_GRAPH, ({"negatives": 0}, "negatives: found 0, expected 1 or more")), OVER_GRAPH, NO_WINDOWS
    ),
    "second_knowledge_embedding": Case(
        (*WRONG_GRAPH, ({"entities": "table", "variant": "rel"}, "variant: rel reads texts")), OVER_GRAPH, NO_WINDOWS
    ),
    "contrastive_knowledge": Case(
        (*WRONG_GRAPH, ({"temperature": 0}, "temperature: found 0.0, expected more than 0")),
        OVER_GRAPH | {"pre_batches": 1},
        NO_WINDOWS,
    ),
    "latent_typing": Case(
        (({"types": 1}, "types: found 1, expected at least 2"), ({"layer_drop": 1.0}, "layer_drop: found 1.0")),
        {"types": 5, "layer_drop": 0.0, "temperature": HOT},
        WORDS_ALONE,
    ),
    "entity_types": Case(WRONG_MENTIONS, {"types": TYPES}, WORDS_ALONE),
    "entity_relations": Case(
        (
            *WRONG_MENTIONS,
            ({"max_pairs": 0}, "max_pairs: found 0, expected 1 or more"),
            ({"types": None}, "graph, types: found neither, expected exactly one of them"),
        ),
        {"types": TYPES},
        WORDS_ALONE | {"batch_size": 12, "micro_batch_size": 6},
    ),
}

HOOKS = (
    "count_targets",
    "files",
    "for_held_out",
    "for_evaluation",
    "prepare",
    "longest_text",
    "summary",
    "on_resume",
    "watch",
    "save",
)
ORDER = ("name", "settings", "side", "__init__", "build", "mask", "batch", "micro_batches_per_epoch", "head", "loss", *HOOKS)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, minilm_dir: Path) -> Path:
    return make_world(tmp_path_factory.mktemp("world"), minilm_dir)


@pytest.fixture(params=OBJECTIVES)
def name(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    if found not in CASES:
        pytest.fail(f"the objective {found} has no row in CASES")
    return found


@pytest.fixture
def values(name: str, world: Path, graph_folder: Path, types_file: Path, tmp_path: Path) -> dict[str, Any]:
    """Settings of a run with this objective alone: two micro-steps an update."""
    places = {GRAPH: str(graph_folder), TYPES: str(types_file)}
    asked = {key: places.get(value, value) if isinstance(value, str) else value for key, value in CASES[name].settings.items()}
    return settings(world, tmp_path / "run", **{"objectives": {name: asked}, "steps": 4, "dropout": 0.0} | CASES[name].run)


def begun(config: PretrainingConfig) -> tuple[MicroSteps, PretrainingModel]:
    """Micro-steps and model as they are when training begins."""
    set_seed(config.seed)
    sets = [open_pretraining_set(path) for path in config.data]
    first = start(config, sets)
    stream = build_stream(config, sets, first, processes=1)
    return stream, PretrainingModel(first.model, stream.objectives).train()


def equal(one: Tensors, other: Tensors) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


def test_every_objective_has_a_case() -> None:
    assert set(CASES) == set(OBJECTIVES)
    assert all(case.wrong for case in CASES.values()), "and each refuses something"


def test_a_file_has_its_parts_in_order(name: str) -> None:
    kind = OBJECTIVES[name]
    assert kind.name == name
    for owner in (owner for owner in kind.__mro__ if issubclass(owner, Objective) and owner is not Objective):
        parts = [part for part in vars(owner) if part in ORDER]
        assert parts == sorted(parts, key=ORDER.index), owner.__name__
    assert kind.settings.__module__ == kind.__module__ and kind.settings.__name__ in (
        f"{owner.__name__}Config" for owner in kind.__mro__
    )
    assert all((part.__doc__ or "").strip() for part in vars(kind).values() if callable(part) and part.__name__ in HOOKS)


def test_hooks_are_those_of_the_base_class() -> None:
    own = [part for part in vars(Objective) if part in HOOKS]
    assert tuple(own) == HOOKS
    public = {part for part in vars(Objective) if not part.startswith("_")} - {*ORDER, "nothing", "weight"}
    assert not public, "a new hook belongs in HOOKS"


def test_training_and_evaluation_name_no_objective() -> None:
    """They know objectives by their base classes. The defaults of a run, which are LUKE's, are the exception."""
    own = {kind.__name__ for objective in OBJECTIVES.values() for kind in (objective, objective.settings)} | set(OBJECTIVES)
    for path in Path(run_module.__file__).parent.glob("*.py"):
        if path.name == "configuration.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for part in ("name", "id", "attr", "value"):  # imports, variables, attributes, strings
                named = getattr(node, part, None)
                assert not isinstance(named, str) or named not in own, f"{path.name} names {named}"


def test_batches_are_the_same_whenever_they_are_asked_for(name: str, values: dict[str, Any]) -> None:
    stream, _ = begun(fill(PretrainingConfig, values))
    batches = [stream[item] for item in range(4)]
    again = pickle.loads(pickle.dumps(stream))  # what a worker gets
    for item in (3, 1):
        assert all(equal(batches[item][part], again[item][part]) for part in batches[item])
    assert not all(equal(batches[0][part], batches[1][part]) for part in batches[0])


def test_a_batch_has_labels_and_what_it_reads(name: str, values: dict[str, Any]) -> None:
    stream, _ = begun(fill(PretrainingConfig, values))
    batch = stream[0]
    reads_windows = not issubclass(OBJECTIVES[name], StreamObjective)
    assert set(batch) == ({WINDOWS, name} if reads_windows else {name})
    labels = batch[name]["labels"]
    assert labels.dtype == torch.int64 and labels.dim() == 1 and len(labels)
    assert all(isinstance(tensor, Tensor) for tensor in batch[name].values())
    if issubclass(OBJECTIVES[name], WindowObjective):
        assert set(batch[name]) >= {"positions", "labels"}
        side = "input_ids" if OBJECTIVES[name].side == "words" else "entity_ids"
        positions = batch[name]["positions"]
        assert positions.shape == labels.shape or set(batch[name]) != {"positions", "labels"}
        assert len(set(positions.tolist())) == len(positions)
        assert int(positions.min()) >= 0 and int(positions.max()) < batch[WINDOWS][side].numel()


def test_loss_and_gradients_are_finite(name: str, values: dict[str, Any]) -> None:
    stream, module = begun(fill(PretrainingConfig, values))
    (objective,) = stream.objectives
    batch = stream[0]
    sums = module(**batch)
    assert set(sums) == {name} and "loss" in sums[name]
    assert ("correct" in sums[name]) == (name != "cls_entity")  # which predicts a vector
    assert all(value.shape == () and value.isfinite() for value in sums[name].values())
    assert 0 <= float(sums[name].get("correct", 0)) <= len(batch[name]["labels"])
    assert not any(value.requires_grad for key, value in sums[name].items() if key != "loss")
    sums[name]["loss"].backward()
    gradients = [parameter.grad for parameter in module.parameters() if parameter.grad is not None]
    assert gradients and all(gradient.isfinite().all() for gradient in gradients)
    own = [parameter.grad for parameter in module.head(objective).parameters()]
    assert any(gradient is not None and gradient.any() for gradient in own)


def test_a_loss_is_divided_by_all_targets_of_an_update(name: str, values: dict[str, Any]) -> None:
    """And weighted: two micro-steps count by their targets."""
    values["objectives"][name]["weight"] = 0.25
    config = fill(PretrainingConfig, values | {"steps": 1})
    stream, module = begun(config)
    torch.manual_seed(config.seed)
    with torch.no_grad():
        batches = [stream[item] for item in (0, 1)]
        sums = [module(**batch)[name] for batch in batches]
    (objective,) = stream.objectives
    targets = sum(int(objective.count_targets(batch[name])) for batch in batches)
    assert 0 < targets <= sum(len(batch[name]["labels"]) for batch in batches)
    (row,) = run(config).record.metrics()
    for key in sums[0]:
        logged = row[f"{name}_{'accuracy' if key == 'correct' else key}"]
        assert logged == pytest.approx(sum(float(part[key]) for part in sums) / targets, rel=1e-4, abs=1e-7), key
    assert row["loss"] == pytest.approx(0.25 * row[f"{name}_loss"], rel=1e-5)


@pytest.fixture
def stopped(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[PretrainingConfig], None]]:
    """A run whose machine stops at update 3."""

    class Stop(run_module.UpdateProgress):
        def on_step_end(self, args: Any, state: Any, control: Any, **others: Any) -> None:
            if state.global_step == 3:
                raise LoreweaveError("the machine stops")

    def begin(config: PretrainingConfig) -> None:
        with monkeypatch.context() as patch, pytest.raises(LoreweaveError, match="the machine stops"):
            patch.setattr(run_module, "UpdateProgress", Stop)
            run(config)

    yield begin


def test_a_resumed_run_goes_on_bit_by_bit(
    name: str, values: dict[str, Any], tmp_path: Path, stopped: Callable[[PretrainingConfig], None]
) -> None:
    """With dropout, from the checkpoint after update 2 of 4; the model is left with what evaluation needs."""
    values |= {"dropout": 0.1, "save_steps": 2}
    parts = values | {"output": str(tmp_path / "parts")}
    run(fill(PretrainingConfig, values))
    stopped(fill(PretrainingConfig, parts))
    result = run(fill(PretrainingConfig, parts), resume=True)
    assert losses(parts) == losses(values) and len(losses(values)) == 4
    assert RunRecord(str(parts["output"])).status()["status"] == "done"
    asked = parts | {"model": str(result.record.model_path), "data": [str(tmp_path)]}
    kept = OBJECTIVES[name].for_evaluation(fill(PretrainingConfig, asked).objectives[name], str(result.record.model_path))
    if isinstance(kept, LeftOut):
        assert kept.reason
    else:
        measured = evaluate_objectives(fill(PretrainingConfig, asked | {"data": values["data"], "steps": None}))
        assert 0 < measured[f"{name}_loss"] < float("inf")


def test_held_out_windows_are_measured_and_not_trained_on(
    name: str, values: dict[str, Any], world: Path, tmp_path: Path, stopped: Callable[[PretrainingConfig], None]
) -> None:
    """With dropout: the losses are those of a run without them; a resumed run measures the same; so does an evaluation."""
    values |= {"dropout": 0.1, "save_steps": 2}
    dev = windows_of(world, tmp_path / "held-out", reversed(range(24)))
    measuring = values | {"dev": [str(dev)], "dev_steps": 2, "output": str(tmp_path / "dev")}
    if isinstance(left_out := OBJECTIVES[name].for_held_out(fill(PretrainingConfig, values).objectives[name]), LeftOut):
        with pytest.raises(ConfigurationError, match=f"dev: found no objective to evaluate: {name}: {left_out.reason}"):
            run(fill(PretrainingConfig, measuring))
        return
    run(fill(PretrainingConfig, values))
    stopped(fill(PretrainingConfig, measuring))
    result = run(fill(PretrainingConfig, measuring), resume=True)
    assert losses(measuring) == losses(values)
    first, last = (row for row in result.record.metrics() if row["split"] == "dev")
    assert (first["step"], last["step"], first["epoch"]) == (2, 4, pytest.approx(last["epoch"] / 2))
    assert first[f"{name}_loss"] != last[f"{name}_loss"]
    found = result.results["dev"]
    assert found == {key: value for key, value in last.items() if key not in ("step", "split", "epoch")}
    assert found["loss"] == pytest.approx(fill(PretrainingConfig, values).objectives[name].weight * found[f"{name}_loss"])
    asked = fill(PretrainingConfig, values | {"model": str(result.record.model_path)})
    if not isinstance(OBJECTIVES[name].for_evaluation(asked.objectives[name], asked.model), LeftOut):
        again = evaluate_objectives(replace(asked, data=[str(dev)]))
        assert found == {"loss": found["loss"]} | {key: pytest.approx(again[key], rel=1e-5) for key in found if key != "loss"}


def test_numbers_are_finite_and_no_weight_is_negative(name: str, values: dict[str, Any]) -> None:
    kind = OBJECTIVES[name].settings
    for setting in (item.name for item in fields(kind) if isinstance(default_of(kind, item.name), float)):
        for wrong in (math.nan, math.inf, *([-1.0] if setting == "weight" else [])):
            asked = values | {"objectives": {name: values["objectives"][name] | {setting: wrong}}}
            with pytest.raises(
                ConfigurationError, match=f"setting 'objectives.{name}.{setting}': found {in_json(wrong)}, expected "
            ):
                fill(PretrainingConfig, asked)


def _placed(name: str, message: str) -> str:
    """The message with the whole names of the settings that it begins with."""
    place, _, problem = message.partition(": ")
    names = [f"'objectives.{name}.{part}'" for part in place.split(", ")]
    if not all(part.isidentifier() for part in place.split(", ")):
        return f"setting 'objectives.{name}': {message}"
    return f"{'setting' if len(names) == 1 else 'settings'} {' and '.join(names)}: {problem}"


def test_settings_that_cannot_be_are_refused_by_name(name: str, values: dict[str, Any]) -> None:
    """Before anything is read."""
    for wrong, message in CASES[name].wrong:
        asked = values | {"objectives": {name: values["objectives"][name] | wrong}}
        with pytest.raises(ConfigurationError) as raised:
            fill(PretrainingConfig, asked)
        assert str(raised.value).startswith(_placed(name, message)), wrong
    with pytest.raises(ConfigurationError, match=f"unknown setting 'wieght' in objectives.{name}; did you mean 'weight'?"):
        fill(PretrainingConfig, values, [f"objectives.{name}.wieght=1"])
