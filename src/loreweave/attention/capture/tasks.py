"""Captures the attention of a task's checkpoint while it predicts, with the inputs of the task and the predictions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from loreweave.attention.capture.cuts import cut_of, told_cuts
from loreweave.attention.capture.observation import ObservedCall, observed
from loreweave.attention.capture.predictions import prediction_of, with_answer
from loreweave.attention.capture.reading import Reader, Source, read_call
from loreweave.attention.capture.records import chosen_records
from loreweave.attention.capture.relevance import relevance
from loreweave.attention.captured import CapturedAttention
from loreweave.encoding import EntityTokenizer
from loreweave.errors import ConfigurationError, DataError
from loreweave.tasks.contract import Reading, Training
from loreweave.tasks.entity_linking.description_rows import DescriptionRows
from loreweave.tasks.jobs.predictor import Predictor, load
from loreweave.tasks.jobs.records import outputs_of
from loreweave.tasks.model_folders import SETTINGS
from loreweave.tasks.record_task import text_rows


class TaskCapture:
    """A checkpoint of a task whose attention is captured while it predicts.

    Args:
        path: checkpoint.
        task: its task; needed only if the checkpoint does not name it.
        name: name of the model on the page.
        layers: layers to keep, from 0. None: all.
        heads: heads to keep, from 0. None: all.
        explain: number of labels to compute gradient x attention for, the most probable ones.
        report: called with messages: if the model also reads other texts than those of the records, or not all of a text.
        options: further arguments of `loreweave.load`.

    Raises:
        ConfigurationError: the task uses several models, or none with attention.
        CheckpointError: there is no checkpoint.
    """

    def __init__(
        self,
        path: str,
        task: str | None = None,
        *,
        name: str | None = None,
        layers: Sequence[int] | None = None,
        heads: Sequence[int] | None = None,
        explain: int = 1,
        report: Callable[[str], None] | None = None,
        **options: Any,
    ) -> None:
        self.predictor: Predictor = load(path, task=task, **options)
        self.loaded, self.explain, self.report = self.predictor.loaded, explain, report
        self.told_other_inputs = False
        self.cuts: dict[str, str] = {}
        tokenizer = getattr(self.loaded.encoding, "tokenizer", None)
        if not isinstance(tokenizer, EntityTokenizer):
            raise ConfigurationError(f"{self.predictor.task.name}: the inputs of this task are not single texts")
        settings = getattr(self.loaded.model.config, SETTINGS, None) or {}
        markers = {*settings.get("markers", ()), tokenizer.entity_token_1, tokenizer.entity_token_2}
        rows = getattr(self.loaded.encoding, "rows", None)  # of a linker with entities outside the vocabulary
        names = rows.names() if isinstance(rows, DescriptionRows) else {}
        vocabulary = tokenizer.entity_vocabulary
        self.reader = Reader(name or str(path), tokenizer.word_tokenizer, vocabulary, names, markers, layers, heads)

    def text(
        self,
        text: str,
        mentions: Sequence[tuple[int, int]] = (),
        id: str = "1",
        pair: str | None = None,
        place: str | None = None,
    ) -> list[CapturedAttention]:
        """Attention while the model predicts for a text and its mentions, or for a pair of texts.

        Messages name the text by `place`, such as its file and line, or by its `id`.
        A task that takes no mentions does not read them; they are only marked among the tokens.

        Raises:
            DataError: the task does not predict for such mentions.
            ConfigurationError: it does not predict from a text, or from a pair.
        """
        found = []
        rows = self._rows(text, mentions, pair)
        for number, row in enumerate(rows):
            name = id if len(rows) == 1 else f"{id}:{number + 1}"
            marked = [(row["start"], row["end"])] if {"start", "end"} <= set(row) else mentions
            whole = text if pair is None else f"{text} {pair}"
            found += self._observed(partial(self._answered, row), Source(name, whole, mentions=marked), "" if pair else text)
        self._tell_cuts(place)
        return found

    def _rows(self, text: str, mentions: Sequence[tuple[int, int]], pair: str | None) -> list[dict[str, Any]]:
        """The queries about a text."""
        task = self.predictor.task
        if pair is not None:
            if task.pair_row is None:
                raise ConfigurationError(f"{task.name} reads no pairs of texts; leave --pair out")
            return [task.pair_row(text, pair)]
        if task.rows is None:
            ways = "--pair SECOND_TEXT, or --data FILE" if task.pair_row is not None else "--data FILE"
            asks = ", ".join(task.asks)
            raise ConfigurationError(f"{task.name} predicts from {asks}, which a text alone does not have; use {ways}")
        rows = task.rows(text, () if task.rows is text_rows else mentions)
        if not rows:
            raise DataError(f"found a text without a mention, but {task.name} predicts for mentions; use --mention")
        return rows

    def file(
        self, path: Path, number: int | None, ids: Sequence[str] = (), reading: Reading | None = None
    ) -> Iterator[CapturedAttention]:
        """Attention while the model predicts for the first records of a file, with their gold labels.

        The arguments are those of `records.chosen_records`.

        Raises:
            DataError: the file has no such record.
            ConfigurationError: the task does not predict for single records.
        """
        training = self.predictor.task.training
        if training is None or training.score is None:
            raise ConfigurationError(f"{self.predictor.task.name} does not predict for single records; leave --data out")
        for record in chosen_records(training, path, number, ids, reading, self.report):
            source = Source(record.id, record.joined, mentions=record.mentions)
            text = record.text if record.pair is None else ""
            yield from self._observed(partial(self._predicted, training, record.record), source, text)
        self._tell_cuts()

    def _answered(self, row: Mapping[str, Any]) -> Mapping[str, Any]:
        """Answer to a query."""
        return self.predictor.predict_rows([row])[0]

    def _predicted(self, training: Training[Any], record: Any) -> Mapping[str, Any]:
        """Prediction for a record as `loreweave predict` answers it, with its gold labels."""
        outputs = outputs_of(self.loaded, [record], 1)
        evaluation = (self.loaded.scorer or training.score)([record], outputs, self.loaded.labels)  # type: ignore[misc]
        answers = self.predictor.answers_of_outputs([record], outputs) or []
        return with_answer(next(iter(evaluation.predictions), {}), answers[0] if len(answers) == 1 else None)

    def _observed(self, predict: Callable[[], Mapping[str, Any]], source: Source, text: str) -> list[CapturedAttention]:
        """Attention of each part that the model reads during a prediction. text: that of its mentions, if there is one text."""
        with observed(self.loaded.model) as calls:
            answer = predict()
        calls = self._of_the_input(calls)
        prediction = prediction_of(answer, text)
        found: list[CapturedAttention] = []
        for call in calls:
            rows = call.inputs["input_ids"].shape[0]
            for row in range(rows):
                name = source.id if rows * len(calls) == 1 else f"{source.id} (part {len(found) + 1})"
                found += read_call(call.row(row), [replace(source, id=name)], self.reader)
        if self.explain and len(calls) == 1 and len(found) == 1:
            found = [replace(found[0], relevance=self._relevance(calls[0], found[0]))]
        cut = cut_of(source.text, self.reader.tokenizer, found)
        if cut:
            self.cuts[source.id] = cut
        return [replace(each, prediction=prediction, cut=cut) for each in found]

    def _tell_cuts(self, place: str | None = None) -> None:
        """Say once which texts are longer than what the model reads."""
        if self.cuts and self.report is not None:
            self.report(told_cuts(self.reader.model, {place or f"example {id}": cut for id, cut in self.cuts.items()}))
        self.cuts.clear()

    def _of_the_input(self, calls: list[ObservedCall]) -> list[ObservedCall]:
        """The calls in which the encoder reads the input of the model, without those in which it reads other texts, such as
        the descriptions of entities."""
        own = [call for call in calls if _same(call.inputs.get("input_ids"), call.of_model.get("input_ids"))] or calls
        if len(own) < len(calls) and self.report is not None and not self.told_other_inputs:
            name = self.predictor.task.name
            self.report(f"{name}: other inputs of the encoder than the text are left out, such as descriptions of entities")
            self.told_other_inputs = True
        return own

    def _relevance(self, call: ObservedCall, captured: CapturedAttention) -> dict[str, np.ndarray]:
        """Gradient x attention of the most probable labels, if the model has one row of logits for an input."""
        model, labels = self.loaded.model, self.loaded.labels
        inputs = {name: value for name, value in call.of_model.items() if isinstance(value, torch.Tensor) and name != "labels"}
        with torch.no_grad():
            logits = getattr(model(**inputs), "logits", None)
        size = len(captured.queries)
        if not labels or not isinstance(logits, torch.Tensor) or logits.shape != (1, len(labels)):
            return {}
        best = logits[0].argsort(descending=True)[: self.explain].tolist()
        found = relevance(model, inputs, best)
        if any(matrix.shape != (size, size) for matrix in found):  # a batch of one has no padding unless lengths are rounded up
            return {}
        return {labels[number]: matrix for number, matrix in zip(best, found, strict=True)}


def _same(read: Any, given: Any) -> bool:
    """Whether two inputs have the same ids, whatever their shape."""
    both = isinstance(read, torch.Tensor) and isinstance(given, torch.Tensor)
    return both and torch.equal(read.flatten(), given.flatten())
