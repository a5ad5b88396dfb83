"""Whole searches over toy trials: what they write, how they go on, and what stops them."""

from __future__ import annotations

import csv
import json
import math
import re
import time
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from toy_search import by_dropout, silent, toy_sweep, use_toy

from loreweave.errors import ConfigurationError, LoreweaveError
from loreweave.experiments.search.run import search
from loreweave.experiments.search.sweep import Sweep, read_sweep
from loreweave.experiments.search.targets import target_of
from loreweave.training.runs.endings import Interrupted
from loreweave.training.runs.record import RunRecord
from loreweave.training.settings.configuration import fill, to_dict
from loreweave.training.settings.recipes import load_recipe

VARY = {"dropout": [0.0, 0.1, 0.2, 0.3], "batch_size": [2, 4]}


def states(rows: list[dict[str, Any]]) -> list[str]:
    return [row["state"] for row in rows]


def test_a_grid_writes_runs_a_table_and_the_best_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_toy(monkeypatch)
    told: list[str] = []
    found = search(toy_sweep(tmp_path, design="grid", vary=VARY), output=tmp_path / "out", report=told.append)
    assert "the weights of the best trial are kept (keep_models=all keeps all)" in told
    assert found.best is not None
    assert found.best["settings"] == {"dropout": 0.2, "batch_size": 2} and found.best["value"] == 0.528
    rows = list(csv.DictReader((tmp_path / "out" / "trials.csv").open()))
    assert len(rows) == 8 and rows[4]["dropout"] == "0.2" and float(rows[4]["value"]) == 0.528
    assert rows[4]["test_micro_f1"] == "0.9", "test scores are kept apart from the value"
    trial = json.loads((tmp_path / "out" / "trials" / "0004" / "trial.json").read_text())
    assert trial | {"study": "out", "stage": "trials", "trial": 4, "design": "grid"} == trial
    assert trial["settings"] == {"dropout": 0.2, "batch_size": 2} and trial["seed"] == 12
    status = RunRecord(tmp_path / "out" / "trials" / "0004").status()
    assert status["status"] == "done" and "dropout=0.2" in status["command"]
    recipe = load_recipe(str(tmp_path / "out" / "best.yaml"))
    assert recipe.task == "entity-typing" and recipe.config == {"epochs": 3, "dropout": 0.2, "batch_size": 2}
    models = sorted(path.parent.name for path in (tmp_path / "out" / "trials").glob("*/model"))
    assert models == ["0004"], "only the weights of the best trial are kept"


def test_the_epoch_before_training_is_no_epoch_of_a_trial(tmp_path: Path) -> None:
    target = target_of(read_sweep(toy_sweep(tmp_path, design="grid", vary=VARY)))
    rows = [{"epoch": epoch, "dev": {"micro_f1": 0.25 * epoch}} for epoch in range(3)]
    found = target.scores({"best_epoch": 2, "epochs": rows, "dev": rows[2]["dev"]})
    assert found == {"best_epoch": 2, "last_epoch": 2, "dev_micro_f1": 0.5}


def test_the_same_command_does_nothing_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained = use_toy(monkeypatch)
    sweep = toy_sweep(tmp_path, design="grid", vary=VARY, budget={"trials": 3})
    first = search(sweep, output=tmp_path / "out", report=silent)
    again = search(tmp_path / "out", report=silent)
    assert first.trials == again.trials and len(trained) == 3
    more = search(sweep, "budget.trials=8", output=tmp_path / "out", report=silent)
    assert len(more.trials) == len(trained) == 8, "a larger budget continues the search"


def test_another_sweep_in_the_same_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_toy(monkeypatch)
    search(toy_sweep(tmp_path, design="grid", vary=VARY), output=tmp_path / "out", report=silent)
    changed = toy_sweep(tmp_path, design="grid", vary={**VARY, "dropout": [0.5]}, settings={"epochs": 2})
    with pytest.raises(ConfigurationError, match=r"settings.epochs: 3 before, 2 now; vary.dropout: \[0.0, 0.1.* before"):
        search(changed, output=tmp_path / "out", report=silent)
    (tmp_path / "train.json").write_text("[]")
    with pytest.raises(ConfigurationError, match="the data have changed since the search began: .*train.json"):
        search(tmp_path / "out", "budget.trials=9", report=silent)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "train.json").unlink()
    monkeypatch.chdir(tmp_path / "elsewhere")
    with pytest.raises(ConfigurationError, match="train.json: found no such file here; the search was begun in"):
        search(tmp_path / "out", report=silent)
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "notes.txt").write_text("x")
    with pytest.raises(ConfigurationError, match="not empty and does not contain a search"):
        search(toy_sweep(tmp_path, design="grid", vary=VARY), output=tmp_path / "files", report=silent)


def test_trials_that_fail_do_not_stop_the_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def curve(config: Any, epoch: int) -> float:
        if config.dropout == 0.1:
            raise MemoryError("CUDA out of memory")
        return math.nan if config.dropout == 0.0 else by_dropout(config, epoch)

    use_toy(monkeypatch, curve)
    sweep = toy_sweep(tmp_path, design="grid", vary={"dropout": [0.0, 0.1, 0.2]})
    found = search(sweep, output=tmp_path / "out", report=silent)
    assert states(found.trials) == ["failed", "failed", "complete"]
    assert [row["error"] for row in found.trials] == [
        "the loss is nan at step 1: lower the learning rate", "MemoryError: CUDA out of memory", None,
    ]  # fmt: skip
    assert found.best is not None and found.best["trial"] == 2


def test_failed_trials_can_be_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = [True]

    def curve(config: Any, epoch: int) -> float:
        if config.dropout == 0.1 and full[0]:
            raise OSError("No space left on device")
        return by_dropout(config, epoch)

    use_toy(monkeypatch, curve)
    sweep = toy_sweep(tmp_path, design="grid", vary={"dropout": [0.0, 0.1, 0.2]})
    search(sweep, output=tmp_path / "out", report=silent)
    full[0] = False
    told: list[str] = []
    found = search(sweep, output=tmp_path / "out", retry_failed=True, report=told.append)
    assert states(found.trials) == ["complete", "failed", "complete", "complete"] and "1 failed trial is run again" in told
    assert found.trials[3]["dropout"] == "0.1"
    again = search(sweep, output=tmp_path / "out", retry_failed=True, report=silent)
    assert len(again.trials) == 4, "it has been repeated"


def test_a_device_that_does_not_exist_stops_before_the_first_trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained = use_toy(monkeypatch)
    with pytest.raises(ConfigurationError, match="cuda:77"):
        search(toy_sweep(tmp_path, design="grid", vary=VARY, device="cuda:77"), output=tmp_path / "out", report=silent)
    assert not trained


def test_data_that_cannot_be_read_stop_it(tmp_path: Path) -> None:
    sweep = toy_sweep(tmp_path, design="grid", vary=VARY)
    (tmp_path / "train.json").write_text("[{")
    with pytest.raises(LoreweaveError, match=r"the first 3 trials failed with the same error; the search stops: .*train.json"):
        search(sweep, output=tmp_path / "out", report=silent)
    status = RunRecord(tmp_path / "out" / "trials" / "0000").status()
    assert status["status"] == "failed" and "train.json" in status["error"]


def test_pruned_runs_have_a_status_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def curve(config: Any, epoch: int) -> float:
        return config.batch_size / 100 + epoch / 1000

    use_toy(monkeypatch, curve)
    sweep = toy_sweep(tmp_path, design="grid", vary={"batch_size": [90, 91, 92, 93, 94, 1, 95]}, pruner="median")
    found = search(sweep, output=tmp_path / "out", report=silent)
    assert states(found.trials) == ["complete"] * 5 + ["pruned", "complete"]
    record = RunRecord(tmp_path / "out" / "trials" / "0005")
    assert record.status()["status"] == "pruned" and "median after step 2" in record.status()["reason"]
    assert [row["epoch"] for row in record.metrics()] == [1, 2]
    assert not (record.path / "checkpoints").exists()


def test_hyperband_ends_bad_trials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_toy(monkeypatch)
    vary = {"dropout": [0.2, 0.2001, 0.2002, 0.9, 0.91, 0.92, 0.93, 0.94]}
    sweep = toy_sweep(tmp_path, design="grid", vary=vary, pruner="hyperband", settings={"epochs": 9})
    found = search(sweep, output=tmp_path / "out", report=silent)
    assert set(states(found.trials)) == {"complete", "pruned"} and found.best is not None and found.best["trial"] == 0


def test_trials_that_differ_in_the_seed_only_are_repeated_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_toy(monkeypatch)
    sweep = toy_sweep(tmp_path, design="grid", vary={"dropout": [0.2, 0.3], "seed": [1, 2]}, repeat={"best": 2, "seeds": [7]})
    found = search(sweep, output=tmp_path / "out", report=silent)
    assert [(row["of_trial"], row["seed"]) for row in found.trials if row["stage"] == "repeats"] == [(0, "7"), (2, "7")]
    models = sorted(path.parent.name for path in (tmp_path / "out" / "trials").glob("*/model"))
    assert models == ["0000", "0002"], "the weights of the repeated trials are kept, not those of the two best scores"


def test_a_repetition_is_not_the_selected_run_again(tmp_path: Path) -> None:
    def refused(found: str, **keys: Any) -> None:
        sweep = toy_sweep(tmp_path, design="grid", repeat={"seeds": [7, 12]}, **keys)
        with pytest.raises(ConfigurationError, match=f"repeat.seeds: found {found} trials; expected other seeds"):
            search(sweep, output=tmp_path / "out", report=silent)

    refused("12, which is the seed of all", vary=VARY)
    refused("7, which is the seed of some", vary={"seed": [1, 7]})
    refused("7, which is the seed of some", vary={"both": [{"seed": 7, "dropout": 0.1}, {"seed": 8, "dropout": 0.2}]})
    refused("7, which is the seed of some", vary={"seed": {"low": 3, "high": 9}})


def test_a_repetition_that_failed_and_was_run_again_has_not_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = [3]
    use_toy(monkeypatch, lambda config, epoch: math.nan if config.seed in bad else by_dropout(config, epoch))
    sweep = toy_sweep(tmp_path, design="grid", vary={"dropout": [0.2]}, repeat={"best": 1, "seeds": [2, 3]})
    (row,) = search(sweep, output=tmp_path / "out", report=silent).results["repeats"]
    assert (row["runs"], row["failed"]) == (1, 1)
    bad.clear()
    (row,) = search(sweep, output=tmp_path / "out", report=silent, retry_failed=True).results["repeats"]
    assert (row["runs"], row["failed"]) == (2, 0)


def test_the_best_are_repeated_with_other_seeds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def curve(config: Any, epoch: int) -> float:
        luck = {12: 0.1 if config.dropout == 0.3 else 0.0}.get(config.seed, 0.01 * config.seed)
        return round(by_dropout(config, 1) + luck, 6)

    use_toy(monkeypatch, curve)
    sweep = toy_sweep(tmp_path, design="grid", vary={"dropout": [0.0, 0.2, 0.3]}, repeat={"best": 2, "seeds": [1, 2, 3]})
    told: list[str] = []
    found = search(sweep, output=tmp_path / "out", report=told.append)
    assert "the weights of the best 2 trials are kept (keep_models=all keeps all)" in told
    assert [row["of_trial"] for row in found.trials if row["stage"] == "repeats"] == [1, 1, 1, 2, 2, 2]
    first, second = found.results["repeats"]
    assert first["trial"] == 1 and first["runs"] == 3 and first["mean"] == pytest.approx(0.508 + 0.02)
    assert first["deviation"] == pytest.approx(0.01)
    half = 4.30265273 * 0.01 / math.sqrt(3)
    assert (first["low"], first["high"]) == (pytest.approx(0.528 - half), pytest.approx(0.528 + half))
    assert second["trial"] == 2 and found.best is not None and found.best["trial"] == 1
    trial = json.loads((tmp_path / "out" / "repeats" / "0003" / "trial.json").read_text())
    assert trial["of_trial"] == 2 and trial["settings"]["seed"] == 1
    more = search(sweep, "repeat.best=3", output=tmp_path / "out", report=silent)
    assert len(more.results["repeats"]) == 3 and len(more.trials) == 3 + 9


def test_settings_that_fail_with_a_seed_are_not_the_best(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def curve(config: Any, epoch: int) -> float:
        return math.nan if (config.dropout, config.seed) == (0.2, 3) else by_dropout(config, epoch)

    use_toy(monkeypatch, curve)
    sweep = toy_sweep(tmp_path, design="grid", vary={"dropout": [0.1, 0.2]}, repeat={"best": 2, "seeds": [2, 3]})
    found = search(sweep, output=tmp_path / "out", report=silent)
    assert [(row["trial"], row["runs"], row["failed"]) for row in found.results["repeats"]] == [(0, 2, 0), (1, 1, 1)]
    assert found.best is not None and found.best["trial"] == 0


def test_seeds_have_a_mean_and_an_interval(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_toy(monkeypatch, lambda config, epoch: config.seed / 10)
    found = search(toy_sweep(tmp_path, design="seeds", seeds=[1, 2, 3]), output=tmp_path / "out", report=silent)
    assert found.results["seeds"]["mean"] == pytest.approx(0.2) and found.results["seeds"]["deviation"] == pytest.approx(0.1)


def test_random_and_tpe_find_good_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_toy(monkeypatch)
    vary = {"dropout": {"low": 0.0, "high": 0.9}}
    for design, trials in (("random", 10), ("tpe", 16)):
        sweep = toy_sweep(tmp_path, design=design, vary=vary, budget={"trials": trials})
        found = search(sweep, output=tmp_path / design, report=silent)
        assert found.best is not None and abs(found.best["settings"]["dropout"] - 0.2) < 0.1


def test_hours_end_a_search_without_a_number_of_trials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_toy(monkeypatch, before=lambda folder: time.sleep(0.05))
    sweep = toy_sweep(tmp_path, design="random", vary={"dropout": {"low": 0.0, "high": 0.9}}, budget={"hours": 0.3 / 3600})
    found = search(sweep, output=tmp_path / "out", report=silent)
    assert found.trials and set(states(found.trials)) == {"complete"}


def test_pretraining_minimises_its_loss(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def train(config: Any, *, resume: bool, after_log: Any, command: list[str]) -> Any:
        record = RunRecord.open(config.output, "pretraining", to_dict(config), resume=resume, command=command)
        with record.watch():
            for step in (1, 2):
                loss = abs(config.optimizer.learning_rate - 1e-3) * 1000 + 1 / step
                record.log(step=step, split="train", loss=loss)
                after_log(step, {"loss": loss})
            record.finish({"steps": 2, "seconds": 0.1, "loss": loss})
        return SimpleNamespace(results={"steps": 2, "seconds": 0.1, "loss": loss})

    monkeypatch.setattr("loreweave.experiments.search.targets.pretraining.run", train)
    rates = [1e-4, 1e-3, 2e-3]
    sweep: dict[str, Any] = {"pretrain": "minilm/pretraining-1", "data": [str(tmp_path / "data")], "design": "grid"}
    (tmp_path / "data").mkdir()
    sweep["vary"] = {"optimizer.learning_rate": rates}
    found = search(sweep, output=tmp_path / "out", report=silent)
    assert found.results["metric"] == "loss" and found.results["direction"] == "minimize"
    assert found.best is not None and found.best["settings"] == {"optimizer.learning_rate": 1e-3} and found.best["value"] == 0.5
    recipe = load_recipe(str(tmp_path / "out" / "best.yaml"))
    assert recipe.kind == "pretraining" and recipe.config["optimizer"]["learning_rate"] == 1e-3
    status = RunRecord(tmp_path / "out" / "trials" / "0000").status()
    assert status["command"][:3] == ["loreweave", "pretrain", "minilm/pretraining-1"]


def test_pretraining_minimises_its_loss_on_held_out_texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the loss of the training texts says the opposite."""
    watched: list[dict[str, float]] = []

    def train(config: Any, *, resume: bool, after_log: Any, command: list[str]) -> Any:
        record = RunRecord.open(config.output, "pretraining", to_dict(config), resume=resume, command=command)
        with record.watch():
            loss = abs(config.optimizer.learning_rate - 1e-3) * 1000
            for values in ({"loss": 9 - loss}, {"dev.loss": loss, "dev.masked_words_loss": loss}):
                after_log(2, values)
                watched.append(values)
            record.log(step=2, split="dev", loss=loss)
            results = {"steps": 2, "seconds": 0.1, "loss": 9 - loss, "dev": {"loss": loss}}
            record.finish(results)
        return SimpleNamespace(results=results)

    monkeypatch.setattr("loreweave.experiments.search.targets.pretraining.run", train)
    data = tmp_path / "data"
    sweep: dict[str, Any] = {"pretrain": "minilm/pretraining-1", "data": [str(data)], "design": "grid", "metric": "dev.loss"}
    data.mkdir()
    sweep["vary"] = {"optimizer.learning_rate": [1e-4, 1e-3, 2e-3]}
    with pytest.raises(ConfigurationError, match=r"metric: found dev.loss, but no held-out texts; expected them in settings"):
        search(sweep, output=tmp_path / "none", report=silent)
    with pytest.raises(ConfigurationError, match=r"nowhere: found no such pre-training set"):
        search(sweep | {"settings": {"dev": [str(tmp_path / "nowhere")]}}, output=tmp_path / "none", report=silent)
    found = search(sweep | {"settings": {"dev": [str(data)]}}, output=tmp_path / "out", report=silent)
    assert found.best is not None and found.best["settings"] == {"optimizer.learning_rate": 1e-3} and found.best["value"] == 0
    assert len(watched) == 6
    target = target_of(fill(Sweep, sweep | {"settings": {"dev": [str(data)]}}))
    rows = [{"step": 2, "split": split, "loss": loss} for split, loss in (("train", 1.0), ("dev", 2.0))]
    assert [target.step_of(row) for row in rows] == [None, (2, 2.0)]


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        ("dev.los", r"metric: found 'dev.los', expected a number of this run; did you mean 'dev.loss'\?"),
        ("masked_words_los", r"metric: found 'masked_words_los', .*did you mean 'masked_words_loss'\?"),
        ("dev.entity_types_acuracy", r"metric: found .*did you mean 'dev.entity_types_accuracy'\?"),
        ("entity_relations_pairs", None),
        ("masked_wrods_loss", r"metric: found 'masked_wrods_loss', .*did you mean 'masked_words_loss'\?"),
        ("masked_entities_loss", r"metric: found 'masked_entities_loss', expected a number of this run"),
        ("learning_rate", "metric: found 'learning_rate', expected a number of this run; the nearest of 9 are"),
        ("dev.entity_types_loss", None),
        ("dev.entity_relations_loss", "metric: found 'dev.entity_relations_loss', .* not measured on held-out texts: its head"),
        ("dev.latent_typing_loss", None),
    ],
)
def test_a_metric_that_no_trial_has(metric: str, message: str | None, tmp_path: Path) -> None:
    sweep: dict[str, Any] = {"pretrain": "minilm/knowledge", "data": [str(tmp_path)], "metric": metric, "design": "grid"}
    sweep["settings"] = {"dev": [str(tmp_path)], "objectives.entity_types.types": "types.jsonl"}
    sweep["settings"] |= {"objectives.entity_relations.types": "types.jsonl"}
    sweep["vary"] = {"objectives.latent_typing": [None, {"types": 3}]}
    target = target_of(fill(Sweep, sweep))
    with nullcontext() if message is None else pytest.raises(ConfigurationError, match=message):
        target.check()


@pytest.mark.parametrize(
    ("vary", "named"),
    [
        ({"objectives.masked_words.weight": [0.5, 1.0]}, "objectives.masked_words.weight"),
        ({"objectives": {"masked_words": {"weight": {"low": 0.0, "high": 1.0}}}}, "objectives.masked_words.weight"),
        ({"words": [{"objectives.masked_words": None}, {"seed": 1}]}, "objectives.masked_words"),
    ],
)
def test_losses_of_other_objectives_are_not_compared(vary: dict[str, Any], named: str, tmp_path: Path) -> None:
    sweep: dict[str, Any] = {"pretrain": "minilm/pretraining-1", "data": [str(tmp_path)], "design": "random"}
    sweep |= {"budget": {"trials": 2}, "vary": vary}
    with pytest.raises(ConfigurationError, match=rf"vary: {re.escape(named)}: the loss is the weighted sum"):
        search(sweep, output=tmp_path / "out", report=silent)
    target_of(fill(Sweep, sweep | {"metric": "masked_words_loss"})).check()
    target_of(fill(Sweep, sweep | {"vary": {"objectives.masked_words.probability": [0.1, 0.2]}})).check()


def test_ctrl_c_keeps_the_trial_for_the_next_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped: list[str] = []

    def stop_once(folder: Path) -> None:
        if folder.name == "0001" and not stopped:
            stopped.append(folder.name)
            raise KeyboardInterrupt

    trained = use_toy(monkeypatch, before=stop_once)
    sweep = toy_sweep(tmp_path, design="grid", vary={"dropout": [0.0, 0.1, 0.2]})
    with pytest.raises(Interrupted, match="interrupted; the same command continues the search"):
        search(sweep, output=tmp_path / "out", report=silent)
    found = search(sweep, output=tmp_path / "out", report=silent)
    assert states(found.trials) == ["complete"] * 3 and trained == ["0000", "0001", "0001", "0002"]


def test_a_run_that_was_done_before_its_trial_was_told_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained = use_toy(monkeypatch)
    sweep = toy_sweep(tmp_path, design="grid", vary={"dropout": [0.0, 0.2]})
    with pytest.MonkeyPatch.context() as killed:
        killed.setattr("loreweave.experiments.search.workers._tell", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(Interrupted, match="interrupted"):
            search(sweep, output=tmp_path / "out", report=silent)
    found = search(sweep, output=tmp_path / "out", report=silent)
    assert states(found.trials) == ["complete"] * 2 and trained == ["0000", "0001"], "trained once each"


def test_a_trial_that_kills_its_process_again_and_again_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        """As kill -9: nothing is written."""

    def die(folder: Path) -> None:
        if folder.name == "0000":
            raise Killed

    trained = use_toy(monkeypatch, before=die)
    end = RunRecord._end
    monkeypatch.setattr(RunRecord, "_end", lambda self, status, **more: status != "failed" and end(self, status, **more))
    sweep = toy_sweep(tmp_path, design="grid", vary={"dropout": [0.0, 0.2]})
    for _ in range(3):
        with pytest.raises(Killed):
            search(sweep, output=tmp_path / "out", report=silent)
    found = search(sweep, output=tmp_path / "out", report=silent)
    assert states(found.trials) == ["failed", "complete"] and trained == ["0000"] * 3 + ["0001"]
    assert "ended 3 times without an error" in found.trials[0]["error"]


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("status.json", "{", "status.json, line 1: found broken JSON"),
        ("status.json", "[1]", "status.json: found a JSON list, expected an object"),
        ("results.json", "{", "results.json, line 1: found broken JSON"),
        ("results.json", '{"dev": 5}', "results.json, field 'dev': found 5, expected an object"),
        ("results.json", '{"dev": {"micro_f1": 1}}', "results.json: found no 'best_epoch'"),
    ],
)
def test_a_finished_run_that_cannot_be_read_fails_one_trial_only(
    name: str, text: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped: list[Path] = []

    def stop(folder: Path) -> None:
        if folder.name == "0001" and not stopped:
            stopped.append(folder)
            raise KeyboardInterrupt

    use_toy(monkeypatch, before=stop)
    sweep = toy_sweep(tmp_path, design="grid", vary={"dropout": [0.0, 0.1, 0.2]})
    with pytest.raises(Interrupted, match="interrupted"):
        search(sweep, output=tmp_path / "out", report=silent)
    status = json.loads((stopped[0] / "status.json").read_text())
    (stopped[0] / "status.json").write_text(json.dumps(status | {"status": "done"}))
    (stopped[0] / name).write_text(text)
    found = search(sweep, output=tmp_path / "out", report=silent)
    assert states(found.trials) == ["complete", "failed", "complete"] and found.best is not None
    assert found.trials[1]["error"].startswith("its run cannot be read: ") and reason in found.trials[1]["error"]
    again = search(sweep, output=tmp_path / "out", retry_failed=True, report=silent)
    assert states(again.trials) == ["complete", "failed", "complete", "complete"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "line 1: found broken JSON"),
        ("[]", "found a JSON list, expected an object"),
        ('{"name": "out"}', "field 'storage': found null"),
    ],
)
def test_a_broken_record_of_the_search_is_named(
    text: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_toy(monkeypatch)
    sweep = toy_sweep(tmp_path, design="grid", vary={"dropout": [0.0]})
    search(sweep, output=tmp_path / "out", report=silent)
    (tmp_path / "out" / "study.json").write_text(text)
    for source, output in ((sweep, tmp_path / "out"), (tmp_path / "out", None)):
        with pytest.raises(LoreweaveError, match=f"study.json.*{reason}"):
            search(source, output=output, report=silent)
