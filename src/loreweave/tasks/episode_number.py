"""What training in episodes goes through: numbers, each of which draws its episode when a batch asks for it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EpisodeNumber:
    """An episode of training that is yet to be drawn. All count for equally long."""

    number: int
    length: int = 1
