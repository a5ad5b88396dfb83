"""Types of any system against labels, by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from loreweave.errors import DataError
from loreweave.tasks.contract import Execution
from loreweave.tasks.jobs.evaluate import score_task
from loreweave.tasks.registry import load_task
from loreweave.training.evaluation import Evaluation

COLUMNS = "Ann B-PER\nsees O\nOslo B-LOC\n\nBob B-PER\nleft O\n"


def scored(folder: Path, rows: list[dict[str, Any]], gold: str = COLUMNS) -> Evaluation:
    (folder / "gold.conll").write_text(gold)
    (folder / "types.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    execution = Execution(report=lambda line: None)
    return score_task(load_task("latent-types"), folder / "gold.conll", folder / "types.jsonl", execution=execution)[0]


def word(start: int, end: int, kind: int) -> dict[str, int]:
    return {"start": start, "end": end, "type": kind}


def test_a_type_for_each_label_is_perfect(tmp_path: Path) -> None:
    rows = [{"predicted": [word(0, 3, 1), word(9, 13, 2)]}, {"predicted": [word(0, 3, 1)]}]
    metrics = scored(tmp_path, rows).metrics
    assert metrics["label_nmi"] == metrics["label_purity"] == 1.0 and metrics["share_selected_words"] == 3 / 5


def test_one_type_for_all_says_nothing(tmp_path: Path) -> None:
    rows = [{"predicted": [word(0, 3, 1), word(9, 13, 1)]}, {"predicted": [word(0, 3, 1)]}]
    metrics = scored(tmp_path, rows).metrics
    assert metrics["label_nmi"] == 0.0 and metrics["label_purity"] == pytest.approx(2 / 3)


def test_a_word_that_nothing_covers_has_type_0(tmp_path: Path) -> None:
    """Ann has type 1, Oslo and Bob none: homogeneity is that of (1: PER), (0: LOC, PER)."""
    metrics = scored(tmp_path, [{"predicted": [word(0, 3, 1)]}, {"predicted": []}]).metrics
    assert metrics["label_purity"] == pytest.approx(2 / 3) and metrics["share_selected_words"] == 1 / 5


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"predicted": [word(3, 3, 1)]}] * 2, "line 1, field 'predicted': found start 3, end 3 and type 1"),
        ([{"predicted": [word(0, 90, 1)]}] * 2, "found a span that ends at 90, after the text of 13 characters"),
        ([{"predicted": []}], "found 1 prediction without ids"),
        ([{"predicted": "x"}] * 2, "field 'predicted'"),
    ],
)
def test_bad_predictions_are_named(tmp_path: Path, rows: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(DataError, match=message):
        scored(tmp_path, rows)


def test_nothing_to_compare_with(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="found neither labels of mentions nor parts of speech|no mention"):
        scored(tmp_path, [{"predicted": []}], "Ann O\nleft O\n")
