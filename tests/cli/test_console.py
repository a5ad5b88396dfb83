"""What commands show where no terminal is: plain lines, results and messages apart."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from loreweave.cli import console


def test_results_go_to_standard_output_and_messages_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    console.say("reading")
    console.show_json({"f1": 0.5, "title": "Ā"})
    captured = capsys.readouterr()
    assert captured.err == "reading\n"
    assert json.loads(captured.out) == {"f1": 0.5, "title": "Ā"} and "Ā" in captured.out


def test_a_table_is_lines_of_cells(capsys: pytest.CaptureFixture[str]) -> None:
    console.show_table(("model", "f1"), [("a [b]", 0.123456), ("c", None)], title="left out")
    assert capsys.readouterr().out == "model\tf1\na [b]\t0.1235\nc\t-\n"


def test_titles_stand_before_lines_where_there_are_several_tables(capsys: pytest.CaptureFixture[str]) -> None:
    console.show_table(("model",), [("a",)], title="models", always_titled=True)
    assert capsys.readouterr().out == "models\nmodel\na\n"
    console.show_evaluation({"f1": 0.5}, {"per_label": [{"label": "x", "f1": 0.5}]}, title="ner")
    assert capsys.readouterr().out == "per label\nlabel\tf1\nx\t0.5\nner\nmetric\tvalue\nf1\t0.5\n"
    console.show_evaluation({"f1": 0.5}, {}, title="ner")
    assert capsys.readouterr().out == "metric\tvalue\nf1\t0.5\n"


def test_errors_without_cases_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    errors = [{"error": "rare", "cases": 0}, {"error": "other", "cases": 2}]
    console.show_tables({"errors": errors, "counts": [{"nil": 0}]})
    assert capsys.readouterr().out == "errors\nerror\tcases\nother\t2\ncounts\nnil\n0\n"
    console.show_tables({"errors": errors[:1]})
    assert capsys.readouterr().out == ""


def test_facts_stand_side_by_side_where_they_fit_else_each_for_itself(capsys: pytest.CaptureFixture[str]) -> None:
    facts = {"a": {"records": 3, "words": 9}, "b": {"records": 1}}
    console.show_facts(facts, title="files")
    assert capsys.readouterr().out == "files\nwhat\ta\tb\nrecords\t3\t1\nwords\t9\t-\n"
    console.show_facts(facts, title="files", width=30)
    assert capsys.readouterr().out == "files: a\nwhat\tvalue\nrecords\t3\nwords\t9\nfiles: b\nwhat\tvalue\nrecords\t1\n"


def test_long_cells_wrap_on_a_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "_is_terminal", lambda stream: True)
    monkeypatch.setenv("COLUMNS", "80")
    console.show_table(("name", "what"), [("x" * 60, "y" * 60)], title="wide")
    shown = capsys.readouterr().out
    assert shown.count("x") == 60 and shown.count("y") == 60 and max(map(len, shown.splitlines())) <= 80


def test_a_table_on_a_terminal_shows_markup_as_it_is_written(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console, "_is_terminal", lambda stream: True)
    console.show_table(("model", "f1"), [("a [bold]", 0.5)], title="scores")
    shown = capsys.readouterr().out
    assert "a [bold]" in shown and "scores" in shown and "0.5" in shown


def test_progress_counts_and_ends_with_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    with console.progress("encoding", total=3) as advance:
        advance()
        advance(2)
    assert capsys.readouterr().err == "encoding: 3/3 (0 s)\n"
    with console.progress("reading") as advance:
        advance(2)
    assert capsys.readouterr().err == "reading: 2 (0 s)\n"


def test_running_counts_become_steps() -> None:
    steps: list[int] = []
    show = console.steps_from_count(steps.append, len)
    for report in ("ab", "ab", "abcde"):
        show(report)
    assert steps == [2, 0, 3]


def test_counts_are_a_table_of_what_is_not_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    counts = {"windows": 0, "mentions_kept": 3, "mentions_dropped": 0}
    console.show_counts(counts, Path("out"), always=("windows",))
    captured = capsys.readouterr()
    assert captured.out == "what\tcount\nwindows\t0\nmentions kept\t3\n" and captured.err == "wrote out\n"
    console.show_counts(counts, Path("out"), as_json=True)
    assert json.loads(capsys.readouterr().out) == {"output": "out", **counts}


def test_progress_says_a_line_when_enough_time_has_passed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console, "SECONDS_BETWEEN_LINES", 0.0)
    with console.progress("encoding", total=4) as advance:
        advance(2)
        advance(2)
    assert [line.split(" (")[0] for line in capsys.readouterr().err.splitlines()] == [
        "encoding: 2/4",
        "encoding: 4/4",
        "encoding: 4/4",
    ]


def test_of_several_processes_only_the_first_speaks(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RANK", "1")
    console.say("reading")
    console.show_json({})
    console.show_table(("a",), [(1,)])
    with console.progress("encoding") as advance:
        advance()
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""
