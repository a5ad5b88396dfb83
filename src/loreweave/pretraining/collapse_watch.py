"""Says when latent typing selects next to nothing, or next to everything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

LEAST, MOST = 0.05, 0.95
SELECTED = "latent_typing_selected"


class CollapseWatch(TrainerCallback):
    """Warns when the selected share of the words leaves the range from 5 % to 95 %, and once if it never enters it.

    A new typer selects nearly all, so the first half of the run may be outside without a word.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say
        self.settled = False
        self.warned = False

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """A resumed run knows what its earlier part logged, and does not say it again."""
        for row in state.log_history:
            if SELECTED in row:
                self._notices(row[SELECTED], int(row["step"]), state.max_steps)

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        """Read the share from each log line."""
        share = (logs or {}).get(SELECTED)
        if share is None or not state.is_world_process_zero:
            return
        if self._notices(share, state.global_step, state.max_steps):
            remedy = ("a smaller", "a larger") if share < LEAST else ("a larger", "a smaller")
            self.say(
                f"warning: at step {state.global_step} latent typing selects {share:.1%} of the words (expected 5 % to 95 %); "
                f"try {remedy[0]} sparsity_weight or {remedy[1]} reconstruction_weight"
            )

    def _notices(self, share: float, step: int, steps: int) -> bool:
        """Whether the share has left the range, or has not entered it by half of the run, for the first time."""
        if LEAST <= share <= MOST:
            self.settled, self.warned = True, False
        elif not self.warned and (self.settled or 2 * step >= steps):
            self.warned = True
            return True
        return False
