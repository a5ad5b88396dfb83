"""Conditions, order and columns of tables of runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from made_runs import finetuning_run

from loreweave.errors import ConfigurationError
from loreweave.experiments.runs.listing import Condition, in_order, select
from loreweave.experiments.runs.table import list_runs
from loreweave.training.runs.record import RunRecord

ROWS = [
    {"run": "a", "state": "done", "optimizer.learning_rate": 1e-4, "dev.f1": 0.5, "with_pairs": True},
    {"run": "b", "state": "failed", "optimizer.learning_rate": 0.001, "dev.f1": None, "with_pairs": False},
    {"run": "c10", "state": "done", "optimizer.learning_rate": 0.01, "dev.f1": 0.75},
]


@pytest.mark.parametrize(
    ("condition", "runs"),
    [
        ("state=done", ["a", "c10"]),
        ("state!=done", ["b"]),
        ("optimizer.learning_rate=1e-4", ["a"]),
        ("optimizer.learning_rate >= 0.001", ["b", "c10"]),
        ("dev.f1>0.5", ["c10"]),
        ("dev.f1<=0.5", ["a"]),
        ("dev.f1=", ["b"]),
        ("dev.f1!=", ["a", "c10"]),
        ("dev.f1!=0.5", ["b", "c10"]),
        ("with_pairs=true", ["a"]),
        ("with_pairs!=true", ["b", "c10"]),
        ("run~1", ["c10"]),
    ],
)
def test_conditions(condition: str, runs: list[str]) -> None:
    assert [row["run"] for row in select(ROWS, [Condition.parse(condition)])] == runs


ODD = [
    {"run": "a", "optimizer.rate_factors.head/a-b": 0.5, "dev.f1 of New York": 0.25, "x=y": 1, "dev.f1_\u5317\u4eac": 0.5},
    {"run": "b", "optimizer.rate_factors.head/a-b": 2.0, "dev.f1 of New York": 0.75, "x=y": 2, "note": "<b> 'x'"},
]


@pytest.mark.parametrize(
    ("condition", "runs"),
    [
        ("optimizer.rate_factors.head/a-b>=.5", ["a", "b"]),
        ("optimizer.rate_factors.head/a-b>1e0", ["b"]),
        ("dev.f1 of New York < 0.5", ["a"]),
        ("'dev.f1 of New York'=.75", ["b"]),
        ('"x=y"=2', ["b"]),
        ("'x=y' != 2", ["a"]),
        ("dev.f1_\u5317\u4eac=0.5", ["a"]),
        ('note="<b> \'x\'"', ["b"]),
        ("note~'<b>'", ["b"]),
        ("note~'x'", ["b"]),
    ],
)
def test_names_and_values_with_odd_characters(condition: str, runs: list[str]) -> None:
    assert [row["run"] for row in select(ODD, [Condition.parse(condition)])] == runs


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("dev.f1==0.5", "found the sign '==' in 'dev.f1==0.5', expected one of = != < <= > >= ~"),
        ("dev.f1=>0.5", "found the sign '=>'"),
        ("dev.f1<>0.5", "found the sign '<>'"),
        ('"x=y', "found '\"x=y', expected a name"),
        ("=5", "found '=5', expected a name"),
        (" ", "found ' ', expected a name"),
    ],
)
def test_signs_that_do_not_exist_are_named(condition: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^--where: {re.escape(message)}"):
        Condition.parse(condition)


def test_wrong_conditions_say_what_is_expected() -> None:
    with pytest.raises(ConfigurationError, match="--where: found 'done', expected a name"):
        Condition.parse("done")
    with pytest.raises(ConfigurationError, match="no run has 'dev.F1'; did you mean 'dev.f1'"):
        select(ROWS, [Condition.parse("dev.F1>0")])
    for condition in ("dev.f1>abc", "dev.f1=abc", "dev.f1<nan"):
        with pytest.raises(ConfigurationError, match=r"--where: dev\.f1 is a number, found '(abc|nan)', expected a number"):
            select(ROWS, [Condition.parse(condition)])
    for condition in ("state=finished", "state!=finished", "state=DONE"):
        with pytest.raises(ConfigurationError, match="there is no state '.*'; expected .*done.*failed.*crashed"):
            select(ROWS, [Condition.parse(condition)])
    assert select(ROWS, [Condition.parse("with_pairs=maybe")]) == [], "what is no number may be any text"


def test_rows_without_a_value_are_last_in_either_order() -> None:
    assert [row["run"] for row in in_order(ROWS, "dev.f1")] == ["a", "c10", "b"]
    assert [row["run"] for row in in_order(ROWS, "dev.f1", reverse=True)] == ["c10", "a", "b"]


def finished(folder: Path, seed: int, rate: float, f1: float) -> None:
    settings = {"seed": seed, "epochs": 3, "optimizer": {"learning_rate": rate}}
    record = RunRecord.create(folder, "finetuning", {"task": "ner", "model": "minilm", "settings": settings})
    record.finish({"metric": "micro_f1", "dev": {"micro_f1": f1, "loss": 1.0}, "test": {"micro_f1": f1 / 2}})


def test_the_table_shows_what_differs_and_the_main_scores(tmp_path: Path) -> None:
    finished(tmp_path / "a", 1, 0.001, 0.5)
    finished(tmp_path / "b", 2, 0.001, 0.75)
    table = list_runs([tmp_path], sort="test.micro_f1", reverse=True)
    assert table.columns == ["run", "task", "model", "state", "seed", "dev.micro_f1", "test.micro_f1", "started"]
    assert [row[:-1] for row in table.cells()] == [
        [str(tmp_path / "b"), "ner", "minilm", "done", 2, 0.75, 0.375],
        [str(tmp_path / "a"), "ner", "minilm", "done", 1, 0.5, 0.25],
    ]
    assert table.title == "2 runs: 2 done"
    table.write(tmp_path / "runs.csv")
    head, first, *_ = (tmp_path / "runs.csv").read_text().splitlines()
    assert "optimizer.learning_rate" in head and "dev.loss" in head and first.count(",") == head.count(",")
    few = list_runs([tmp_path], [Condition.parse("seed=1")], columns=["run", "epochs"])
    assert (few.cells(), few.title) == ([[str(tmp_path / "a"), 3]], "1 run of 2: 1 done")
    with pytest.raises(ConfigurationError, match="--column: no run has 'epoch_s'; did you mean 'epochs'"):
        list_runs([tmp_path], columns=["epoch_s"])
    with pytest.raises(ConfigurationError, match="--sort: no run has"):
        list_runs([tmp_path], sort="f1")


def test_finished_runs_become_event_files(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    finetuning_run(tmp_path / "runs" / "a", dev=(0.25, 0.5))
    finetuning_run(tmp_path / "runs" / "b", seed=1, dev=(0.5, 0.75))
    list_runs([tmp_path / "runs"]).write_event_files(tmp_path / "board")
    assert sorted(path.name for path in (tmp_path / "board").iterdir()) == ["a", "b"]
    board = EventAccumulator(str(tmp_path / "board" / "b"))
    board.Reload()
    assert [(event.step, event.value) for event in board.Scalars("dev/accuracy")] == [(0, 0.125), (1, 0.5), (2, 0.75)]
