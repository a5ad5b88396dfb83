"""Progress of a run: the time left, and plain lines where there is no terminal."""

from __future__ import annotations

import io
import sys

import pytest
from transformers import TrainerControl, TrainerState, TrainingArguments

from loreweave.training import progress
from loreweave.training.progress import UpdateProgress, say_line, time_left


class Clock:
    """A clock that is set by hand."""

    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.mark.parametrize(("seconds", "words"), [(0.4, "0s"), (59.6, "1m00s"), (80, "1m20s"), (4000, "1h06m")])
def test_time_left(seconds: float, words: str) -> None:
    assert time_left(seconds) == words


@pytest.mark.parametrize("first", [0, 40])
def test_a_line_a_minute_with_the_time_left(
    first: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An update takes 7 seconds; a resumed run does not count the updates of its earlier part as its own."""
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    state, arguments, control = TrainerState(max_steps=60), TrainingArguments("x", use_cpu=True), TrainerControl()
    state.global_step = first
    shown = UpdateProgress()
    shown.on_train_begin(arguments, state, control)
    for step in range(first + 1, 61):
        state.global_step, clock.now = step, clock.now + 7
        shown.on_step_end(arguments, state, control)
    lines = capsys.readouterr().err.splitlines()
    expected = range(first + 9, 60, 9)  # nine updates are the first to take a minute
    assert lines == [f"update {step}/60 | {time_left((60 - step) * 7)} left" for step in expected]


class Terminal(io.StringIO):
    """A stream that says it is a terminal, and can tell what stands on the screen."""

    def isatty(self) -> bool:
        return True

    def screen(self) -> list[str]:
        """The rows: a carriage return goes to the start of the row, and what is written there replaces what was."""
        rows, row, column = [""], 0, 0
        text = self.getvalue()
        place = 0
        while place < len(text):
            if text.startswith("\x1b[A", place):
                row, place = row - 1, place + 3
                continue
            character = text[place]
            place += 1
            if character == "\r":
                column = 0
            elif character == "\n":
                row, column = row + 1, 0
                rows += [""] * (row + 1 - len(rows))
            else:
                rows[row] = rows[row][:column].ljust(column) + character + rows[row][column + 1 :]
                column += 1
        return [line.rstrip() for line in rows]


@pytest.mark.parametrize("with_losses", [True, False])
def test_no_line_goes_through_the_bar_on_a_terminal(with_losses: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines of the log (of pre-training) and of others stand above the bar, each in a row of its own."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    state, arguments, control = TrainerState(max_steps=4), TrainingArguments("x", use_cpu=True), TrainerControl()
    shown = UpdateProgress(with_losses)
    shown.on_train_begin(arguments, state, control)
    for step in range(1, 5):
        state.global_step = step
        shown.on_step_end(arguments, state, control)
        shown.on_log(arguments, state, control, {"loss": 8.0 / step, "grad_norm": 1.0, "epoch": 0.5})
        if step == 3:
            say_line("warning: something")
    shown.on_train_end(arguments, state, control)
    shown.on_log(arguments, state, control, {"train_runtime": 3.0, "train_loss": 9.0, "epoch": 1.0})
    say_line("model: here")
    rows = [row for row in terminal.screen() if row]
    lines = [f"step {step}/4 | loss {8.0 / step:.4g} | grad_norm 1" for step in range(1, 5)]
    expected = [*lines[:3], "warning: something", lines[3]] if with_losses else ["warning: something"]
    assert rows[: len(expected)] == expected
    assert rows[len(expected)].startswith("100%|") and "4/4" in rows[len(expected)] and "loss=2.0000" in rows[len(expected)]
    assert rows[len(expected) + 1 :] == ["model: here"]


def test_log_lines_without_a_terminal_say_the_time_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    state, arguments, control = TrainerState(max_steps=60), TrainingArguments("x", use_cpu=True), TrainerControl()
    shown = UpdateProgress(with_losses=True)
    shown.on_train_begin(arguments, state, control)
    state.global_step, clock.now = 10, clock.now + 20
    shown.on_step_end(arguments, state, control)
    shown.on_log(arguments, state, control, {"loss": 2.5, "epoch": 0.5})
    assert capsys.readouterr().err == "step 10/60 | loss 2.5 | 1m40s left\n"
