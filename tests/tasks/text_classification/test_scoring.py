"""Scores of outputs and of files of predictions; the numbers themselves are compared in tests/metrics."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from glue_files import LABELLED

from loreweave.errors import ConfigurationError, DataError
from loreweave.tasks.text_classification.reader import read
from loreweave.tasks.text_classification.record import NUMBER, TextRecord
from loreweave.tasks.text_classification.scoring import score, score_predictions
from loreweave.tasks.text_classification.settings import TextScoring
from loreweave.training.evaluation import Outputs

BINARY = [TextRecord(str(n), f"text {n}", label=label) for n, label in enumerate(["1", "1", "1", "0"])]
NUMBERS = [TextRecord(str(n), f"text {n}", "b", float(n)) for n in range(3)]


def outputs(*rows: list[float]) -> Outputs:
    return [np.array(row, np.float32) for row in rows]


def test_classes() -> None:
    found = score(BINARY, outputs([0, 1], [0, 1], [1, 0], [1, 0]), ["0", "1"])  # 1 1 0 0
    assert found.metrics == {
        "accuracy": 0.75, "precision": 1, "recall": pytest.approx(2 / 3), "f1": pytest.approx(0.8),
        "macro_f1": pytest.approx((0.8 + 2 / 3) / 2), "matthews_correlation": pytest.approx(2 / 12**0.5),
    }  # fmt: skip
    assert found.notes == ["precision, recall and f1 are those of the class '1'"]
    first = found.predictions[0]
    assert (first["id"], first["text"], first["predicted"], first["gold"]) == ("0", "text 0", "1", "1")
    assert first["probability"] == pytest.approx(1 / (1 + np.exp(-1)), abs=1e-6)
    assert found.arrays["labels"].tolist() == [1, 1, 1, 0] and found.arrays["logits"].shape == (4, 2)
    assert [row["label"] for row in found.tables["per_label"]] == ["0", "1"]


@pytest.mark.parametrize(
    ("labels", "asked", "kept", "positive"),
    [
        (["0", "1"], None, None, "1"),
        (["0", "1"], "0", "1", "0"),
        (["0", "1"], None, "0", "0"),
        (["duplicate", "not_duplicate"], None, None, "duplicate"),
        (["entailment", "not_entailment"], None, None, "entailment"),
        (["a", "b"], None, None, None),
        (["0", "1", "2"], None, None, None),
    ],
)
def test_which_class_f1_is_about(labels: list[str], asked: str | None, kept: str | None, positive: str | None) -> None:
    """The user's, else the checkpoint's, else by its name where there are two."""
    records = [TextRecord(str(n), "a", label=label) for n, label in enumerate(labels)]
    rows = outputs(*np.eye(len(labels)).tolist())
    found = score(records, rows, labels, TextScoring(positive_label=asked), positive_label=kept)
    assert found.notes == ([] if positive is None else [f"precision, recall and f1 are those of the class {positive!r}"])
    assert ("f1" in found.metrics) == (positive is not None)


def test_a_positive_class_that_is_none_of_two() -> None:
    with pytest.raises(ConfigurationError, match="setting 'positive_label': found 'x', expected one of two classes, but"):
        score(BINARY, outputs(*[[0, 1]] * 4), ["0", "1"], TextScoring(positive_label="x"))
    with pytest.raises(ConfigurationError, match="setting 'positive_label': the labels are numbers"):
        score(NUMBERS, outputs([0], [1], [2]), [NUMBER], TextScoring(positive_label="x"))


def test_numbers() -> None:
    found = score(NUMBERS, outputs([0.5], [2], [1.5]), [NUMBER])
    assert found.metrics == {
        "pearson": pytest.approx(np.corrcoef([0.5, 2, 1.5], [0, 1, 2])[0, 1]), "spearman": pytest.approx(0.5),
        "mean_squared_error": pytest.approx((0.25 + 1 + 0.25) / 3),
    }  # fmt: skip
    assert found.predictions[1] == {"id": "1", "text": "text 1", "text_pair": "b", "predicted": 2.0, "gold": 1.0}
    same = score(NUMBERS, outputs([1], [1], [1]), [NUMBER])
    assert same.metrics["pearson"] == 0 and same.notes == ["all predictions are the same: correlations are 0 by convention"]


def test_records_without_a_label_are_predicted_and_not_scored() -> None:
    records = [*BINARY, TextRecord("4", "text 4")]
    found = score(records, outputs(*[[0, 1]] * 5), ["0", "1"])
    assert found.metrics["accuracy"] == 0.75 and found.notes[0] == "1 record without a label is not scored"
    assert found.predictions[4]["predicted"] == "1" and "gold" not in found.predictions[4]
    assert found.arrays["labels"].tolist() == [1, 1, 1, 0, -100]
    nothing = score(records[4:], outputs([0, 1]), ["0", "1"])
    assert nothing.metrics == {} and nothing.notes == ["no record has a label: nothing is scored"] and nothing.predictions
    assert score([TextRecord("0", "a")], outputs([1]), [NUMBER]).metrics == {}


# ---- files of predictions --------------------------------------------------------------------------------------------


def file(folder: Path, content: str) -> Path:
    path = folder / "predictions"
    path.write_text(content, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "content",
    [
        '{"id": "3", "predicted": "0"}\n{"id": "0", "predicted": "1"}\n{"id": "1", "predicted": 1}\n'
        '{"id": 2, "predicted": "0"}\n',
        "index\tprediction\n0\t1\n1\t1\n2\t0\n3\t0\n",
        "3\t0\n0\t1\n1\t1\n2\t0\n",
        "1\n1\n0\n0\n",
        '{"label": "1"}\n{"label": "1"}\n{"label": 0}\n{"label": "0"}\n',
    ],
)
def test_files_of_any_system(content: str, tmp_path: Path) -> None:
    found = score_predictions(BINARY, file(tmp_path, content))
    assert found.metrics["accuracy"] == 0.75 and found.metrics["f1"] == pytest.approx(0.8)
    assert [row["predicted"] for row in found.predictions] in (["1", "1", "0", "0"], ["1", 1, "0", "0"], ["1", "1", 0, "0"])


@pytest.mark.parametrize("task", LABELLED)
def test_a_submission_to_glue_is_scored(task: str, tmp_path: Path) -> None:
    gold = tmp_path / "dev.tsv"
    gold.write_text(LABELLED[task], encoding="utf-8")
    records = read(gold).records
    lines = [f"{record.id}\t{record.label}" for record in records]
    found = score_predictions(records, file(tmp_path, "\n".join(["index\tprediction", *lines]) + "\n"))
    assert found.metrics["pearson" if task == "sts-b" else "accuracy"] == pytest.approx(1)


def test_labels_that_are_gold_nowhere_are_wrong_and_said(tmp_path: Path) -> None:
    found = score_predictions(BINARY, file(tmp_path, "1\n1\nyes\n0\n"))
    assert found.metrics["accuracy"] == 0.75 and found.metrics["recall"] == pytest.approx(2 / 3)
    assert "1 prediction is a label that is gold nowhere: yes" in found.notes


def test_a_record_without_a_prediction_is_wrong(tmp_path: Path) -> None:
    found = score_predictions(BINARY, file(tmp_path, "0\t1\n1\t1\n3\t0\n"))
    assert found.metrics["accuracy"] == 0.75
    assert "no prediction for 1 of 4 records, counted as wrong: 2" in found.notes


def test_numbers_of_any_system(tmp_path: Path) -> None:
    rows = "".join(json.dumps({"id": str(n), "predicted": value}) + "\n" for n, value in enumerate([1, 2.5, 3]))
    assert score_predictions(NUMBERS, file(tmp_path, rows)).metrics["spearman"] == pytest.approx(1)
    with pytest.raises(DataError, match="found no prediction for 1 record; a missing number cannot be counted as wrong"):
        score_predictions(NUMBERS, file(tmp_path, "0\t1\n1\t2\n"))
    with pytest.raises(DataError, match="field 'predicted': found 'x', expected a number"):
        score_predictions(NUMBERS, file(tmp_path, "1\nx\n2\n"))


def test_gold_without_labels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="found no record with a label"):
        score_predictions([TextRecord("0", "a")], file(tmp_path, "1\n"))
