"""`loreweave.load`: any checkpoint that a task was trained on as an object that predicts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from loreweave.errors import CheckpointError, ConfigurationError, DataError
from loreweave.tasks.jobs.jobs import load_checkpoint_of, model_folder, task_of
from loreweave.tasks.jobs.predicting import answerer_of, outputs_of, predict_rows
from loreweave.tasks.jobs.queries import Answerer
from loreweave.tasks.registry import (
    PRETRAINED_TASKS,
    TASKS,
    Execution,
    PretrainedTask,
    Task,
    TaskModel,
    load_pretrained_task,
    load_task,
)
from loreweave.training.devices import choose_device
from loreweave.training.inference import move
from loreweave.training.settings.configuration import fill


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
            For each text its answers, in the order of the mentions: character offsets, labels and probabilities. A task that
            finds the mentions itself takes none and answers with those that it found.

        Raises:
            DataError: a mention outside its text, or mentions for another number of texts.

        Example:
            >>> predictor.predict(["Ann lives in Oslo."], mentions=[[(0, 3), (13, 17)]])  # doctest: +SKIP
            >>> ner_predictor.predict(["Ann lives in Oslo."])  # doctest: +SKIP
        """
        if isinstance(texts, str):
            raise DataError("found one text, expected a list of texts")
        spans = [[] for _ in texts] if mentions is None else [list(given) for given in mentions]
        if len(spans) != len(texts):
            raise DataError(f"found mentions for {len(spans)} texts, expected {len(texts)}", field="mentions")
        asked = [self.task.ask(text, given, str(i)) for i, (text, given) in enumerate(zip(texts, spans, strict=True))]
        records = [record for group in asked for record in group]
        outputs = outputs_of(self.loaded, records, batch_size)
        answers = iter((self.loaded.answerer or self.task.answer)(records, outputs, self.labels))
        grouped = [[next(answers) for _ in group] for group in asked]
        finds = self.task.finds
        return grouped if finds is None else [[found for each in group for found in each[finds]] for group in grouped]

    def predict_rows(self, rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Answer JSON objects as `loreweave predict --strict` does.

        Raises:
            DataError: names the first bad query by its number.
        """
        return list(predict_rows(self.task, self.loaded, ((f"query {n}", row) for n, row in enumerate(rows, 1))))


class PretrainedPredictor:
    """A pre-trained model with the data that it is asked about. Made by `load` with `data`."""

    def __init__(self, task: PretrainedTask, answer: Answerer) -> None:
        self.task, self._answer = task, answer

    def predict_rows(self, rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Answer JSON objects as `loreweave predict` does.

        Example:
            >>> predictor.predict_rows([{"head": "Oslo", "relation": "country", "tail": None}])  # doctest: +SKIP
        """
        return list(self._answer((f"query {n}", row) for n, row in enumerate(rows, 1)))


def load(
    path: str | PathLike[str],
    *,
    task: str | None = None,
    device: str | None = None,
    base: str | None = None,
    labels: Sequence[str] | None = None,
    data: str | PathLike[str] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Predictor | PretrainedPredictor:
    """Load a checkpoint: a run's folder, a Hugging Face folder, or a released file.

    Args:
        path: where it is.
        task: its task; needed only where the checkpoint does not say.
        device: `cpu`, `cuda`, ...; default: an accelerator where there is one.
        base: folder of the encoder that a released file was made from.
        labels: names of the classes, by number, of a fine-tuned checkpoint that does not name them.
        data: what a pre-trained model is asked about: the folder of a graph, a support set. Gives a `PretrainedPredictor`.
        settings: of the answers, as `key=value` after `loreweave predict`.

    Raises:
        CheckpointError: nothing there, or nothing says the task.
        ConfigurationError: `data` and `settings` for a fine-tuned checkpoint, or no `data` for a pre-trained one.

    Example:
        >>> load("runs/kepler", data="build/wn18rr", settings={"top": 3})  # doctest: +SKIP
    """
    if data is not None:
        found = load_pretrained_task(task or _asked_of(Path(path)) or "link-prediction")
        asked: Any = fill(found.prediction, settings or {})
        how = Execution(device=device, report=lambda line: None)
        return PretrainedPredictor(found, found.predict(Path(path), Path(data), asked, how))
    if settings is not None:
        raise ConfigurationError("settings are for a pre-trained model, which needs data= as well")
    folder = model_folder(Path(path))
    name = task or task_of(folder)
    if name is None:
        raise CheckpointError(f"{folder}: nothing says what task this is for; give task= (one of {', '.join(TASKS)})")
    if name in PRETRAINED_TASKS:
        raise ConfigurationError(f"{folder}: {name} needs data=, what it is asked about (a graph, a support set)")
    chosen = load_task(name)
    loaded = load_checkpoint_of(chosen, folder, base, labels)
    move(loaded.model, choose_device(device)).eval()
    return Predictor(chosen, loaded)


def open_finetuned(
    task: Task[Any],
    model: Path,
    base: str | None,
    labels: Sequence[str] | None,
    device: str | None,
    batch_size: int,
    precision: str,
    report: Callable[[str], None],
) -> Answerer:
    """What answers queries by a fine-tuned checkpoint; see `load` and `predicting.answerer_of`.

    Raises:
        CheckpointError: nothing there, or a checkpoint of another task.
    """
    loaded = load_checkpoint_of(task, model, base, labels)
    move(loaded.model, choose_device(device))
    return answerer_of(task, loaded, batch_size, precision, report)


def _asked_of(path: Path) -> str | None:
    """The task of a pre-trained model's folder, if the folder says it."""
    name = task_of(model_folder(path)) if path.exists() else None
    return name if name in PRETRAINED_TASKS else None
