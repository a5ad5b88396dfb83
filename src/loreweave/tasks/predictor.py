"""`loreweave.load`: any fine-tuned checkpoint as an object that predicts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from loreweave.errors import CheckpointError, DataError
from loreweave.tasks.jobs import load_checkpoint_of, model_folder, predict_rows, task_of
from loreweave.tasks.registry import TASKS, Task, TaskModel, load_task
from loreweave.training.devices import choose_device
from loreweave.training.inference import move, run_model


class Predictor:
    """A task's model, ready to predict. Made by `load`."""

    def __init__(self, task: Task[Any], loaded: TaskModel) -> None:
        self.task, self.loaded = task, loaded

    @property
    def model(self) -> Any:
        """The model of transformers inside."""
        return self.loaded.model

    @property
    def labels(self) -> list[str]:
        """Names of the classes."""
        return self.loaded.labels

    def predict(
        self,
        texts: Sequence[str],
        mentions: Sequence[Sequence[tuple[int, int]]] | None = None,
        batch_size: int = 32,
    ) -> list[list[dict[str, Any]]]:
        """Predict for each text; `mentions` holds, for each text, (start, end) characters.

        Returns:
            For each text its answers, in the order of the mentions: character offsets, labels and probabilities.

        Raises:
            DataError: a mention outside its text, or mentions for another number of texts.

        Example:
            >>> predictor.predict(["Ann lives in Oslo."], mentions=[[(0, 3), (13, 17)]])  # doctest: +SKIP
        """
        if isinstance(texts, str):
            raise DataError("found one text, expected a list of texts")
        spans = [[] for _ in texts] if mentions is None else [list(given) for given in mentions]
        if len(spans) != len(texts):
            raise DataError(f"found mentions for {len(spans)} texts, expected {len(texts)}", field="mentions")
        asked = [self.task.ask(text, given, str(i)) for i, (text, given) in enumerate(zip(texts, spans, strict=True))]
        records = [record for group in asked for record in group]
        encoding = self.loaded.encoding
        outputs = run_model(
            self.loaded.model, encoding.encode(records), encoding.collate, encoding.unpack, batch_size=batch_size
        )
        answers = iter(self.task.answer(records, outputs, self.labels))
        return [[next(answers) for _ in group] for group in asked]

    def predict_rows(self, rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Answer JSON objects as `loreweave predict` does."""
        return list(predict_rows(self.task, self.loaded, ((f"query {n}", row) for n, row in enumerate(rows, 1))))


def load(
    path: str | PathLike[str], *, task: str | None = None, device: str | None = None, base: str | None = None
) -> Predictor:
    """Load a fine-tuned checkpoint: a run's folder, a Hugging Face folder, or a released file.

    Args:
        path: where it is.
        task: its task; needed only where the checkpoint does not say.
        device: `cpu`, `cuda`, ...; default: an accelerator where there is one.
        base: folder of the encoder that a released file was made from.

    Raises:
        CheckpointError: nothing there, or nothing says the task.
    """
    folder = model_folder(Path(path))
    name = task or task_of(folder)
    if name is None:
        raise CheckpointError(f"{folder}: nothing says what task this is for; give task= (one of {', '.join(TASKS)})")
    chosen = load_task(name)
    loaded = load_checkpoint_of(chosen, folder, base)
    move(loaded.model, choose_device(device)).eval()
    return Predictor(chosen, loaded)
