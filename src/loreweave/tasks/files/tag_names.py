"""`--tag-names FILE`: the names of tags that a data file has as numbers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from loreweave.corpus.class_labels import read_label_names
from loreweave.corpus.files.read_result import ReadResult
from loreweave.errors import ConfigurationError
from loreweave.tasks.registry import PretrainedTask, Training

T = TypeVar("T", bound="Training | PretrainedTask")


def with_tag_names(task: T, file: Path | None) -> T:
    """The task, reading numbers in the place of tags by the names in a file; itself without one.

    Args:
        task: any task.
        file: one name a line, from 0, or JSON; see `read_label_names`.

    Raises:
        ConfigurationError: the task's files have no tags.
        DataError: the file holds no names.
    """
    if file is None:
        return task
    if not isinstance(task, Training) or task.read_numbers is None:
        raise ConfigurationError(f"{task.name} has no --tag-names: its files have no tags that could be numbers")
    names, reader = tuple(read_label_names(file)), task.read_numbers

    def read(path: Path, format: str | None, skip_bad: bool) -> ReadResult:
        return reader(path, format, skip_bad, names)

    return replace(task, read=read, tag_names=names)
