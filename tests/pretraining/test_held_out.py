"""Held-out texts of a run. What holds for every objective is in tests/objectives/test_every_objective.py."""

from __future__ import annotations

import json
from pathlib import Path
from shutil import copytree

import pytest
from pretraining_runs import losses, settings, train, windows_of, windows_without_mentions
from tiny_worlds import write_city_types
from transformers import AutoTokenizer

from loreweave.build.pretraining_set import open_pretraining_set
from loreweave.build.text_blocks import build_text_blocks
from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.errors import ConfigurationError, LoreweaveError
from loreweave.pretraining.configuration import PretrainingConfig
from loreweave.pretraining.evaluation import evaluate_objectives
from loreweave.pretraining.run import PretrainingResult, run
from loreweave.training.runs.record import RunRecord
from loreweave.training.settings.configuration import fill


@pytest.fixture(scope="module")
def dev(world: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The training windows in another order."""
    return str(windows_of(world, tmp_path_factory.mktemp("held-out") / "data", reversed(range(24))))


def trained(world: Path, folder: Path, **changes: object) -> PretrainingResult:
    return run(fill(PretrainingConfig, settings(world, folder, steps=4, dropout=0.0, **changes)))


def measured(result: PretrainingResult) -> list[int]:
    return [row["step"] for row in result.record.metrics() if row["split"] == "dev"]


def test_without_dev_steps_only_the_end_is_measured(world: Path, dev: str, tmp_path: Path) -> None:
    result = trained(world, tmp_path / "run", dev=[dev])
    assert measured(result) == [4]
    found = result.results["dev"]
    assert found["loss"] == pytest.approx(found["masked_words_loss"] + found["masked_entities_loss"])


def test_the_last_update_is_measured_once(world: Path, dev: str, tmp_path: Path) -> None:
    assert measured(trained(world, tmp_path / "run", dev=[dev], dev_steps=2)) == [2, 4]
    assert measured(trained(world, tmp_path / "other", dev=[dev], dev_steps=3)) == [3, 4]


def test_objectives_without_a_target_are_named_once(world: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cities = open_pretraining_set(world / "data").vocabulary
    assert cities is not None
    result = trained(world, tmp_path / "run", dev=[str(windows_without_mentions(world, tmp_path / "dev", cities))], dev_steps=1)
    found, said = result.results["dev"], capsys.readouterr().err
    assert found["loss"] == found["masked_words_loss"] and "masked_entities_loss" not in found
    assert said.count("dev: objective masked_entities is left out: the windows have no target") == 1
    assert "dev (6 windows for measurements)" in said


def test_sets_of_another_vocabulary_are_refused(world: Path, tmp_path: Path) -> None:
    dev = str(windows_without_mentions(world, tmp_path / "dev", EntityVocabulary.from_counts({"Prague": 5})))
    with pytest.raises(ConfigurationError, match="encoder has another entity vocabulary .* than the data .*dev"):
        trained(world, tmp_path / "run", dev=[dev])
    words = {"objectives": {"masked_words": {}}, "word_only": True}
    with pytest.raises(ConfigurationError, match="dev has another entity vocabulary than"):
        trained(world, tmp_path / "words", dev=[dev], **words)


def test_windows_that_are_trained_on_are_refused(world: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="dev: found .*data/, which is also in data; expected windows that are not"):
        trained(world, tmp_path / "run", dev=[f"{world / 'data'}/"])
    copy = copytree(world / "data", tmp_path / "copy")
    with pytest.raises(ConfigurationError, match="dev: .*copy has the windows of .*data; expected windows that are not"):
        trained(world, tmp_path / "run", dev=[str(copy)])
    assert not losses({"output": str(tmp_path / "run")})


def test_what_limits_cut_from_held_out_windows_is_shown(
    world: Path, dev: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a run, and by `--evaluate`."""
    trained(world, tmp_path / "run", dev=[dev], max_words=12)
    shown = capsys.readouterr().err.splitlines()
    (line,) = [line for line in shown if line.startswith("left out: ")]
    said: list[str] = []
    words = {"objectives": {"masked_words": {}}, "word_only": True, "max_words": 12}
    asked = settings(world, tmp_path / "none", **words | {"model": str(world / "encoder"), "data": [dev]})
    evaluate_objectives(fill(PretrainingConfig, asked), said.append)
    assert line in said and "sub-words cut (" in line
    assert f"dev: {line}" in shown


def test_types_without_a_linked_mention_in_the_held_out_texts(world: Path, tmp_path: Path) -> None:
    """They have no target there; the run goes on."""
    types = write_city_types(tmp_path / "types.jsonl")
    (tmp_path / "plain.txt").write_text("In summer the old bridge was closed.\nIt was opened again.\n" * 8)
    dev = tmp_path / "dev"
    build_text_blocks([tmp_path / "plain.txt"], AutoTokenizer.from_pretrained(world / "encoder"), dev, max_length=32)
    words = {"objectives": {"masked_words": {}, "entity_types": {"types": str(types)}}, "word_only": True}
    found = trained(world, tmp_path / "run", dev=[str(dev)], **words).results["dev"]
    assert "masked_words_loss" in found and "entity_types_loss" not in found


def test_numbers_do_not_depend_on_batches_and_seeds(world: Path, dev: str, tmp_path: Path) -> None:
    """Of one model, which a learning rate of 0 leaves as it is; 24 windows are no multiple of 16, and 5 is none of 24."""
    alone = {"objectives": {"masked_words": {}}, "word_only": True, "optimizer": {"learning_rate": 0.0}, "dev": [dev]}
    model = run(fill(PretrainingConfig, settings(world, tmp_path / "model", steps=1, **alone))).record.model_path
    found = []
    for number, changes in enumerate(({}, {"seed": 7}, {"batch_size": 5, "micro_batch_size": 5, "pool": 2})):
        asked = settings(world, tmp_path / str(number), **alone | {"model": str(model), "steps": 1} | changes)
        found.append(run(fill(PretrainingConfig, asked)).results["dev"])
    assert found[1] == found[0] and found[2] == found[0]


def test_a_loss_that_is_not_finite_stops_the_run(world: Path, dev: str, tmp_path: Path) -> None:
    """Before the next log line, which would stop it too."""
    asked = {"dev": [dev], "dev_steps": 1, "log_steps": 50, "optimizer": {"learning_rate": 1e30, "max_grad_norm": 0.0}}
    with pytest.raises(LoreweaveError, match="the loss on held-out texts is not finite at step"):
        trained(world, tmp_path / "run", **asked | {"schedule": {"warmup_steps": 0}})


def test_a_run_of_an_earlier_version_resumes(world: Path, tmp_path: Path) -> None:
    """Its record has no settings of held-out texts; other settings must be the same."""
    config = settings(world, tmp_path / "run", dropout=0.0, save_steps=2)
    train(config, interrupt_at=3)
    path = tmp_path / "run" / "config.json"
    kept = json.loads(path.read_text())
    path.write_text(json.dumps({name: value for name, value in kept.items() if name not in ("dev", "dev_steps")}))
    with pytest.raises(ConfigurationError, match="cannot resume with other settings: seed was 0, now 1"):
        run(fill(PretrainingConfig, config | {"seed": 1}), resume=True)
    train(config, resume=True)
    assert len(losses(config)) == 12


def test_dev_steps_needs_held_out_texts(world: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="'dev_steps': found 5 without dev"):
        fill(PretrainingConfig, settings(world, tmp_path / "run", dev_steps=5))


def test_two_processes_measure_what_one_does(world: Path, dev: str, tmp_path: Path) -> None:
    """Masked words alone: DDP does not wait for the head of masked entities, which is not trained."""
    alone = {"objectives": {"masked_words": {}}, "steps": 2, "dropout": 0.0, "dev": [dev], "dev_steps": 1}
    one = settings(world, tmp_path / "one", micro_batch_size=4, **alone)
    two = settings(world, tmp_path / "two", micro_batch_size=2, **alone)
    train(one)
    train(two, processes=2)
    of_one, of_two = (
        [row for row in RunRecord(str(config["output"])).metrics() if row["split"] == "dev"] for config in (one, two)
    )
    assert len(losses(two)) == len(of_two) == 2
    for row, same in zip(of_two, of_one, strict=True):
        assert {row.pop("split"), same.pop("split")} == {"dev"}
        assert row == pytest.approx(same, rel=1e-4)
