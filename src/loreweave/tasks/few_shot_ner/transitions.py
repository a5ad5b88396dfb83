"""Transitions between tags of yet unknown types, and the best path with them (StructShot).

Counts of a source corpus distinguish O from entities, and the same type from another one; for the types of an episode they
are divided evenly.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import Tensor

from loreweave.corpus.column_formats.tag_schemes import OUTSIDE

_FLOOR = 1e-6


@dataclass(frozen=True)
class TransitionCounts:
    """Number of sentences that begin with O or an entity (s), and of tags after O (o), an entity (i), another type (x_y)."""

    s_o: int = 0
    s_i: int = 0
    o_o: int = 0
    o_i: int = 0
    i_o: int = 0
    i_i: int = 0
    x_y: int = 0

    def to_dict(self) -> dict[str, int]:
        """The counts as JSON."""
        return asdict(self)


def count_transitions(sentences: Iterable[Sequence[str]]) -> TransitionCounts:
    """Count over the bare labels of sentences."""
    counts = Counter[str]()
    for labels in sentences:
        for before, label in zip(labels, labels[1:], strict=False):
            counts[_name(before, label)] += 1
        if labels:
            counts["s_o" if labels[0] == OUTSIDE else "s_i"] += 1
    return TransitionCounts(**counts)


def log_transitions(counts: TransitionCounts, types: int, temperature: float, shared_by: int | None = None) -> Tensor:
    """Log weights [1 + classes, classes]: from the start (row 0), O (1) and each of `types` types to O and each type.

    Args:
        temperature: power of every entry before the rows are normalised; near 0 all legal transitions have equal
            weight.
        shared_by: number of types that a group's rate is divided among. Default: `types`. The released code uses all
            types of the test file.
    """
    among = shared_by or types
    start, outside, inside = (
        _rates(counts.s_o, counts.s_i), _rates(counts.o_o, counts.o_i), _rates(counts.i_o, counts.i_i, counts.x_y),
    )  # fmt: skip
    table = np.zeros((1 + 1 + among, 1 + among))
    table[0] = [start[0], *[start[1] / among] * among]
    table[1] = [outside[0], *[outside[1] / among] * among]
    table[2:, 0] = inside[0]
    table[2:, 1:] = inside[2] / max(among - 1, 1)
    table[2 + np.arange(among), 1 + np.arange(among)] = inside[1]
    powered = np.where(table > 0, table, 0) ** temperature * (table > 0)
    powered /= np.maximum(powered.sum(1, keepdims=True), np.finfo(float).tiny)
    logs = np.log(np.where(powered > 0, powered, _FLOOR))
    return torch.tensor(logs[: 2 + types, : 1 + types], dtype=torch.float32)


@torch.no_grad()
def best_paths(emissions: Tensor, lengths: Tensor, transitions: Tensor) -> Tensor:
    """Viterbi over padded sentences.

    Args:
        emissions: log probabilities [sentences, words, classes].
        lengths: words of each sentence [sentences].
        transitions: see `log_transitions`.

    Returns:
        Classes [sentences, words]; values after a sentence's end have no meaning.
    """
    steps = emissions.shape[1]
    transitions = transitions.to(emissions)
    score = emissions[:, 0] + transitions[0]
    pointers = []
    for step in range(1, steps):
        best, origin = (score[:, :, None] + transitions[1:]).max(dim=1)
        going = (step < lengths)[:, None]
        score = torch.where(going, best + emissions[:, step], score)
        stay = torch.arange(score.shape[1], device=score.device).expand_as(origin)
        pointers.append(torch.where(going, origin, stay))
    path = [score.argmax(1)]
    for origin in reversed(pointers):
        path.append(origin.gather(1, path[-1][:, None])[:, 0])
    return torch.stack(path[::-1], dim=1)


def _name(before: str, label: str) -> str:
    if before == OUTSIDE:
        return "o_o" if label == OUTSIDE else "o_i"
    if label == OUTSIDE:
        return "i_o"
    return "i_i" if before == label else "x_y"


def _rates(*counts: int) -> list[float]:
    total = sum(counts)
    return [count / total if total else 0.0 for count in counts]
