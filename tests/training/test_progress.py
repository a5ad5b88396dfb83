"""Progress of a run: the time left, and plain lines where there is no terminal."""

from __future__ import annotations

import pytest
from transformers import TrainerControl, TrainerState, TrainingArguments

from loreweave.training import progress
from loreweave.training.progress import UpdateProgress, time_left


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
