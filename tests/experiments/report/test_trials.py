"""A report and a search name the same settings: means are over repetitions, without the trial that was selected."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from made_runs import finetuning_run, report_table
from task_jobs import silent

import loreweave
from loreweave.experiments.report.answers import answer_of
from loreweave.experiments.report.sections import Section, sections_of
from loreweave.experiments.runs.folders import find_runs


def trial(search: Path, number: int, dev: float, rate: float, *, of: int | None = None, seed: int = 0, **more: Any) -> None:
    """A trial of a search, or a repetition of one."""
    stage = "trials" if of is None else "repeats"
    folder = search / stage / f"{number:04d}"
    finetuning_run(folder, seed, dev=(dev,), test=dev / 2, optimizer={"learning_rate": rate}, **more)
    content = {"study": search.name, "stage": stage, "trial": number} | ({} if of is None else {"of_trial": of})
    (folder / "trial.json").write_text(json.dumps(content), encoding="utf-8")


def chosen(search: Path, number: int | None, metric: str = "accuracy") -> None:
    """The folder of a search, with its choice."""
    search.mkdir(parents=True, exist_ok=True)
    (search / "study.json").write_text("{}", encoding="utf-8")
    best = None if number is None else {"trial": number}
    (search / "results.json").write_text(json.dumps({"metric": metric, "best": best}), encoding="utf-8")


def section_in(folder: Path) -> Section:
    (section,) = sections_of(find_runs([folder]))
    return section


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    """Trial 1 was selected with 0.9, but its repetitions have 0.5 and 0.6; trial 2 has 0.8, and was not repeated."""
    search = tmp_path / "sweep"
    for number, (dev, rate) in enumerate(((0.2, 1e-5), (0.9, 0.00019199444694497852), (0.8, 1e-3))):
        trial(search, number, dev, rate)
    for number, (dev, seed) in enumerate(((0.5, 1), (0.6, 2))):
        trial(search, number, dev, 0.00019199444694497852, of=1, seed=seed)
    chosen(search, 1)
    return search


def test_the_selected_trial_is_in_no_mean_and_has_a_row_of_its_own(sweep: Path, tmp_path: Path) -> None:
    found = loreweave.report(sweep, output=tmp_path / "report", figures=["scores", "labels", "progression"], tell=silent)
    rows = report_table(found.path, "scores")
    assert [(row["stage"], row["runs"], float(row["dev accuracy"])) for row in rows] == [
        ("repeats", "2", pytest.approx(0.55)), ("selected trial", "1", 0.9), ("trials", "1", 0.8), ("trials", "1", 0.2),
    ]  # fmt: skip
    assert float(rows[0]["dev accuracy ± sd"]) == pytest.approx(0.005**0.5)
    repeated = [row for row in report_table(found.path, "labels") if row["runs"] == "2"]
    assert len(repeated) == 3 and float(repeated[0]["f1"]) == pytest.approx(0.275), "test scores of the repetitions"
    curve = [row for row in report_table(found.path, "progression") if row["split"] == "dev" and row["runs"] == "2"]
    assert [float(row["mean"]) for row in curve] == pytest.approx([0.125, 0.55])
    names = {row["run"].rpartition("sweep/")[2]: row["trial"] for row in report_table(found.path, "runs")}
    assert names["trials/0001"] == "trial 1, selected" and names["repeats/0001"] == "repeat of trial 1"
    assert names["trials/0002"] == "trial 2"
    assert "A trial was selected for repetition because its score was high" in (found.path / "index.html").read_text()


def test_the_report_and_the_search_choose_the_same_settings(sweep: Path) -> None:
    said = answer_of(section_in(sweep))
    assert "Best by dev data: learning_rate=0.000191994: dev accuracy 0.5500 ± 0.0707" in said
    assert "(2 runs, without the selected trial). 1 group has a better score (such as learning_rate=0.001: 0.8000)" in said
    assert said.endswith("The search sweep has chosen the same settings (trial 1).")


def test_settings_with_fewer_repetitions_are_no_choice(sweep: Path) -> None:
    trial(sweep, 2, 0.95, 1e-3, of=2, seed=1)
    section = section_in(sweep)
    assert [section.mean_of(group) for group in section.ranked] == [0.55, 0.95, 0.2]


def test_a_trial_whose_repetitions_have_failed_counts(tmp_path: Path) -> None:
    search = tmp_path / "sweep"
    trial(search, 0, 0.5, 1e-3)
    trial(search, 0, 0.6, 1e-3, of=0, seed=1, finished=False)
    (group,) = section_in(search).groups
    assert group.scores("dev", "accuracy") == [0.5] and not group.selected


def test_ties_are_named_and_the_group_with_more_runs_is_first(tmp_path: Path) -> None:
    for name, rate, seeds in (("a", 1e-5, 1), ("b", 1e-4, 3), ("c", 1e-3, 2), ("d", 1e-2, 1)):
        for seed in range(seeds):
            # 0.1 + 0.2 is not 0.3 to the last digit
            dev = 0.1 if name == "d" else 0.1 + 0.2 if name == "a" else 0.3
            finetuning_run(tmp_path / f"{name}-{seed}", seed, dev=(dev,), optimizer={"learning_rate": rate})
    section = section_in(tmp_path)
    assert [group.label for group in section.ranked][0] == "learning_rate=0.0001"
    assert (
        "3 groups are tied at dev accuracy 0.3000; also: learning_rate=0.001 (2 runs); learning_rate=1e-05 (1 run)."
        in answer_of(section)
    )


def test_of_equal_groups_the_choice_of_the_search_is_first(tmp_path: Path) -> None:
    search = tmp_path / "sweep"
    for number, rate in enumerate((1e-3, 1e-4)):
        trial(search, number, 0.5, rate)
    chosen(search, 0)
    assert section_in(search).ranked[0].label == "learning_rate=0.001"
    chosen(search, 1)
    assert section_in(search).ranked[0].label == "learning_rate=0.0001"


@pytest.mark.parametrize(("searches", "more"), [(3, ""), (4, "1 more search."), (5, "2 more searches.")])
def test_three_searches_are_named_and_the_others_counted(searches: int, more: str, tmp_path: Path) -> None:
    for number in range(searches):
        trial(tmp_path / f"sweep-{number}", 0, 0.5, 1e-3)
    said = answer_of(section_in(tmp_path))
    assert said.endswith(f"The runs belong to {more}") if more else "belong" not in said


def test_another_choice_of_the_search_is_explained(sweep: Path, tmp_path: Path) -> None:
    chosen(sweep, 2, metric="macro_f1")
    assert answer_of(section_in(sweep)).endswith(
        "The search sweep has chosen other settings, because it compares macro_f1: learning_rate=0.001 (trial 2)."
    )
    chosen(sweep, 1)
    finetuning_run(tmp_path / "mine", dev=(0.99,), optimizer={"learning_rate": 0.5})
    assert "because it compares only its own trials: learning_rate=0.000191994 (trial 1)" in answer_of(section_in(tmp_path))
    chosen(sweep, 7)
    assert "has chosen trial 7, which is not among these runs" in answer_of(section_in(sweep))
    chosen(sweep, None)
    assert "The search" not in answer_of(section_in(sweep))
    (sweep / "results.json").write_text("{", encoding="utf-8")
    assert "The choice of the search sweep cannot be read: " in answer_of(section_in(sweep))


def test_a_broken_trial_file_is_told(sweep: Path, tmp_path: Path) -> None:
    path = sweep / "trials" / "0001" / "trial.json"
    path.write_text('{"stage": "trials", "trial": "one"}', encoding="utf-8")
    lines: list[str] = []
    found = loreweave.report(sweep, output=tmp_path / "report", figures=["scores"], tell=lines.append)
    assert any(f"not readable: {path}: field 'trial': found 'one', expected the number of a trial" in line for line in lines)
    assert [row["file"] for row in report_table(found.path, "not_readable")] == [str(path)]


def test_settings_have_every_digit_in_files_and_few_on_the_page(sweep: Path, tmp_path: Path) -> None:
    path = loreweave.report(sweep, output=tmp_path / "report", figures=["scores", "settings", "dev_test"], tell=silent).path
    assert report_table(path, "scores")[0]["optimizer.learning_rate"] == "0.00019199444694497852"
    assert {row["value"] for row in report_table(path, "settings")} == {"1e-05", "0.00019199444694497852", "0.001"}
    assert "learning_rate=0.00019199444694497852" in {row["group"] for row in report_table(path, "measurements")}
    page, sorted_by = (path / "index.html").read_text(), ' data-value="0.00019199444694497852"'
    assert sorted_by in page
    shown = page.replace(sorted_by, "")
    assert "0.000191994" in shown and "0.00019199444694497852" not in shown


def test_columns_of_a_table_have_different_names(sweep: Path, tmp_path: Path) -> None:
    path = loreweave.report(sweep, output=tmp_path / "report", tell=silent).path
    for file in (path / "tables").glob("*.csv"):
        with file.open(newline="", encoding="utf-8") as lines:
            names = next(csv.reader(lines))
        assert len(names) == len(set(names)), file.name
