"""Ctrl-C in training: the current step is finished, a checkpoint is kept, and the run stops."""

from __future__ import annotations

import signal
from types import FrameType
from typing import Any

import torch
import torch.distributed
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments


class StopOnInterrupt(TrainerCallback):
    """Turns the first Ctrl-C (or SIGTERM) into a checkpoint and a clean stop at the end of the update; a second one aborts.

    Several processes agree on the step: if one is interrupted, all stop. `interrupted` tells afterwards whether it
    happened.
    """

    def __init__(self) -> None:
        self.interrupted = False
        self._previous: dict[int, Any] = {}

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Install the signal handlers."""
        for number in (signal.SIGINT, signal.SIGTERM):
            self._previous[number] = signal.signal(number, self._ask_to_stop)

    def _ask_to_stop(self, number: int, frame: FrameType | None) -> None:
        self.interrupted = True
        signal.signal(number, self._previous[number] or signal.SIG_DFL)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> TrainerControl:
        """Save and stop if any process was interrupted."""
        if args.world_size > 1:
            asked = torch.tensor(float(self.interrupted), device=args.device)
            torch.distributed.all_reduce(asked)
            self.interrupted = bool(asked.item())
        if self.interrupted:
            control.should_save = True
            control.should_training_stop = True
        return control

    def on_train_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Restore the signal handlers."""
        self.restore()

    def restore(self) -> None:
        """Restore the signal handlers; needed after an error in training, when transformers does not call `on_train_end`."""
        for number, handler in self._previous.items():
            signal.signal(number, handler or signal.SIG_DFL)
        self._previous.clear()
