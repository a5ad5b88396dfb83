"""What every task on records must do, whatever it is about; a subclass names the task and gives it a small world."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from formats_page import EXAMPLES, write_example
from task_jobs import evaluate, parts_of, predict_rows, score

from loreweave.errors import DataError
from loreweave.tasks.contract import Training
from loreweave.tasks.jobs.checkpoints import load_checkpoint_of
from loreweave.tasks.registry import load_task, training_of
from loreweave.training.settings.configuration import fill
from loreweave.training.task_model import TaskModel

Row = dict[str, Any]


class RecordTaskCases:
    """The cases; `pytest` collects the subclasses.

    Attributes:
        name: name of the task.
        rows: rows of a JSON Lines file with gold, with at least two labels.
        gold: fields of a row that say the gold, and are not part of a query.
        bad: changes that make a row bad, each with the field that the error names.
        long: a query that is longer than 16 sub-words.
        settings: of a model that differ from the task's defaults.
        examples: content of a file by format, in place of the example in docs/formats.md.
        without_example: formats that docs/formats.md describes without an example, with the test that reads them.
        rounding: absolute difference that logits of the same weights may have: a layer with a single output rounds differently
            where its weights lie differently in memory.
    """

    name: ClassVar[str]
    rows: ClassVar[Sequence[Row]]
    gold: ClassVar[tuple[str, ...]]
    bad: ClassVar[Sequence[tuple[Row, str]]]
    long: ClassVar[Row]
    settings: ClassVar[Mapping[str, Any]] = {}
    examples: ClassVar[Mapping[str, str]] = {}
    without_example: ClassVar[Mapping[str, str]] = {}
    rounding: ClassVar[float] = 0

    @property
    def training(self) -> Training[Any]:
        """The task's declaration."""
        return training_of(load_task(self.name))

    def write(self, path: Path, rows: Sequence[Row]) -> Path:
        """A JSON Lines file."""
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return path

    @pytest.fixture
    def data(self, tmp_path: Path) -> Path:
        """The rows in a file."""
        return self.write(tmp_path / "data.jsonl", self.rows)

    @pytest.fixture(params=["tiny_luke", "tiny_bert"])
    def built(self, request: pytest.FixtureRequest, data: Path) -> TaskModel:
        """An untrained model with the labels of the rows."""
        training = self.training
        labels = training.labels(training.read(data, None, False).records)
        config = fill(training.config, {"max_length": 48, **self.settings})
        model = training.build(str(request.getfixturevalue(request.param)), labels, config)
        model.model.eval()
        return model

    def queries(self) -> list[tuple[str, Row]]:
        """The rows without gold, with their places."""
        return [(f"row {n}", {k: v for k, v in row.items() if k not in self.gold}) for n, row in enumerate(self.rows)]

    def test_every_format_is_read_and_recognised(self, tmp_path: Path) -> None:
        training = self.training
        examples = {**EXAMPLES, **self.examples}
        assert set(training.formats) <= set(examples) | set(self.without_example)
        for name in set(training.formats) - set(self.without_example):
            (tmp_path / name).mkdir()
            path = write_example(name, examples[name], tmp_path / name)
            named, recognised = training.read(path, name, False), training.read(path, None, False)
            assert named.records, name
            if not name.endswith(("-coarse", "-all-pairs")):  # the same file as of another format, read otherwise
                assert [record.id for record in named.records] == [record.id for record in recognised.records], name

    def test_formats_without_an_example_have_a_test(self) -> None:
        tests = Path(__file__).parents[1]
        for name, file in self.without_example.items():
            assert name in self.training.formats and name in (tests / file).read_text(encoding="utf-8")

    def test_bad_rows_are_named_by_file_line_and_field(self, tmp_path: Path) -> None:
        training = self.training
        for changes, field in self.bad:
            path = self.write(tmp_path / "bad.jsonl", [self.rows[0], self.rows[1] | changes, *self.rows[2:]])
            with pytest.raises(DataError) as caught:
                training.read(path, None, False)
            said = str(caught.value)
            assert "bad.jsonl, line 2, field" in said and f"'{field}" in said and "found" in said and "expected" in said
            kept = training.read(path, None, True)
            assert len(kept.records) == len(self.rows) - 1 and sum(kept.skipped.values()) == 1

    def test_a_saved_model_is_the_same(self, built: TaskModel, data: Path, tmp_path: Path) -> None:
        built.save_pretrained(tmp_path / "model")
        again = load_checkpoint_of(self.training, tmp_path / "model")
        again.model.eval()
        records = self.training.read(data, None, False).records
        assert again.labels == built.labels and type(again.model) is type(built.model)
        with torch.no_grad():
            ours, theirs = (each.model(**each.encoding.collate(each.encoding.encode(records))) for each in (built, again))
        torch.testing.assert_close(theirs.logits, ours.logits, rtol=0, atol=self.rounding)

    def test_predictions_are_those_of_the_evaluation(self, built: TaskModel, data: Path, tmp_path: Path) -> None:
        built.save_pretrained(tmp_path / "model")
        evaluation, _ = evaluate(load_task(self.name), tmp_path / "model", data)
        answers = list(predict_rows(load_task(self.name), built, self.queries(), batch_size=3))
        assert len(answers) == len(self.rows)
        said = [self.said(row) for row in answers]
        assert said == [self.said(row) for row in evaluation.predictions] and any(said)

    def said(self, row: Mapping[str, Any]) -> Any:
        """What a row of predictions says, without the order of labels."""
        predicted = row["predicted"]
        return sorted(predicted) if isinstance(predicted, list) else predicted

    def right(self, row: Mapping[str, Any]) -> Any:
        """The right prediction for a row of predictions."""
        return row["gold"]

    def test_gold_is_perfect_and_shifted_gold_is_worse(self, built: TaskModel, data: Path, tmp_path: Path) -> None:
        built.save_pretrained(tmp_path / "model")
        task = load_task(self.name)
        evaluation, _ = evaluate(task, tmp_path / "model", data)
        rows = [{"id": row["id"], "predicted": self.right(row)} for row in evaluation.predictions]
        found, results = score(task, data, self.write(tmp_path / "gold.jsonl", rows))
        assert found.metrics[task.metric] == 1 and results["records"] == len(rows)
        assert set(found.metrics) <= set(task.metrics)
        golds = [row["predicted"] for row in rows]
        shifted = [row | {"predicted": gold} for row, gold in zip(rows, golds[1:] + golds[:1], strict=True)]
        worse, _ = score(task, data, self.write(tmp_path / "shifted.jsonl", shifted))
        assert worse.metrics[task.metric] < 1

    def test_what_does_not_fit_is_counted(self, tiny_bert: Path) -> None:
        built = self.training.build(str(tiny_bert), ["a", "b"], fill(self.training.config, {"max_length": 16, **self.settings}))
        parts = parts_of(load_task(self.name))
        built.encoding.encode([record for _, row in self.queries()[:1] for record in parts.query(row, "short")])
        assert built.encoding.report() == ""
        examples = built.encoding.encode(parts.query(self.long, "long"))
        assert built.encoding.report() and all(example.length <= 16 for example in examples)
