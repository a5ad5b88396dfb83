"""Shared part of training in episodes: an example is a number, whose episode is drawn when a batch needs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from loreweave.training.task_model import Encoding


@dataclass(frozen=True, slots=True)
class EpisodeNumber:
    """An episode of training that is not drawn yet. All have the same length."""

    number: int
    length: int = 1


@runtime_checkable
class EpisodesEncoding(Encoding, Protocol):
    """An encoding whose examples are episodes.

    Attributes:
        sentences: encodes the records of the episodes, one by one.
    """

    sentences: Encoding
