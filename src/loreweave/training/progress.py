"""Progress of a run where there is no terminal: one plain line per log, with the time left."""

from __future__ import annotations

import sys
import time
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

_QUIET = {"epoch", "total_flos", "train_runtime", "train_samples_per_second", "train_steps_per_second"}


class PlainProgress(TrainerCallback):
    """Prints `step 10/200 | loss 7.31 | masked_words_loss 5.02 | ... | 1m20s left` on standard error."""

    def __init__(self) -> None:
        self._began = 0.0
        self._first_step = 0

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Start the clock; a resumed run counts its own steps only."""
        self._began, self._first_step = time.monotonic(), state.global_step

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        """One line, from the first process alone."""
        if not state.is_world_process_zero or not logs:
            return
        parts = [f"step {state.global_step}/{state.max_steps}"]
        parts += [f"{name} {value:.4g}" for name, value in logs.items() if name not in _QUIET]
        done = state.global_step - self._first_step
        if done and state.global_step < state.max_steps:
            left = (time.monotonic() - self._began) / done * (state.max_steps - state.global_step)
            parts.append(f"{time_left(left)} left")
        print(" | ".join(parts), file=sys.stderr, flush=True)


def time_left(seconds: float) -> str:
    """A duration as people say it.

    Example:
        >>> time_left(4000)
        '1h06m'
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes:02d}m"
    return f"{minutes}m{rest:02d}s" if minutes else f"{rest}s"
