"""Progress of a run with the remaining time: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Any

from tqdm.auto import tqdm
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

# `train_loss` is a mean that transformers computes over the last part of a resumed run only.
_QUIET = {"epoch", "total_flos", "train_loss", "train_runtime", "train_samples_per_second", "train_steps_per_second"}


class Pace:
    """Speed of a run, measured from the creation of this object; a resumed run counts its own steps only."""

    def __init__(self, first_step: int = 0) -> None:
        self.began, self.first_step = time.monotonic(), first_step

    def left(self, state: TrainerState) -> str | None:
        """Remaining time in words; None before the first step and after the last."""
        done = state.global_step - self.first_step
        if not done or state.global_step >= state.max_steps:
            return None
        return f"{time_left((time.monotonic() - self.began) / done * (state.max_steps - state.global_step))} left"


class UpdateProgress(TrainerCallback):
    """One bar over all updates with the latest loss; without a terminal, plain lines instead.

    Written to standard error, by the first process only.

    Args:
        with_losses: print every log line, such as `step 10/200 | loss 7.31 | masked_words_loss 5.02 | 1m20s left`; otherwise
            `update 130/1300 | 4m10s left`, one line per minute, and nothing next to a bar.
    """

    seconds_between_lines = 60.0

    def __init__(self, with_losses: bool = False) -> None:
        self.with_losses = with_losses
        self.bar: tqdm | None = None
        self._pace, self._said = Pace(), 0.0

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Open the bar, or start the clock."""
        self._pace, self._said = Pace(state.global_step), time.monotonic()
        if state.is_world_process_zero and sys.stderr.isatty():
            self.bar = tqdm(
                total=state.max_steps, initial=state.global_step, unit="update", file=sys.stderr, dynamic_ncols=True
            )

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Advance the bar, or print a line."""
        if self.bar is not None:
            self.bar.update(state.global_step - self.bar.n)
        elif state.is_world_process_zero and not self.with_losses:
            if time.monotonic() - self._said < self.seconds_between_lines:
                return
            if left := self._pace.left(state):
                say_line(f"update {state.global_step}/{state.max_steps} | {left}")
            self._said = time.monotonic()

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: Mapping[str, float] | None = None,
        **_: Any,
    ) -> None:
        """Show the loss."""
        if not state.is_world_process_zero or not logs:
            return
        if self.bar is not None and "loss" in logs:
            self.bar.set_postfix(loss=f"{logs['loss']:.4f}", epoch=f"{state.epoch or 0:.2f}")
        if self.with_losses:
            parts = [f"step {state.global_step}/{state.max_steps}"]
            parts += [f"{name} {value:.4g}" for name, value in logs.items() if name not in _QUIET]
            left = None if self.bar is not None else self._pace.left(state)  # a bar shows it
            if len(parts) > 1:
                say_line(" | ".join([*parts, *([left] if left else [])]))

    def on_train_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Leave the bar as it is: the next line comes below it."""
        if self.bar is not None:
            self.bar.close()
            self.bar = None


def say_line(line: str) -> None:
    """Print a line on standard error, above open bars."""
    tqdm.write(line, file=sys.stderr)
    sys.stderr.flush()


def time_left(seconds: float) -> str:
    """A duration in words.

    Example:
        >>> time_left(4000)
        '1h06m'
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes:02d}m"
    return f"{minutes}m{rest:02d}s" if minutes else f"{rest}s"
