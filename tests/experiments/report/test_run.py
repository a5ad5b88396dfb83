"""`loreweave.report` writes a page that works offline, and the same files for the same runs."""

from __future__ import annotations

import csv
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from made_runs import finetuning_run
from task_jobs import silent

import loreweave
from loreweave.errors import ConfigurationError, DataError
from loreweave.experiments.report.figures.registry import FIGURES
from loreweave.experiments.report.parts import NotShown, Part, Table
from loreweave.experiments.report.prediction_rows import around, short
from loreweave.experiments.report.sections import sections_of
from loreweave.experiments.runs.folders import find_runs

WRONG = np.array([[2.0, 0, 0], [0, 0, 1.0], [0, 0, 3.0], [0, 4.0, 0]])


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Two groups of two seeds, one run that crashed; the first run has two wrong predictions."""
    for seed in (0, 1):
        low = {"logits": WRONG} if seed == 0 else {}
        finetuning_run(tmp_path / "runs" / f"low-{seed}", seed, (0.25, 0.5), 0.5 + seed / 4, train_fraction=0.5, **low)
        finetuning_run(tmp_path / "runs" / f"high-{seed}", seed, (0.5, 0.75 + seed / 8), 0.75, train_fraction=1.0)
    finetuning_run(tmp_path / "runs" / "crashed", 2, finished=False, train_fraction=1.0)
    return tmp_path / "runs"


def table(report: Path, name: str) -> list[dict[str, str]]:
    with open(report / "tables" / f"{name}.csv", newline="") as file:
        return list(csv.DictReader(file))


def test_scores_are_means_over_seeds_and_no_run_is_left_out(runs: Path, tmp_path: Path) -> None:
    found = loreweave.report(runs, output=tmp_path / "report", figures=["scores"], tell=silent)
    high, low = table(found.path, "scores")
    assert (low["train_fraction"], low["runs"], low["finished"]) == ("0.5", "2", "2")
    assert (float(low["test accuracy"]), float(low["dev accuracy"])) == (0.625, 0.5)
    assert (high["runs"], high["finished"], float(high["dev accuracy"])) == ("3", "2", 0.8125)
    with open(found.path / "tables" / "scores.csv") as file:
        columns = next(csv.reader(file))
    assert len(set(columns)) == len(columns) and {"dev accuracy ± sd", "test accuracy max"} <= set(columns)
    every = table(found.path, "runs")
    assert [row["state"] for row in every] == ["done", "done", "crashed", "done", "done"]
    assert found.answers == [
        "text-classification on dev.json and test.json: 5 runs in 2 groups, 1 crashed. Best by dev data: "
        "train_fraction=1: dev accuracy 0.8125 ± 0.0884; test accuracy 0.7500 ± 0.0000 (2 runs)."
    ]


def test_figures_have_the_right_numbers(runs: Path, tmp_path: Path) -> None:
    report = loreweave.report(runs, output=tmp_path / "report", tell=silent).path
    curve = {(row["group"], row["split"], float(row["epoch"])): row for row in table(report, "progression")}
    assert float(curve["train_fraction=1", "dev", 2]["mean"]) == pytest.approx((0.75 + 0.875 + 0.5) / 3)
    assert curve["train_fraction=1", "dev", 2]["runs"] == "3" and float(curve["train_fraction=0.5", "train", 2]["mean"]) == 1.0
    assert [float(row["dev - test"]) for row in table(report, "dev_test")] == [0.0, -0.25, 0.0, 0.125]
    correlation = table(report, "correlation")
    assert [row["coefficient"] for row in correlation] == ["Pearson", "Spearman", "Kendall (tau-b)"]
    # dev 0.5, 0.5, 0.75, 0.875 and test 0.5, 0.75, 0.75, 0.75: 2 pairs agree, none disagrees, 5 are apart in dev, 3 in test
    assert float(correlation[2]["value"]) == pytest.approx(2 / np.sqrt(5 * 3)) and correlation[2]["runs"] == "4"
    assert float(correlation[0]["low"]) <= float(correlation[0]["value"]) <= float(correlation[0]["high"])
    lengths = [row for row in table(report, "lengths") if row["group"] == "train_fraction=0.5"]
    # the texts have 1 to 4 words; the first run has the first and the third right, the second run has all right
    assert [(row["words"], float(row["exactly right"])) for row in lengths] == [
        ("1", 1.0), ("2", 0.5), ("3", 1.0), ("4", 0.5),
    ]  # fmt: skip
    assert [float(row["mean test accuracy"]) for row in table(report, "learning_curve")] == [0.625, 0.75]
    assert [row["value"] for row in table(report, "settings")] == ["0.5", "1"]
    assert {row["label"] for row in table(report, "labels")} == {"person", "place", "thing"}


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
    assert len({row["group"] for row in table(report, "progression")}) == 9 and len(table(report, "dev_test")) == 9
    assert any("not readable: " in line and "status.json" in line for line in lines)
    (section,) = sections_of([run for run in find_runs([tmp_path / "runs"]) if run.state == "done"])
    assert [group.label for group in section.leading][0] == "learning_rate=0.003" and len(section.leading) == 7


def test_errors_are_those_of_the_run_with_the_best_dev_score_most_certain_first(tmp_path: Path) -> None:
    finetuning_run(tmp_path / "runs" / "best", dev=(0.9,), logits=WRONG)
    finetuning_run(tmp_path / "runs" / "other", seed=1, dev=(0.1,))
    report = loreweave.report(tmp_path / "runs", output=tmp_path / "report", figures=["errors"], tell=silent).path
    rows = table(report, "errors")
    assert [(row["id"], row["gold"], row["predicted"]) for row in rows] == [("3", "person", "place"), ("1", "place", "thing")]
    assert rows[0]["most likely"] == f"place {np.exp(4) / (np.exp(4) + 2):.2f}, person 0.02, thing 0.02"


def test_confusion_counts_gold_and_predicted_classes_of_the_best_run(tmp_path: Path) -> None:
    finetuning_run(tmp_path / "runs" / "best", logits=WRONG)
    report = loreweave.report(tmp_path / "runs", output=tmp_path / "report", figures=["confusion"], tell=silent).path
    cells = {(row["gold"], row["predicted"]): float(row["records"]) for row in table(report, "confusion")}
    assert cells == {("person", "person"): 1, ("person", "place"): 1, ("place", "thing"): 1, ("thing", "thing"): 1}
    person = table(report, "confusion_by_label")[0]
    assert (person["support"], person["true positives"], person["false negatives"]) == ("2", "1", "1")
    averages = {row["average"]: row for row in table(report, "averages")}
    assert averages["exact match"]["f1"] == "0.5" and averages["exact match"]["in results.json"] == "accuracy"
    assert "none" not in {row["label"] for row in table(report, "confusion_by_label")}, "every record has a prediction"


def typing_run(folder: Path, gold: list[list[str]], predicted: list[list[str]], scores: dict[str, float]) -> None:
    """A run of entity typing with the labels a, b and c, and scores as it would record them."""
    record = finetuning_run(folder, task="entity-typing")
    labels = ("a", "b", "c")
    truth, guesses = (np.array([[name in row for name in labels] for row in side]) for side in (gold, predicted))
    rows = [{"id": str(place), "text": "x", "gold": gold[place], "predicted": predicted[place]} for place in range(len(gold))]
    arrays = {"logits": np.float32(2 * guesses - 1), "labels": truth.astype(int), "label_list": np.array(labels)}
    for split in ("dev", "test"):
        record.save_predictions(split, arrays, rows)
    results = json.loads((record.path / "results.json").read_text())
    (record.path / "results.json").write_text(json.dumps(results | {"test": scores | results["test"], "metric": "accuracy"}))


def test_averages_are_named_by_their_definition(tmp_path: Path) -> None:
    # Record 1 has a and b, of which a is predicted; record 2 has b, and nothing is predicted.
    scores = {"micro_precision": 1.0, "micro_recall": 1 / 3, "micro_f1": 0.5}
    scores |= {"macro_precision": 1.0, "macro_recall": 0.25, "macro_f1": 0.4}
    typing_run(tmp_path / "run", [["a", "b"], ["b"]], [["a"], []], scores)
    report = loreweave.report(tmp_path / "run", output=tmp_path / "report", figures=["confusion"], tell=silent).path
    rows = {row["average"].partition(":")[0]: row for row in table(report, "averages")}
    numbers = {name: [float(row[kind]) for kind in ("precision", "recall", "f1") if row[kind]] for name, row in rows.items()}
    assert numbers["all labels together"] == pytest.approx([1, 1 / 3, 0.5])
    assert rows["all labels together"]["in results.json"] == "micro_precision, micro_recall, micro_f1"
    # a: 1, 1, 1; b and c: 0
    assert numbers["mean over labels"] == pytest.approx([1 / 3, 1 / 3, 1 / 3])
    assert rows["mean over labels"]["in results.json"] == "", "macro_f1 of typing is another average"
    # record 1: 1, 0.5, 2/3; record 2: 0
    assert numbers["mean over records"] == pytest.approx([0.5, 0.25, 1 / 3])
    assert numbers["loose macro"] == [1.0, 0.25, 0.4] and "macro_f1" in rows["loose macro"]["in results.json"]
    assert "macro" not in rows


def test_confusion_of_several_labels_has_one_name_for_no_label(tmp_path: Path) -> None:
    typing_run(tmp_path / "run", [["a", "b"], ["b"]], [["a"], []], {})
    report = loreweave.report(tmp_path / "run", output=tmp_path / "report", figures=["confusion"], tell=silent).path
    cells = {(row["gold"], row["predicted"]): float(row["records"]) for row in table(report, "confusion")}
    assert cells == {("a", "a"): 1, ("b", "none"): 2}
    last = table(report, "confusion_by_label")[-1]
    assert (last["label"], last["support"], last["false positives"]) == ("none", "0", "1")
    page = (report / "index.html").read_text()
    assert "so that cells can be fractions); none: no label instead." in page
    assert "none stands for records without any label." in page
    assert "reject" not in page


def test_captions_name_files_that_exist(tmp_path: Path) -> None:
    finetuning_run(tmp_path / "runs" / "a", logits=WRONG)
    finetuning_run(tmp_path / "runs" / "b", task="ner")
    for path in (tmp_path / "runs" / "b" / "predictions").glob("*.npz"):
        path.unlink()
    for number, runs in enumerate(("runs", "runs/a", "runs/b")):
        output = tmp_path / f"report-{number}"
        path = loreweave.report(tmp_path / runs, output=output, figures=["errors"], tell=silent).path
        page = re.sub("<[^>]+>", " ", (path / "index.html").read_text())
        named = set(re.findall(r"[\w*]+/[\w*./]+\.(?:jsonl|csv)", page))
        assert named and all((path / name).is_file() for name in named), named
        assert "*" not in page and ("probabilities" in page) == (runs != "runs/b")


def test_calibration_has_the_numbers_of_every_run_and_split(tmp_path: Path) -> None:
    finetuning_run(tmp_path / "runs" / "right")
    finetuning_run(tmp_path / "runs" / "wrong", seed=1, logits=WRONG)
    finetuning_run(tmp_path / "runs" / "broken", seed=2, logits=np.full((4, 3), np.nan))
    report = loreweave.report(tmp_path / "runs", output=tmp_path / "report", figures=["calibration"], tell=silent).path
    rows = table(report, "calibration")
    assert [(row["seed"], row["split"]) for row in rows] == [("0", "dev"), ("0", "test"), ("1", "dev"), ("1", "test")]
    sure = np.exp(2) / (np.exp(2) + 2)
    assert float(rows[0]["accuracy"]) == 1 and float(rows[0]["confidence"]) == pytest.approx(sure)
    assert float(rows[0]["debiased low"]) <= float(rows[0]["debiased high"]) and "ece low" not in rows[0]
    assert float(rows[0]["ece"]) == pytest.approx(1 - sure) and float(rows[0]["nll"]) == pytest.approx(-np.log(sure))
    assert float(rows[2]["accuracy"]) == 0.5 and float(rows[0]["nll after"]) < float(rows[0]["nll"])
    page = (report / "index.html").read_text()
    assert "2 rows are left out: logits that are not finite" in page and "biased upwards on fewer than 1,000 records" in page


def test_calibration_of_several_labels_names_the_share_of_gold_labels(tmp_path: Path) -> None:
    record = finetuning_run(tmp_path / "runs" / "a", task="entity-typing")
    gold = np.array([[1, 0, 0], [1, 1, 0]])
    names = [["person"], ["person", "place"]]
    rows = [{"id": str(number), "text": "a", "gold": labels, "predicted": labels} for number, labels in enumerate(names)]
    arrays = {"logits": np.float32(4 * gold - 2), "labels": gold, "label_list": np.array(["person", "place", "thing"])}
    for split in ("dev", "test"):
        record.save_predictions(split, arrays, rows)
    report = loreweave.report(tmp_path / "runs", output=tmp_path / "report", figures=["calibration"], tell=silent).path
    row = table(report, "calibration")[0]
    assert float(row["share of gold labels"]) == 0.5 and "accuracy" not in row, "3 of 6 labels, although all records are right"
    assert "Dots: share of gold labels in 10 bins" in (report / "index.html").read_text()


def test_without_repetitions_there_are_no_columns_of_the_spread(tmp_path: Path) -> None:
    for rate, score in ((1e-4, 0.25), (1e-3, 0.5)):
        finetuning_run(tmp_path / "runs" / f"{rate}", dev=(score,), optimizer={"learning_rate": rate})
    report = loreweave.report(tmp_path / "runs", output=tmp_path / "report", figures=["scores"], tell=silent).path
    first = table(report, "scores")[0]
    assert list(first) == ["optimizer.learning_rate", "runs", "finished", "dev accuracy", "test accuracy"]
    assert (first["dev accuracy"], first["test accuracy"]) == ("0.5", "0.5")
    assert "No group has several runs" in (report / "index.html").read_text()


def test_whole_epochs_have_whole_numbers_on_the_axis(tmp_path: Path) -> None:
    finetuning_run(tmp_path / "run", dev=(0.25,))
    (section,) = sections_of(find_runs([tmp_path]))
    part = FIGURES["progression"](section)
    assert isinstance(part, Part)
    for picture in part.pictures:
        ticks = picture.figure.axes[0].xaxis.get_major_locator().tick_values(0, 1)
        assert all(float(tick).is_integer() for tick in ticks)


def test_ranges_of_lengths_do_not_overlap(tmp_path: Path) -> None:
    gold = [number % 3 for number in range(12)]
    finetuning_run(tmp_path / "run", gold=gold)
    (section,) = sections_of(find_runs([tmp_path]))
    part = FIGURES["lengths"](section)
    assert isinstance(part, Part)
    # Texts of 1 to 12 words in five parts.
    assert [row[1] for row in part.tables[0].rows] == ["1 to 3", "4 to 5", "6 to 7", "8 to 9", "10 to 12"]


def test_answers_of_several_annotators_are_shown_once_and_questions_have_lengths(tmp_path: Path) -> None:
    record = finetuning_run(tmp_path / "runs" / "a", task="extractive-qa")
    for path in (record.path / "predictions").iterdir():
        path.unlink()
    rows = [
        {"id": str(number), "question": " ".join(["who"] * (number + 1)), "gold": gold, "predicted": "Ann"}
        for number, gold in enumerate((["Ann", "Ann Lee"], ["Bob", "Bob", "Bob"], ["Ann"], ["Oslo", "oslo", "Oslo"]))
    ]
    (record.path / "predictions" / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    report = loreweave.report(tmp_path / "runs", output=tmp_path / "report", figures=["errors", "lengths"], tell=silent).path
    assert [row["gold"] for row in table(report, "errors")] == ["Bob", "Oslo, oslo"]
    assert [(row["words"], float(row["exactly right"])) for row in table(report, "lengths")] == [
        ("1", 1.0), ("2", 0.0), ("3", 1.0), ("4", 0.0),
    ]  # fmt: skip
    page = (report / "index.html").read_text()
    assert '<a href="tables/errors.jsonl">' in page and "probabilities" not in page, "this task has none"
    assert '<th scope="col">predicted</th>' in page and "most likely" not in page, "a column without values is left out"


def test_errors_of_link_prediction_are_triples_by_their_worst_rank(tmp_path: Path) -> None:
    record = finetuning_run(tmp_path / "runs" / "a", task="link-prediction")
    for path in (record.path / "predictions").iterdir():
        path.unlink()
    rows = [
        {"head": f"h{number}", "relation": "r", "tail": "t"} | {
            f"{side}_rank": {"optimistic": rank, "realistic": rank, "pessimistic": rank, "candidates": 9}
            for side, rank in (("head", head), ("tail", tail)) if rank
        }
        for number, (head, tail) in enumerate(((1, 1), (2, 7.5), (None, 9), (1, 2)))
    ]  # fmt: skip
    (record.path / "predictions" / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    report = loreweave.report(tmp_path / "runs", output=tmp_path / "report", figures=["errors"], tell=silent).path
    found = [tuple(row.values()) for row in table(report, "errors")]
    assert [(row[0], row[3], row[4], row[5]) for row in found] == [
        ("h2", "", "9", "9"), ("h1", "2", "7.5", "9"), ("h3", "1", "2", "9"),
    ]  # fmt: skip
    assert "3 of 4 triples" in (report / "index.html").read_text()


def test_spans_of_tokens_are_shown_as_text(tmp_path: Path) -> None:
    tokens = ["Bert", "left", "New", "York"]
    span = {"start": 2, "end": 4, "label": "city"}
    rows = [{"episode": 0, "sentence": 0, "tokens": tokens, "gold": [span], "predicted": [span | {"start": 3}]}]
    assert [short(rows[0][name], rows[0]) for name in ("gold", "predicted")] == ["New York (city)", "York (city)"]
    assert short([{"start": 0, "end": 4, "mention": "Bert", "label": "person"}]) == "Bert (person)"
    assert short([span]) == "2 4 (city)", "without tokens the place"
    assert around(rows[0]) == "Bert left New York" and around({"question": "Who?", "text": ""}) == "Who?"
    assert around({"episode": 1, "query": 3, "gold": "P26", "predicted": "P25"}) == "", "a number is no text"


def test_names_of_settings_have_no_line_between_them(tmp_path: Path) -> None:
    for number, pooling in enumerate((None, "mean", "first")):
        finetuning_run(tmp_path / str(number), dev=(number / 4,), pooling=pooling, rate=number)
    (section,) = sections_of(find_runs([tmp_path]))
    part = FIGURES["settings"](section)
    assert isinstance(part, Part)
    lines = {picture.name: picture.figure.axes[0].lines[0].get_linestyle() for picture in part.pictures}
    assert lines == {"setting_pooling": "None", "setting_rate": "-"}


def test_ticks_of_logarithmic_axes_are_numbers_not_formulas(tmp_path: Path) -> None:
    for number in range(10):
        rate = 0.00015 * 1.25**number
        finetuning_run(tmp_path / "runs" / str(number), dev=(number / 10,), optimizer={"learning_rate": rate})
    (section,) = sections_of(find_runs([tmp_path / "runs"]))
    part = FIGURES["settings"](section)
    assert isinstance(part, Part)
    axis = part.pictures[0].figure.axes[0].xaxis
    ticks = axis.get_major_locator().tick_values(0.00015, 0.0012)
    assert {"0.0002", "0.0005", "0.001"} <= {axis.get_major_formatter()(tick) for tick in ticks}
    assert not axis.get_minor_formatter()(0.0003)


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
    assert label in (report / "figures" / "labels.svg").read_text() and table(report, "labels")[1]["label"] == label
    assert not [one for one in recwarn if "Glyph" in str(one.message)]


def test_one_group_stands_at_its_ticks(tmp_path: Path) -> None:
    finetuning_run(tmp_path / "run")
    (section,) = sections_of(find_runs([tmp_path]))
    part = FIGURES["lengths"](section)
    assert isinstance(part, Part) and part.pictures[0].figure.axes[0].get_xlabel() == "words in the text"
    (bars,) = part.pictures[0].figure.axes[0].containers
    assert bars[0].get_xdata().tolist() == [0, 1, 2, 3]


def test_scores_of_zero_do_not_have_an_axis_below_it(tmp_path: Path) -> None:
    finetuning_run(tmp_path / "run", dev=(0.0, 0.0), test=0.0)
    (section,) = sections_of(find_runs([tmp_path]))
    for name in ("progression", "dev_test"):
        part = FIGURES[name](section)
        assert isinstance(part, Part)
        line = part.pictures[0].figure.axes[0]
        assert min(line.get_ylim()) == 0 if name == "progression" else min(line.lines[0].get_xdata()) == 0


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
    importance = [row["setting"] for row in table(found.path, "importance")]
    assert importance[0] == "optimizer.learning_rate" and set(importance) == {"optimizer.learning_rate", "epochs", "seed"}
    places = {(row["PCA 1"], row["PCA 2"]) for row in table(found.path, "runs_map")}
    assert len(table(found.path, "runs_map")) == 12 and len(places) == 2  # equal errors, equal places
    assert len(table(found.path, "parallel")) == 12


def test_a_map_has_a_place_and_the_gold_class_of_every_record(tmp_path: Path) -> None:
    gold = [number % 3 for number in range(24)]
    logits = 5.0 * np.eye(3)[gold] + np.random.default_rng(0).normal(size=(24, 3)) / 10
    finetuning_run(tmp_path / "runs" / "a", logits=logits, gold=gold)
    report = loreweave.report(tmp_path / "runs", output=tmp_path / "report", figures=["records_map"], tell=silent).path
    rows = table(report, "records_map")
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


def test_the_page_is_one_file_without_scripts_and_its_links_exist(runs: Path, tmp_path: Path) -> None:
    report = loreweave.report(runs, output=tmp_path / "report", tell=silent).path
    links = _Links()
    page = (report / "index.html").read_text()
    links.feed(page)
    assert "script" not in links.tags and "default-src 'none'" in page
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
    assert page.count("settings, importance, parallel, learning_curve (all runs have the same settings)") == 2
    assert "found 1 run)" in page and "found 1 runs" not in page


def test_minutes_have_one_decimal_and_errors_the_path_of_the_run(tmp_path: Path) -> None:
    record = finetuning_run(tmp_path / "runs" / "a", logits=WRONG)
    status = json.loads((record.path / "status.json").read_text())
    (record.path / "status.json").write_text(json.dumps({**status, "used": {"seconds": 24.0}}))
    names = ["scores", "errors"]
    report = loreweave.report(tmp_path / "runs", output=tmp_path / "report", figures=names, tell=silent)
    page = (report.path / "index.html").read_text()
    assert '<td class="number">0.4</td>' in page
    assert f"Wrong predictions of {record.path} on test data: 2 of 4 records." in page


def test_text_of_runs_is_never_markup(tmp_path: Path) -> None:
    record = finetuning_run(tmp_path / "runs" / "<b>", dev=(0.75,), logits=WRONG, model_name="<script>alert(1)</script>")
    finetuning_run(tmp_path / "runs" / "b", model_name="&lt;")
    rows = (record.path / "predictions" / "test.jsonl").read_text().replace("word word", "<img src=x onerror=1> $x_1$")
    (record.path / "predictions" / "test.jsonl").write_text(rows)
    names = ["scores", "errors"]
    report = loreweave.report(tmp_path / "runs", output=tmp_path / "report", figures=names, tell=silent)
    page = (report.path / "index.html").read_text()
    assert "<script" not in page and "<img src=x" not in page and "&lt;img src=x onerror=1&gt; $x_1$" in page


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
    assert list(found.figures.values()) == [["mine"]] and table(found.path, "mine") == [{"a": "1"}]


def test_runs_of_several_tasks_have_files_of_their_own(tmp_path: Path) -> None:
    finetuning_run(tmp_path / "runs" / "a")
    finetuning_run(tmp_path / "runs" / "b", task="ner")
    found = loreweave.report(tmp_path / "runs", output=tmp_path / "report", figures=["scores"], tell=silent)
    tasks, names = ("ner", "text_classification"), ("runs", "scores")
    expected = [f"{task}_on_dev_json_and_test_json_{name}.csv" for task in tasks for name in names]
    assert sorted(path.name for path in (found.path / "tables").iterdir()) == ["measurements.csv", *expected]
    assert len(found.answers) == 2
