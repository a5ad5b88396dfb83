"""Queries and answers of latent types."""

from __future__ import annotations

from pathlib import Path

import pytest
from typed_texts import typed

from loreweave.errors import ConfigurationError, DataError
from loreweave.tasks.contract import Execution
from loreweave.tasks.jobs.predict import open_task
from loreweave.tasks.latent_types.prediction import answer_of, read_query
from loreweave.tasks.registry import load_task

TASK = load_task("latent-types")


def test_an_answer_has_the_selected_sub_words() -> None:
    answer = answer_of(typed("Ann left", ("Ann", 2), ("left", 0)))
    assert answer == {
        "text": "Ann left",
        "predicted": [{"start": 0, "end": 3, "text": "Ann", "type": 2, "probability": 0.7}],
    }


def test_bad_queries() -> None:
    with pytest.raises(DataError, match="found an empty text"):
        read_query({"text": " "}, "1")
    with pytest.raises(DataError, match="expected a string"):
        read_query({"text": 3}, "1")


@pytest.mark.parametrize(("length", "lost"), [(4, "2 sub-words were"), (5, "1 sub-word was")])
def test_long_sentences_are_cut_and_said(length: int, lost: str, folder: Path) -> None:
    said: list[str] = []
    execution = Execution(device="cpu", report=said.append)
    answers = open_task(TASK, folder, settings=[f"max_length={length}", "method=sample"], execution=execution)
    (answer,) = answers([("here", {"text": "ann lives in oslo"})])
    assert "reconstruction" in answer and said == [f"{lost} not read: beyond the first {length} of a sentence"]


def test_it_needs_no_data(folder: Path) -> None:
    with pytest.raises(ConfigurationError, match="predict latent-types has no --data"):
        open_task(TASK, folder, folder)
