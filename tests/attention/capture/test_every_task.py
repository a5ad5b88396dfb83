"""The attention of a checkpoint of each registered task, with records in a format of the task."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from formats_page import EXAMPLES, write_example
from linking_world import ENTITIES, write

from loreweave.attention.asked import Asked
from loreweave.attention.captured import CapturedAttention
from loreweave.attention.sources import captured_attention
from loreweave.cli.main import main
from loreweave.errors import ConfigurationError
from loreweave.tasks.registry import load_task, load_training, task_names, trained_task_names
from loreweave.training.settings.configuration import fill

TEXT = "Ann lives in Oslo."
ROWS: dict[str, dict[str, Any]] = {
    "entity-typing": {"text": TEXT, "start": 13, "end": 17, "labels": ["city", "place"]},
    "relation-classification": {"text": TEXT, "head": {"start": 0, "end": 3}, "tail": {"start": 13, "end": 17}, "label": "in"},
    "ner": {"text": TEXT, "entities": [[0, 3, "PER"], [13, 17, "LOC"]]},
    "text-classification": {"text": TEXT, "label": "long"},
    "cloze-qa": {
        "text": "Ann is long .", "query": "@placeholder is .", "candidates": [{"start": 0, "end": 3}], "answers": ["Ann"]
    },
    "extractive-qa": {"question": "Ann is in", "context": TEXT, "answers": ["Oslo"]},
    "entity-linking": {"text": TEXT, "mentions": [{"start": 13, "end": 17, "entity": "Q585"}]},
}  # fmt: skip
"""A record of each task that `loreweave predict` reads as a query too."""
Checkpoint = tuple[Path, Path]


def captured(model: Path, **asked: Any) -> list[CapturedAttention]:
    return list(captured_attention([str(model)], Asked(device="cpu", **asked)))


@pytest.fixture(params=["tiny_bert", "tiny_luke"])
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., Checkpoint]:
    """Makes a checkpoint of a task and a file of records: a row, or the first example in docs/formats.md."""

    def make(name: str, row: dict[str, Any] | None = None) -> Checkpoint:
        training = load_training(name)
        settings: dict[str, Any] = {"max_length": 48}
        if name == "entity-linking":
            settings["entities"] = str(write(tmp_path / "entities.jsonl", ENTITIES))
        (tmp_path / "data").mkdir()
        format = None if row else next(format for format in training.formats if format in EXAMPLES)
        if format is None:
            more = [{**row, "label": "other"}] if "label" in row else []
            data = write(tmp_path / "data" / "records.jsonl", [row, *more])
        else:
            data = write_example(format, EXAMPLES[format], tmp_path / "data")
        labels = training.labels(training.read(data, format, False).records)
        model = training.build(str(request.getfixturevalue(request.param)), labels, fill(training.config, settings))
        model.save_pretrained(tmp_path / "model")
        return tmp_path / "model", data

    return make


@pytest.mark.parametrize("name", trained_task_names())
def test_records_are_shown_as_the_model_reads_them(name: str, made: Callable[..., Checkpoint]) -> None:
    model, data = made(name)
    training, said = load_training(name), list[str]()
    found = captured(model, data=data, examples=1, explain=0, report=said.append)
    (record,) = training.read(data, None, False).records[:1]
    assert found and all(each.id.startswith(record.id) for each in found)
    assert all(each.weights.sum(axis=-1) == pytest.approx(1, abs=1e-5) for each in found)
    covered = {text[start:end] for text, start, end in _spans(found)}
    assert covered and all(covered)
    if training.score is None:
        assert f"{name} predicts with" in said[0] and found[0].prediction is None
    else:
        assert found[0].prediction is not None


@pytest.mark.parametrize("name", [name for name in trained_task_names() if load_training(name).score is not None])
def test_the_page_says_what_predict_answers(
    name: str, made: Callable[..., Checkpoint], capsys: pytest.CaptureFixture[str]
) -> None:
    model, data = made(name, ROWS[name])
    found = captured(model, data=data, examples=1, explain=0)
    capsys.readouterr()
    assert main(["predict", name, "--model", str(model), str(data), "--device", "cpu"]) == 0
    answer = json.loads(capsys.readouterr().out.splitlines()[0])
    predicted = answer["predicted"] if isinstance(answer["predicted"], list) else [answer["predicted"]]
    expected = [one if isinstance(one, str) else _of_mention(one) for one in predicted]
    for each in found:
        assert each.prediction is not None and each.prediction.predicted is not None and each.prediction.gold
        assert sorted(each.prediction.predicted) == sorted(label or "no answer" for label in expected)
        shares = dict(zip(each.prediction.labels, each.prediction.probabilities, strict=True))
        for label, one in zip(expected, predicted, strict=True):
            told = one if isinstance(one, dict) else {"probability": answer.get("probabilities", {}).get(one)}
            share = answer.get("probability") if told["probability"] is None else told["probability"]
            assert shares[label or "no answer"] == pytest.approx(share, abs=2e-6)


def _of_mention(one: dict[str, Any]) -> str:
    """A predicted mention as the page shows it."""
    place, words = f"{one['label']} {one['start']}-{one['end']}", TEXT[one["start"] : one["end"]]
    return place if words == one["label"] else f"{place} “{words}”"


def _spans(found: list[CapturedAttention]) -> list[tuple[str, int, int]]:
    return [
        (each.text, start, end)
        for each in found
        for start, end in zip(each.queries.starts, each.queries.ends, strict=True)
        if start >= 0
    ]


@pytest.mark.parametrize("name", trained_task_names())
def test_a_text_is_shown_or_the_message_says_what_the_task_needs(name: str, made: Callable[..., Checkpoint]) -> None:
    model, _ = made(name)
    task = load_task(name)
    mentions = ["Ann", "Oslo"] if task.asks[-1] == "tail" else ["Oslo"]
    if task.rows is None:
        with pytest.raises(ConfigurationError, match=f"{name} predicts from .*; use .*--data FILE"):
            captured(model, texts=[TEXT])
        return
    (found,) = captured(model, texts=[TEXT], mentions=mentions)
    at = [place for place, start in enumerate(found.queries.starts) if start >= 0]
    words = [found.queries.text[place] for place in at if found.queries.classes[place] != "entity"]
    assert words == ["Ann", "lives", "in", "Oslo", "."]
    assert found.queries.classes[found.queries.text.index("Oslo")] == "mention"


@pytest.mark.parametrize("name", sorted(set(task_names()) - set(trained_task_names())))
def test_a_task_that_shows_nothing_is_refused_in_the_words_of_the_command(name: str, tiny_bert: Path) -> None:
    with pytest.raises(ConfigurationError, match=f"^found --task, but {name} has .*; leave --task out to see the encoder"):
        captured(tiny_bert, texts=[TEXT], task=name)
    with pytest.raises(ConfigurationError, match="give texts instead of --data and --task"):
        captured(tiny_bert, data=Path("some.jsonl"), task=name)
