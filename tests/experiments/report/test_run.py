"""`loreweave.report` writes a page that works offline, and the same files for the same runs."""

from __future__ import annotations

import csv
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from made_runs import WRONG, finetuning_run, report_table
from task_jobs import silent

import loreweave
from loreweave.errors import ConfigurationError, DataError
from loreweave.experiments.report.figures.registry import FIGURES
from loreweave.experiments.report.parts import NotShown, Part, Table
from loreweave.experiments.report.sections import sections_of
from loreweave.experiments.runs.folders import find_runs


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Two groups of two seeds, one run that crashed; the first run has two wrong predictions."""
    for seed in (0, 1):
        low = {"logits": WRONG} if seed == 0 else {}
        finetuning_run(tmp_path / "runs" / f"low-{seed}", seed, (0.25, 0.5), 0.5 + seed / 4, train_fraction=0.5, **low)
        finetuning_run(tmp_path / "runs" / f"high-{seed}", seed, (0.5, 0.75 + seed / 8), 0.75, train_fraction=1.0)
    finetuning_run(tmp_path / "runs" / "crashed", 2, finished=False, train_fraction=1.0)
    return tmp_path / "runs"


def test_scores_are_means_over_seeds_and_no_run_is_left_out(runs: Path, tmp_path: Path) -> None:
    found = loreweave.report(runs, output=tmp_path / "report", figures=["scores"], tell=silent)
    high, low = report_table(found.path, "scores")
    assert (low["train_fraction"], low["runs"], low["finished"]) == ("0.5", "2", "2")
    assert (float(low["test accuracy"]), float(low["dev accuracy"])) == (0.625, 0.5)
    assert (high["runs"], high["finished"], float(high["dev accuracy"])) == ("3", "2", 0.8125)
    with open(found.path / "tables" / "scores.csv") as file:
        columns = next(csv.reader(file))
    assert len(set(columns)) == len(columns) and {"dev accuracy ± sd", "test accuracy max"} <= set(columns)
    every = report_table(found.path, "runs")
    assert [row["state"] for row in every] == ["done", "done", "crashed", "done", "done"]
    assert found.answers == [
        "text-classification on dev.json and test.json: 5 runs in 2 groups, 1 crashed. Best by dev data: "
        "train_fraction=1: dev accuracy 0.8125 ± 0.0884; test accuracy 0.7500 ± 0.0000 (2 runs)."
    ]


def test_figures_have_the_right_numbers(runs: Path, tmp_path: Path) -> None:
    report = loreweave.report(runs, output=tmp_path / "report", tell=silent).path
    curve = {(row["group"], row["split"], float(row["epoch"])): row for row in report_table(report, "progression")}
    assert float(curve["train_fraction=1", "dev", 2]["mean"]) == pytest.approx((0.75 + 0.875 + 0.5) / 3)
    assert curve["train_fraction=1", "dev", 2]["runs"] == "3" and float(curve["train_fraction=0.5", "train", 2]["mean"]) == 1.0
    assert [float(row["dev - test"]) for row in report_table(report, "dev_test")] == [0.0, -0.25, 0.0, 0.125]
    correlation = report_table(report, "correlation")
    assert [row["coefficient"] for row in correlation] == ["Pearson", "Spearman", "Kendall (tau-b)"]
    # dev 0.5, 0.5, 0.75, 0.875 and test 0.5, 0.75, 0.75, 0.75: 2 pairs agree, none disagrees, 5 are apart in dev, 3 in test
    assert float(correlation[2]["value"]) == pytest.approx(2 / np.sqrt(5 * 3)) and correlation[2]["runs"] == "4"
    assert float(correlation[0]["low"]) <= float(correlation[0]["value"]) <= float(correlation[0]["high"])
    lengths = [row for row in report_table(report, "lengths") if row["group"] == "train_fraction=0.5"]
    # the texts have 1 to 4 words; the first run has the first and the third right, the second run has all right
    assert [(row["words"], float(row["exactly right"])) for row in lengths] == [
        ("1", 1.0), ("2", 0.5), ("3", 1.0), ("4", 0.5),
    ]  # fmt: skip
    assert [float(row["mean test accuracy"]) for row in report_table(report, "learning_curve")] == [0.625, 0.75]
    assert [row["value"] for row in report_table(report, "settings")] == ["0.5", "1"]
    assert {row["label"] for row in report_table(report, "labels")} == {"person", "place", "thing"}


def test_pictures_of_many_groups_tell_the_best_apart_and_say_so(tmp_path: Path) -> None:
    for number in range(9):
        folder, logits = tmp_path / "runs" / str(number), WRONG if number % 2 else None
        finetuning_run(folder, 0, [number / 10], number / 20, logits=logits, optimizer={"learning_rate": (number + 1) / 1000})
    (tmp_path / "runs" / "broken").mkdir()
    (tmp_path / "runs" / "broken" / "status.json").write_text("{")
    names = ["progression", "dev_test", "labels", "lengths", "calibration", "runs_map"]
    lines: list[str] = []
    report = loreweave.report(tmp_path / "runs", output=tmp_path / "report", figures=names, tell=lines.append).path
    page = (report / "index.html").read_text()
    assert page.count("The picture distinguishes the 7 best of 9 groups; the table has all of them.") == 6
    assert len({row["group"] for row in report_table(report, "progression")}) == 9
    assert len(report_table(report, "dev_test")) == 9
    assert any("not readable: " in line and "status.json" in line for line in lines)
    (section,) = sections_of([run for run in find_runs([tmp_path / "runs"]) if run.state == "done"])
    assert [group.label for group in section.leading][0] == "learning_rate=0.003" and len(section.leading) == 7


def test_without_repetitions_there_are_no_columns_of_the_spread(tmp_path: Path) -> None:
    for rate, score in ((1e-4, 0.25), (1e-3, 0.5)):
        finetuning_run(tmp_path / "runs" / f"{rate}", dev=(score,), optimizer={"learning_rate": rate})
    report = loreweave.report(tmp_path / "runs", output=tmp_path / "report", figures=["scores"], tell=silent).path
    first = report_table(report, "scores")[0]
    assert list(first) == ["optimizer.learning_rate", "runs", "finished", "dev accuracy", "test accuracy"]
    assert (first["dev accuracy"], first["test accuracy"]) == ("0.5", "0.5")
    assert "No group has several runs" in (report / "index.html").read_text()


def test_labels_without_a_font_are_named_once_and_kept_in_svg_and_table(
    tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    label = "\U00013000 sign"
    record = finetuning_run(tmp_path / "runs" / "a")
    results = json.loads((record.path / "results.json").read_text())
    results["tables"]["test"]["per_label"][1]["label"] = label
    (record.path / "results.json").write_text(json.dumps(results))
    report = loreweave.report(tmp_path / "runs", output=tmp_path / "report", figures=["labels"], tell=silent).path
    page = (report / "index.html").read_text()
    assert page.count("No installed font has all characters of these texts") == 1 and f"{label} (1)" in page
    assert label in (report / "figures" / "labels.svg").read_text() and report_table(report, "labels")[1]["label"] == label
    assert not [one for one in recwarn if "Glyph" in str(one.message)]


def test_figures_over_many_runs(tmp_path: Path) -> None:
    for seed in range(3):
        for rate, epochs in ((1e-4, 1), (1e-3, 1), (1e-4, 2), (1e-3, 2)):
            score = rate * 500 + epochs / 10 + seed / 1000
            logits = WRONG if rate == 1e-4 else None
            folder = tmp_path / "runs" / f"{rate}-{epochs}-{seed}"
            finetuning_run(folder, seed, [score] * epochs, score, logits=logits, optimizer={"learning_rate": rate})
    names = ["importance", "parallel", "runs_map", "settings"]
    found = loreweave.report(tmp_path / "runs", output=tmp_path / "report", figures=names, tell=silent)
    assert list(found.figures.values()) == [["importance", "parallel", "runs_map", "settings"]]
    importance = [row["setting"] for row in report_table(found.path, "importance")]
    assert importance[0] == "optimizer.learning_rate" and set(importance) == {"optimizer.learning_rate", "epochs", "seed"}
    places = {(row["PCA 1"], row["PCA 2"]) for row in report_table(found.path, "runs_map")}
    assert len(report_table(found.path, "runs_map")) == 12 and len(places) == 2  # equal errors, equal places
    assert len(report_table(found.path, "parallel")) == 12


def test_a_map_has_a_place_and_the_gold_class_of_every_record(tmp_path: Path) -> None:
    gold = [number % 3 for number in range(24)]
    logits = 5.0 * np.eye(3)[gold] + np.random.default_rng(0).normal(size=(24, 3)) / 10
    finetuning_run(tmp_path / "runs" / "a", logits=logits, gold=gold)
    report = loreweave.report(tmp_path / "runs", output=tmp_path / "report", figures=["records_map"], tell=silent).path
    rows = report_table(report, "records_map")
    assert [row["class"] for row in rows] == ["person", "place", "thing"] * 8
    places = np.array([[float(row["PCA 1"]), float(row["PCA 2"])] for row in rows])
    centres = np.stack([places[start::3].mean(axis=0) for start in range(3)])
    nearest = np.linalg.norm(places[:, None] - centres, axis=2).argmin(axis=1)
    assert nearest.tolist() == gold
    names = ["scores", "records_map"]
    small = loreweave.report(finetuning_run(tmp_path / "b").path, output=tmp_path / "c", figures=names, tell=silent)
    assert list(small.left_out.values()) == [
        {"records_map": "needs 20 records and three classes; found 4 records and 3 classes"}
    ]


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.found += [(name, value) for name, value in attributes if value and name in ("src", "href")]


def test_the_page_is_one_file_with_one_script_and_its_links_exist(runs: Path, tmp_path: Path) -> None:
    report = loreweave.report(runs, output=tmp_path / "report", tell=silent).path
    links = _Links()
    page = (report / "index.html").read_text()
    links.feed(page)
    assert page.count("<script") == 1 and "default-src 'none'" in page and "script-src 'sha256-" in page
    for name, value in links.found:
        assert value.startswith("data:image/svg+xml" if name == "src" else ("#", "tables/"))
        if value.startswith("#"):
            assert f'id="{value[1:]}"' in page
        elif name == "href":
            assert (report / value).is_file()
    pictures = {path.name for path in (report / "figures").iterdir()}
    assert {"dev_test.svg", "dev_test.png", "progression_dev_accuracy.svg"} <= pictures


def test_the_same_runs_give_the_same_files(runs: Path, tmp_path: Path) -> None:
    names = ["scores", "progression", "labels"]
    first, second = (
        loreweave.report(runs, output=tmp_path / name, figures=names, tell=silent).path for name in ("first", "second")
    )
    files = sorted(path.relative_to(first) for path in first.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(second) for path in second.rglob("*") if path.is_file()) and len(files) > 9
    for file in files:
        assert (first / file).read_bytes() == (second / file).read_bytes(), file


def test_the_contents_have_a_list_for_each_section_and_each_reason_is_given_once(tmp_path: Path) -> None:
    finetuning_run(tmp_path / "runs" / "a")
    finetuning_run(tmp_path / "runs" / "b", task="ner")
    names = ["scores", "settings", "importance", "parallel", "learning_curve", "runs_map"]
    report = loreweave.report(tmp_path / "runs", output=tmp_path / "report", figures=names, tell=silent)
    page = (report.path / "index.html").read_text()
    contents = page.partition("<nav")[2].partition("</nav>")[0]
    assert contents.count("text-classification on") == 1 and contents.count("ner on") == 1
    assert contents.count("<ul>") == 2 and contents.count(">Scores</a>") == 2
    for place in (1, 2):
        assert f'href="#section-{place}"' in contents and f'<h2 id="section-{place}">' in page
    assert page.count("settings, importance, parallel, learning_curve (all runs with scores have the same settings)") == 2
    assert "found 1 run)" in page and "found 1 runs" not in page


def test_minutes_have_one_decimal_and_errors_the_path_of_the_run(tmp_path: Path) -> None:
    record = finetuning_run(tmp_path / "runs" / "a", logits=WRONG)
    status = json.loads((record.path / "status.json").read_text())
    (record.path / "status.json").write_text(json.dumps({**status, "used": {"seconds": 24.0}}))
    names = ["scores", "errors"]
    report = loreweave.report(tmp_path / "runs", output=tmp_path / "report", figures=names, tell=silent)
    page = (report.path / "index.html").read_text()
    assert '<td class="number" data-value="0.4">0.4</td>' in page
    assert f"Wrong predictions of {record.path} on test data: 2 of 4 records." in page


def test_text_of_runs_is_never_markup(tmp_path: Path) -> None:
    record = finetuning_run(tmp_path / "runs" / "<b>", dev=(0.75,), logits=WRONG, model_name="<script>alert(1)</script>")
    finetuning_run(tmp_path / "runs" / "b", model_name="&lt;")
    rows = (record.path / "predictions" / "test.jsonl").read_text().replace("word word", "<img src=x onerror=1> $x_1$")
    (record.path / "predictions" / "test.jsonl").write_text(rows)
    names = ["scores", "errors"]
    report = loreweave.report(tmp_path / "runs", output=tmp_path / "report", figures=names, tell=silent)
    page = (report.path / "index.html").read_text()
    assert page.count("<script") == 1 and "<script>alert" not in page and "<img src=x" not in page
    assert "&lt;img src=x onerror=1&gt; $x_1$" in page


def test_numbers_that_are_not_finite_are_blank(tmp_path: Path) -> None:
    finetuning_run(tmp_path / "runs" / "a", dev=(float("nan"), 0.5))
    finetuning_run(tmp_path / "runs" / "b", seed=1, dev=(float("inf"), 0.25))
    names = ["scores", "progression", "settings"]
    report = loreweave.report(tmp_path / "runs", output=tmp_path / "report", figures=names, tell=silent).path
    for path in [report / "index.html", *(report / "tables").iterdir()]:
        assert not re.search(r"\b(nan|inf|NaN|Infinity)\b", path.read_text()), path


def test_wrong_use(runs: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="--figures: there is no figure 'score'; did you mean 'scores'"):
        loreweave.report(runs, output=tmp_path / "report", figures=["score"], tell=silent)
    with pytest.raises(ConfigurationError, match="--without: there is no figure"):
        loreweave.report(runs, output=tmp_path / "report", without=["x"], tell=silent)
    with pytest.raises(DataError, match="no such folder"):
        loreweave.report(tmp_path / "none", output=tmp_path / "report", tell=silent)
    assert not (tmp_path / "report").exists()
    with pytest.raises(ConfigurationError, match="found a run in"):
        loreweave.report(runs, output=runs / "low-0", tell=silent, overwrite=True)


def test_figures_are_chosen_and_added(runs: Path, tmp_path: Path) -> None:
    def draw(section: object) -> Part | NotShown:
        return Part("Mine", "own figure", tables=[Table("mine", ["a"], [[1]])])

    FIGURES.register(draw, "mine")
    try:
        found = loreweave.report(runs, output=tmp_path / "report", figures=["mine", "scores"], without=["scores"], tell=silent)
    finally:
        FIGURES._registered.clear()
    assert list(found.figures.values()) == [["mine"]] and report_table(found.path, "mine") == [{"a": "1"}]


def test_runs_of_several_tasks_have_files_of_their_own(tmp_path: Path) -> None:
    finetuning_run(tmp_path / "runs" / "a")
    finetuning_run(tmp_path / "runs" / "b", task="ner")
    found = loreweave.report(tmp_path / "runs", output=tmp_path / "report", figures=["scores"], tell=silent)
    tasks, names = ("ner", "text_classification"), ("runs", "scores")
    expected = [f"{task}_on_dev_json_and_test_json_{name}.csv" for task in tasks for name in names]
    assert sorted(path.name for path in (found.path / "tables").iterdir()) == ["measurements.csv", *expected]
    assert len(found.answers) == 2
