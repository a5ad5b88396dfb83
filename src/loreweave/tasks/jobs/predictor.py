"""`loreweave.load`: a checkpoint of any task as an object that predicts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from loreweave.corpus.counts import counted
from loreweave.corpus.files.rows import id_of
from loreweave.encoding.model_names import resolve
from loreweave.errors import CheckpointError, ConfigurationError, DataError
from loreweave.tasks.contract import Execution, Task
from loreweave.tasks.files.marked_queries import rows_of_sentence
from loreweave.tasks.jobs.checkpoints import task_of
from loreweave.tasks.jobs.predict import open_task
from loreweave.tasks.jobs.queries import Answerer
from loreweave.tasks.record_task import has_architecture
from loreweave.tasks.registry import load_task, task_names
from loreweave.training.task_model import TaskModel

_WITH_WORD_HEAD = ("*ForMaskedLM", "*ForPreTraining")
"""Architectures of encoders that are not fine-tuned, with their masked-word head."""
Text = str | tuple[str, str] | Mapping[str, Any]
"""A text, a pair of texts, or the fields of a query."""


class Predictor:
    """A model of a task, ready to predict. Created by `load`."""

    def __init__(self, task: Task, answerer: Answerer) -> None:
        self.task, self._answerer = task, answerer

    @property
    def loaded(self) -> TaskModel:
        """The model with its encoding.

        Raises:
            ConfigurationError: the task uses several models, or none that is a `TaskModel`.
        """
        if self._answerer.loaded is None:
            raise ConfigurationError(f"{self.task.name}: its model is not accessible; use predict or predict_rows")
        return self._answerer.loaded

    def answers_of_outputs(self, records: Sequence[Any], outputs: Any) -> Sequence[dict[str, Any]] | None:
        """Answers to records from outputs of the model. None: the task does not make them from outputs alone."""
        return None if self._answerer.of_outputs is None else self._answerer.of_outputs(records, outputs)

    @property
    def model(self) -> Any:
        """The transformers model inside."""
        return self.loaded.model

    @property
    def labels(self) -> list[str]:
        """Names of the classes."""
        return self.loaded.labels

    def predict(
        self, texts: Sequence[Text], mentions: Sequence[Sequence[tuple[int, int]]] | None = None
    ) -> list[list[dict[str, Any]]]:
        """Predict for each text; `mentions` has, for each text, (start, end) characters.

        Without `mentions`, a task that needs them reads those that each text has in angle brackets.

        Instead of a text, there may be a pair of texts, for a task that reads pairs, or a dict with the fields of a query, such
        as `{"text": ..., "text_pair": ...}`.

        Returns:
            For each text its answers, in the order of the mentions: character offsets, labels and probabilities. A task that
            predicts mentions takes none, and its answers contain them.

        Raises:
            ConfigurationError: queries of the task are not texts.
            DataError: a mention outside its text, mentions for another number of texts, or a text without a mention for a task
                that needs them (`mentions=[[]]` says that it has none).

        Example:
            >>> predictor.predict(["Ann lives in Oslo."], mentions=[[(0, 3), (13, 17)]])  # doctest: +SKIP
            >>> predictor.predict(["<Ann> lives in <Oslo>."])  # doctest: +SKIP
            >>> ner_predictor.predict(["Ann lives in Oslo."])  # doctest: +SKIP
            >>> entailment_predictor.predict([("Ann lives in Oslo.", "Ann lives in Norway.")])  # doctest: +SKIP
        """
        if isinstance(texts, str):
            raise DataError("found one text, expected a list of texts")
        spans = [None for _ in texts] if mentions is None else [list(given) for given in mentions]
        if len(spans) != len(texts):
            raise DataError(f"found mentions for {counted(len(spans), 'text')}, expected {len(texts)}", field="mentions")
        rows, counts = [], []
        for number, (text, given) in enumerate(zip(texts, spans, strict=True)):
            try:
                asked = self._rows(text, given)
            except DataError as error:
                raise DataError(f"text {number}: {error.message}", field=error.field) from None
            except ConfigurationError as error:
                raise ConfigurationError(f"text {number}: {error}") from None
            counts.append(len(asked))
            for row in asked:
                id = f"{number}:{own}" if (own := id_of(row, "")) else str(number)
                rows.append((f"text {number}", row | {"id": id}))
        answers = self._answerer(rows)
        grouped = [[next(answers) for _ in range(count)] for count in counts]
        finds = None if self.task.training is None else self.task.training.finds
        return grouped if finds is None else [[found for each in group for found in each[finds]] for group in grouped]

    def _rows(self, text: Text, mentions: Sequence[tuple[int, int]] | None) -> list[dict[str, Any]]:
        """The queries about a text, a pair of texts, or of the fields of a query; mentions of None: those in brackets."""
        if isinstance(text, str):
            if self.task.rows is None:
                pair = ", or a pair of these texts" if self.task.pair_row is not None else ""
                raise ConfigurationError(
                    f"found a text, expected a dict with {', '.join(self.task.asks)}{pair}: a text alone does not have the "
                    f"fields of a query of {self.task.name}"
                )
            if mentions is None and self.task.marked_rows is not None:
                try:
                    return rows_of_sentence(text, self.task.marked_rows)
                except DataError as error:
                    way_out = "or mentions=[[(0, 3), (13, 17)]] with their characters in each text"
                    raise DataError(f"{error.message}, {way_out}", field=error.field) from None
            return self.task.rows(text, mentions or ())
        if mentions:
            raise DataError("found mentions of a pair of texts or of a dict, expected none", field="mentions")
        if isinstance(text, Mapping):
            return [dict(text)]
        match text:
            case (str(first), str(second)):
                if self.task.pair_row is None:
                    raise DataError(f"found a pair of texts, expected a text: {self.task.name} reads no pairs")
                return [self.task.pair_row(first, second)]
            case _:
                raise DataError(f"found {text!r}, expected a text, a pair of texts, or a dict")

    def predict_rows(self, rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Answer JSON objects, as `loreweave predict --strict` does.

        Raises:
            DataError: names the first bad query by its number.

        Example:
            >>> predictor.predict_rows([{"head": "Oslo", "relation": "country", "tail": None}])  # doctest: +SKIP
        """
        return list(self._answerer((f"query {n}", row) for n, row in enumerate(rows, 1)))


def load(
    path: str | PathLike[str],
    *,
    task: str | None = None,
    device: str | None = None,
    batch_size: int = 32,
    base: str | None = None,
    labels: Sequence[str] | None = None,
    data: str | PathLike[str] | None = None,
    settings: Mapping[str, Any] | None = None,
    **unknown: Any,
) -> Predictor:
    """Load a checkpoint: a run's folder, a Hugging Face folder, or a released file.

    Args:
        path: path of the checkpoint.
        task: its task; needed only if the checkpoint does not name it, as an encoder that is not fine-tuned
            (`task="fact-probing"`).
        device: `cpu`, `cuda`, .... Default: an accelerator if there is one.
        batch_size: number of inputs per batch.
        base: folder of the encoder that a released file was made from.
        labels: names of the classes, by number, of a checkpoint that does not name them.
        data: data of the queries, if the task needs them: the folder of a graph, a support set.
        settings: settings of the prediction, as `key=value` after `loreweave predict`.
        unknown: there is no other option; settings belong into `settings`.

    Raises:
        CheckpointError: there is no checkpoint, or its task is unknown.
        ConfigurationError: data, settings or options that the task does not have, or no data for a task that needs them.

    Example:
        >>> load("runs/kepler", data="build/wn18rr", settings={"top": 3})  # doctest: +SKIP
    """
    if unknown:
        first = next(iter(unknown))
        raise ConfigurationError(
            f"load has no option {first!r}; a setting of the prediction is given as settings={{{first!r}: ...}}"
        )
    name = task or _task_of(Path(path), with_data=data is not None)
    execution = Execution(device=device, batch_size=batch_size, base=base, labels=labels, report=lambda line: None)
    chosen = load_task(name)
    about = None if data is None else Path(data)
    answerer = open_task(chosen, Path(path), about, values=settings, execution=execution, data_option="data=")
    return Predictor(chosen, answerer)


def _task_of(path: Path, *, with_data: bool) -> str:
    """Task of a checkpoint; with data, that of an encoder without a task is link prediction."""
    if with_data and not path.exists():
        return "link-prediction"
    folder = resolve(path)
    name = task_of(folder)
    if name is None and with_data:
        return "link-prediction"
    if name is None:
        words = has_architecture(_WITH_WORD_HEAD, folder)
        hint = '; it is not fine-tuned: task="fact-probing" asks its masked-word head' if words else ""
        expected = f"give task= (one of {', '.join(task_names())})"
        raise CheckpointError(f"{folder}: the task of this model is unknown{hint}; {expected}")
    return name
