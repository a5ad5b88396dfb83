"""What training in episodes has in common: numbers, each of which draws its episode when a batch asks for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from loreweave.training.task_model import Encoding


@dataclass(frozen=True, slots=True)
class EpisodeNumber:
    """An episode of training that is yet to be drawn. All count for equally long."""

    number: int
    length: int = 1


@runtime_checkable
class EpisodesEncoding(Encoding, Protocol):
    """An encoding whose examples are episodes.

    Attributes:
        sentences: encodes the records that episodes are made of, one by one.
    """

    sentences: Encoding
