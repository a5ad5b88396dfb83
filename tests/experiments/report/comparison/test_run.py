"""`loreweave.compare` says which system is better, with hand-computed numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_runs import DATA, LABELS, finetuning_run, report_table, save_class_predictions
from task_jobs import silent

import loreweave
from loreweave.corpus.files.writing import write_json_lines
from loreweave.errors import ConfigurationError, DataError
from loreweave.experiments.report.comparison.parts import PARTS
from loreweave.experiments.report.comparison.results import _widest, compared
from loreweave.experiments.report.comparison.systems import read_systems
from loreweave.experiments.report.parts import Part
from loreweave.training.runs.record import RunRecord

RECORDS = 40
SCORES = ("first score", "second score", "first - second, points")


def made_run(folder: Path, right: int, seed: int = 0, **options: Any) -> RunRecord:
    """A run that has the first `right` of 40 records right, on dev and test data alike."""
    gold = [number % 3 for number in range(RECORDS)]
    guess = [truth if number < right else (truth + 1) % 3 for number, truth in enumerate(gold)]
    score = right / RECORDS
    return finetuning_run(folder, seed, (score,), score, logits=2.0 * np.eye(3)[guess], gold=gold, **options)


@pytest.fixture
def systems(tmp_path: Path) -> list[Path]:
    """Three seeds of each of two systems."""
    for seed in range(3):
        made_run(tmp_path / "base" / f"s{seed}", 20 + seed, seed, model_name="first")
        made_run(tmp_path / "new" / f"s{seed}", 32 + seed, seed, model_name="other")
    return [tmp_path / "base", tmp_path / "new"]


def test_the_better_system_is_named_with_its_numbers(systems: list[Path], tmp_path: Path) -> None:
    said: list[str] = []
    found = loreweave.compare(systems, output=tmp_path / "report", tell=said.append)
    assert found.answers[0].startswith("new is better than base on test accuracy by 30.0 points [17.")
    assert "(0.8250 against 0.5250); paired bootstrap over 40 records, seeds 3 + 3, p < 0.001" in found.answers[0]
    assert "over the seeds 30.0 points" in found.answers[0] and said == found.answers and len(found.answers) == 2
    whole, *pairs = report_table(found.path, "differences")[:4]
    assert (whole["split"], whole["seeds"], whole["records"]) == ("test", "all: 3 + 3", "40")
    assert [float(whole[name]) for name in SCORES] == pytest.approx([0.825, 0.525, 30])
    assert [row["seeds"] for row in pairs] == ["0 and 0", "1 and 1", "2 and 2"]
    assert [float(row[SCORES[2]]) for row in pairs] == pytest.approx([30] * 3)
    assert (whole["first"], whole["second"]) == ("new", "base"), "the sign and the unit are those of the answer"
    seeds = report_table(found.path, "seeds")[0]
    # 0.5, 0.525, 0.55 and 0.8, 0.825, 0.85: both deviations are 0.025, the standard error is 0.025 * sqrt(2 / 3).
    assert float(seeds["Welch t"]) == pytest.approx(0.3 / (0.025 * np.sqrt(2 / 3)))
    assert float(seeds[SCORES[2]]) == pytest.approx(30) and 0 < float(seeds["low, points"]) < 30
    sizes = [float(seeds[name]) for name in ("permutation p", "Cohen's d", "Cliff's delta")]
    assert sizes == pytest.approx([0.1, 12, 1])
    page = (found.path / "index.html").read_text()
    assert "Almost-stochastic order: found 3 and 3 seeds, expected at least 5 in each group (new and base)" in page
    outcomes = report_table(found.path, "mcnemar")[0]
    assert [outcomes[name] for name in ("both right", "first only", "second only", "both wrong")] == ["20", "12", "0", "8"]
    assert float(outcomes["McNemar p (exact)"]) == pytest.approx(2 / 2**12)
    assert report_table(found.path, "records_1_test_second_better") == []
    differing = report_table(found.path, "records_1_test_first_better")
    assert [row["id"] for row in differing[:10]] == [str(number) for number in range(22, 32)] and len(differing) == 14
    assert (differing[0]["base"], differing[0]["new"], differing[0]["gold"]) == (LABELS[2], LABELS[1], LABELS[1])
    assert (differing[0]["new: runs right"], differing[-1]["new: runs right"]) == ("3 of 3", "1 of 3")
    assert [row["id"] for row in differing[-4:]] == ["21", "32", "20", "33"]
    labels = report_table(found.path, "labels_side_by_side")[0]
    assert float(labels["new - base, points"]) == pytest.approx(30)


def test_a_picture_names_only_the_intervals_that_it_has(tmp_path: Path) -> None:
    made_run(tmp_path / "a", 20)
    made_run(tmp_path / "b", 21)
    found = loreweave.compare([tmp_path / "a", tmp_path / "b"], output=tmp_path / "report", samples=20, tell=silent)
    page = (found.path / "index.html").read_text()
    assert "test: b right, a wrong (1 record)" in page and "Welch t" not in page, "one seed each has no test over seeds"
    section = read_systems([tmp_path / "a", tmp_path / "b"])
    part = PARTS["differences"](compared(section, 20, 0))
    assert isinstance(part, Part)
    (legend,) = part.pictures[0].figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["records (paired bootstrap)"]


def test_no_difference_is_not_called_one(tmp_path: Path) -> None:
    made_run(tmp_path / "a", 20)
    made_run(tmp_path / "b", 21, seed=7)
    found = loreweave.compare([tmp_path / "a", tmp_path / "b"], output=tmp_path / "report", tell=silent)
    assert found.answers[0].startswith("No difference could be shown between b and a on test accuracy: b is 2.5 points [")
    assert "seeds 1 + 1, p = 1.000" in found.answers[0]
    assert "other seeds are not tested, which needs 2 runs of each system, found 1 and 1" in found.answers[0]
    assert "significant" not in (found.path / "index.html").read_text()
    twins = {"a": tmp_path / "a", "b": copied(tmp_path / "a", tmp_path / "c")}
    same = loreweave.compare(twins, output=tmp_path / "same", tell=silent)
    assert same.answers[0].startswith("No difference between a and b on test accuracy: both have 0.5000; paired bootstrap")


def copied(run: Path, target: Path) -> Path:
    for path in run.rglob("*"):
        if path.is_file():
            (target / path.relative_to(run)).parent.mkdir(parents=True, exist_ok=True)
            (target / path.relative_to(run)).write_bytes(path.read_bytes())
    return target


def test_five_seeds_have_a_stochastic_order_and_three_systems_a_correction(tmp_path: Path) -> None:
    for seed in range(5):
        for name, right in (("a", 10), ("b", 20), ("c", 30)):
            made_run(tmp_path / name / str(seed), right + seed, seed)
    folders = [tmp_path / name for name in "abc"]
    found = loreweave.compare(folders, output=tmp_path / "report", figures=["seeds"], samples=200, tell=silent)
    orders = report_table(found.path, "stochastic_order")
    assert len(orders) == 12 and (orders[0]["first"], orders[1]["first"]) == ("b", "a")
    assert (float(orders[0]["violation ratio"]), float(orders[1]["violation ratio"])) == (0.0, 1.0)
    assert [row["first is better"] for row in orders[:2]] == ["true", "false"]
    rows = report_table(found.path, "seeds")[:3]
    for row in rows:  # all p are equal but for the differences: the smallest is multiplied by 3
        assert float(row["permutation p"]) == pytest.approx(2 / 252)
        assert float(row["permutation p (Holm)"]) == pytest.approx(6 / 252)
    assert found.figures == ["seeds"] and "Holm over 3 pairs" in found.answers[0] and len(found.answers) == 6


def test_an_interval_over_seeds_ends_at_the_largest_difference_of_shares(tmp_path: Path) -> None:
    """0.25 and 0.75 against 0.5 and 0.9: means 0.5 and 0.7, half the interval is 0.32 * 4.5 = 1.4 with 1.9 degrees."""
    for name, scores in (("a", (10, 30)), ("b", (20, 36))):
        for seed, right in enumerate(scores):
            made_run(tmp_path / name / str(seed), right, seed)
    folders = [tmp_path / "a", tmp_path / "b"]
    found = loreweave.compare(folders, output=tmp_path / "report", figures=["differences", "seeds"], tell=silent)
    assert "over the seeds 20.0 points [-100.0, 100.0], p = 0.599" in found.answers[0]
    assert "(the interval is cut at the largest possible difference: there are too few seeds)" in found.answers[0]
    row = report_table(found.path, "seeds")[0]
    assert [float(row[name]) for name in ("low, points", "high, points")] == [-100, 100]
    page = (found.path / "index.html").read_text()
    assert "B and a: the interval is cut at" in page and "it cannot be below 0.33 with 2 + 2 seeds" in page
    part = PARTS["differences"](compared(read_systems(folders), 20, 0))
    assert isinstance(part, Part) and max(map(abs, part.pictures[0].figure.axes[0].get_xlim())) < 115


def test_scores_that_are_no_shares_have_other_largest_differences() -> None:
    assert [_widest("spearman", [0.5]), _widest("f1", [0.5, 1.0])] == [2, 1]
    assert [_widest("mean_squared_error", [0.5]), _widest("mean_rank", [0.5, 3.0])] == [np.inf] * 2


def test_unequal_numbers_of_seeds_and_runs_that_are_not_finished(tmp_path: Path) -> None:
    for seed in range(3):
        made_run(tmp_path / "a" / str(seed), 20 + seed, seed)
    for seed in (5, 6):
        made_run(tmp_path / "b" / str(seed), 30, seed)
    finetuning_run(tmp_path / "b" / "killed", 7, (0.5,), finished=False)
    found = loreweave.compare([tmp_path / "a", tmp_path / "b"], output=tmp_path / "report", tell=silent)
    whole, *pairs = (row for row in report_table(found.path, "differences") if row["split"] == "test")
    assert whole["seeds"] == "all: 2 + 3" and float(whole[SCORES[2]]) == pytest.approx(22.5)
    assert [row["seeds"] for row in pairs] == ["5 and 0", "6 and 1"]
    page = (found.path / "index.html").read_text()
    assert "it cannot be below 0.1 with 2 + 3 seeds" in page
    assert "1 run is not finished and has no scores" in page
    assert "no seed of training is in both, so their runs are paired in their order" in page


def test_the_seed_of_an_evaluation_is_not_that_of_the_training(tmp_path: Path) -> None:
    for system, right in (("base", 20), ("new", 32)):
        for number in range(2):
            folder = tmp_path / system / str(number)
            rows = [{"id": str(one), "gold": "a", "predicted": "a" if one < right + number else "b"} for one in range(RECORDS)]
            config = {"task": "text-classification", "model": str(folder), "settings": {"seed": 1}}
            record = RunRecord.create(folder, "evaluation", config)
            record.finish({"task": "text-classification", "notes": [], "accuracy": (right + number) / RECORDS})
            write_json_lines(folder / "predictions" / "dev.jsonl", rows)
    found = loreweave.compare([tmp_path / "base", tmp_path / "new"], output=tmp_path / "report", samples=50, tell=silent)
    pairs = [row["seeds"] for row in report_table(found.path, "differences")]
    assert pairs == ["all: 2 + 2", "0 and 0", "1 and 1"], "the folders"
    page = (found.path / "index.html").read_text()
    assert "no seed of training is in both" in page and "no independent samples" not in page


def test_records_of_one_system_alone_are_counted_and_shown(tmp_path: Path) -> None:
    made_run(tmp_path / "a", 40)
    gold = [number % 3 for number in range(39)]
    record = finetuning_run(tmp_path / "b", 0, (1.0,), 1.0, gold=gold, logits=2.0 * np.eye(3)[gold])
    found = loreweave.compare([tmp_path / "a", tmp_path / "b"], output=tmp_path / "report", tell=silent)
    assert report_table(found.path, "unmatched") == [
        {"split": split, "record": "39", "runs of a": "1", "runs of b": "0"} for split in ("test", "dev")
    ]
    assert "1 record is not in all runs and left out of the tests on test data" in (found.path / "index.html").read_text()
    gold[4] = (gold[4] + 1) % 3
    save_class_predictions(record, "test", 2.0 * np.eye(3)[gold], gold)
    with pytest.raises(DataError, match=r"test record 4: found the gold 'place' in .*a, but 'thing' in .*b; systems can be"):
        loreweave.compare([tmp_path / "a", tmp_path / "b"], output=tmp_path / "other", tell=silent)
    assert not (tmp_path / "other").exists()


def test_a_score_that_the_records_do_not_give_is_tested_over_seeds_only(tmp_path: Path) -> None:
    for name, score in (("a", 0.25), ("b", 0.5)):
        for seed in range(2):
            finetuning_run(tmp_path / name / str(seed), seed, (score,), score + seed / 8)
    found = loreweave.compare([tmp_path / "a", tmp_path / "b"], output=tmp_path / "report", tell=silent)
    assert "Welch's test over seeds 2 + 2" in found.answers[0]
    assert "no test over records (accuracy cannot be" in found.answers[0]
    assert "No test over records of test data: accuracy cannot be counted" in (found.path / "index.html").read_text()


def test_names(systems: list[Path], tmp_path: Path) -> None:
    given = [f"x={systems[0]}/s0", f"x={systems[0]}/s1", f"y={systems[1]}"]
    found = loreweave.compare(given, output=tmp_path / "report", figures=["scores"], tell=silent)
    manifest = json.loads((found.path / "report.json").read_text())
    assert {name: len(runs) for name, runs in manifest["systems"].items()} == {"x": 2, "y": 3}
    assert [row["system"] for row in report_table(found.path, "scores")] == ["y", "x"]
    with pytest.raises(ConfigurationError, match="found two systems named 's0'"):
        loreweave.compare([systems[0] / "s0", systems[1] / "s0"], output=tmp_path / "r", tell=silent)


def test_systems_that_cannot_be_compared(systems: list[Path], tmp_path: Path) -> None:
    def refused(message: str, *given: str | Path, error: type[Exception] = ConfigurationError) -> None:
        with pytest.raises(error, match=message):
            loreweave.compare(list(given), output=tmp_path / "report", tell=silent)

    refused("found 1 system, expected at least two", systems[0])
    refused("found the run in two systems, 'base' and 'x'", systems[0], f"x={systems[0]}")
    refused("no such folder", systems[0], tmp_path / "none", error=DataError)
    mixed = f"x={systems[0]}/s1", f"x={systems[1]}"
    refused(r"system 'x': found runs with different settings \(model_name=first, .* x=.*OTHER_RUN", systems[0] / "s0", *mixed)
    for number in (1, 2):
        finetuning_run(tmp_path / "data" / str(number), number, data={**DATA, "train": f"{number}.json sha256:{number}"})
    refused(r"system 'data': found runs with different settings \(train=1.json, train=2.json\)", systems[0], tmp_path / "data")
    made_run(tmp_path / "ner", 4, task="ner")
    refused("found runs of several tasks, expected one: text-classification .*, ner", systems[0], tmp_path / "ner")
    finetuning_run(tmp_path / "dead", finished=False)
    refused("no split on which all systems have a score of accuracy: .*its runs are crashed", systems[0], tmp_path / "dead")
    RunRecord.create(tmp_path / "pre", "pretraining", {}).finish({"loss": 1.0})
    refused("found a run of kind pretraining", systems[0], tmp_path / "pre")
    with pytest.raises(ConfigurationError, match="--figures: there is no figure 'lengths'"):
        loreweave.compare(systems, output=tmp_path / "report", figures=["lengths"], tell=silent)
