"""Passes the log of a run to its objectives, and shows their warnings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from loreweave.objectives import Objective
from loreweave.pretraining.metrics import metrics_of


class ObjectiveWatch(TrainerCallback):
    """Passes the metrics of each log line to the `watch` of their objective, and warns of objectives without targets."""

    def __init__(self, objectives: Sequence[Objective], say: Callable[[str], None]) -> None:
        self.objectives = objectives
        self.say = say
        self._has_begun = False

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Pass the log of the earlier part of a resumed run, whose warnings have been shown."""
        for row in state.log_history:
            self._warnings(row, int(row["step"]), state.max_steps)

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        """Show the warnings of one log line."""
        if state.is_world_process_zero:
            for line in self._warnings(logs or {}, state.global_step, state.max_steps):
                self.say(line)

    def _warnings(self, logs: Mapping[str, float], step: int, steps: int) -> list[str]:
        if "loss" not in logs:  # a line about the whole run
            return []
        first, self._has_begun = not self._has_begun, True
        lines: list[str] = []
        for objective in self.objectives:
            metrics = metrics_of(objective.name, logs)
            if first and not metrics:
                lines.append(
                    f"warning: up to step {step}, {objective.name} has had {objective.nothing}, so that it has learned nothing"
                )
            lines += objective.watch(metrics, step, steps)
        return lines
