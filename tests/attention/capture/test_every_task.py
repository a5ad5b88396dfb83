"""The attention of a checkpoint of each registered task, with records in a format of the task."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from formats_page import EXAMPLES, write_example
from linking_world import ENTITIES, write

from loreweave.attention.asked import Asked
from loreweave.attention.captured import CapturedAttention
from loreweave.attention.sources import captured_attention
from loreweave.errors import ConfigurationError
from loreweave.tasks.registry import load_task, load_training, task_names, trained_task_names
from loreweave.training.settings.configuration import fill

TEXT = "Ann lives in Oslo."
Checkpoint = tuple[Path, Path]


def captured(model: Path, **asked: Any) -> list[CapturedAttention]:
    return list(captured_attention([str(model)], Asked(device="cpu", **asked)))


@pytest.fixture(params=["tiny_bert", "tiny_luke"])
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], Checkpoint]:
    """Makes a checkpoint of a task and a file of records, the first example in docs/formats.md."""

    def make(name: str) -> Checkpoint:
        training = load_training(name)
        settings: dict[str, Any] = {"max_length": 48}
        if name == "entity-linking":
            settings["entities"] = str(write(tmp_path / "entities.jsonl", ENTITIES))
        (tmp_path / "data").mkdir()
        format = next(format for format in training.formats if format in EXAMPLES)
        data = write_example(format, EXAMPLES[format], tmp_path / "data")
        labels = training.labels(training.read(data, format, False).records)
        model = training.build(str(request.getfixturevalue(request.param)), labels, fill(training.config, settings))
        model.save_pretrained(tmp_path / "model")
        return tmp_path / "model", data

    return make


@pytest.mark.parametrize("name", trained_task_names())
def test_records_are_shown_as_the_model_reads_them(name: str, made: Callable[[str], Checkpoint]) -> None:
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


def _spans(found: list[CapturedAttention]) -> list[tuple[str, int, int]]:
    return [
        (each.text, start, end)
        for each in found
        for start, end in zip(each.queries.starts, each.queries.ends, strict=True)
        if start >= 0
    ]


@pytest.mark.parametrize("name", trained_task_names())
def test_a_text_is_shown_or_the_message_says_what_the_task_needs(name: str, made: Callable[[str], Checkpoint]) -> None:
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
