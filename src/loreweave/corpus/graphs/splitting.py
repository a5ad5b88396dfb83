"""Splits one set of triples into train, valid and test, such that training does not reveal the answers.

A repeated triple is kept once. Triples between the same two entities, in either direction and of any relation, stay in one
split, since an inverse or a synonym in `train` would reveal the answer. Two kinds of splits:

- transductive: every entity and relation of `valid` and `test` is in `train` too. With the same seed, the `test` of a
  smaller share is part of that of a larger share;
- inductive: entities are held out. `test` has all triples with an entity held out for it, `valid` likewise, `train` the
  rest; every relation is in `train` too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from loreweave.corpus.counts import counted
from loreweave.corpus.graphs.statistics import each_once
from loreweave.errors import ConfigurationError, DataError

SPLITS = ("train", "valid", "test")
_SHARES = re.compile(r"(\d+(?:\.\d+)?)/(\d+(?:\.\d+)?)/(\d+(?:\.\d+)?)")


@dataclass(frozen=True)
class Splitting:
    """Settings of a split of triples.

    Attributes:
        shares: of train, valid and test, in percent of the distinct triples.
        seed: seed of the order in which triples (or entities) are drawn.
        inductive: whether valid and test contain entities that train lacks.
    """

    shares: tuple[float, float, float]
    seed: int = 0
    inductive: bool = False

    @classmethod
    def parse(cls, text: str, seed: int = 0, inductive: bool = False) -> Splitting:
        """Parse `80/10/10`.

        Raises:
            ConfigurationError: it has another form, or shares that do not add up to 100.
        """
        found = _SHARES.fullmatch(text.strip())
        shares = tuple(float(part) for part in found.groups()) if found else ()
        expected = "expected the shares of train/valid/test in percent, which add up to 100, such as 80/10/10"
        if len(shares) != 3:
            raise ConfigurationError(f"--split: found {text!r}, {expected}")
        if abs(sum(shares) - 100) > 1e-6:
            raise ConfigurationError(f"--split: found {text!r}, which adds up to {sum(shares):g}; {expected}")
        if shares[0] == 0:
            raise ConfigurationError(f"--split: found {text!r}, which leaves nothing to train; {expected}")
        return cls(shares, seed, inductive)


def split_triples(
    triples: np.ndarray, num_entities: int, num_relations: int, how: Splitting
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Split triples; each split keeps their order.

    Args:
        triples: int [triples, 3] of head row, relation row, tail row.

    Returns:
        Split -> triples, without those of a share of 0; and a report for the manifest.

    Raises:
        DataError: nothing can be held out.
    """
    distinct = each_once(triples)
    wanted = [round(len(distinct) * share / 100) for share in how.shares]
    draw = _draw_entities if how.inductive else _draw_pairs
    of, together = draw(distinct, num_entities, num_relations, {2: wanted[2], 1: wanted[1]}, how.seed)
    splits = {name: distinct[of == number] for number, name in enumerate(SPLITS) if how.shares[number]}
    for name, rows in splits.items():
        if not len(rows):
            raise DataError(
                f"--split: no triple is left for {name}: of {counted(len(distinct), 'distinct triple')} none can be spared, "
                f"because train must have every {'relation' if how.inductive else 'entity and relation'}; give more triples, "
                "or other shares"
            )
    facts = {
        "shares": list(how.shares),
        "seed": how.seed,
        "inductive": how.inductive,
        "distinct_triples": len(distinct),
        "repeated_triples_left_out": len(triples) - len(distinct),
        "triples_kept_together": together,
        "wanted": {name: wanted[number] for number, name in enumerate(SPLITS) if how.shares[number]},
        "found": {name: len(rows) for name, rows in splits.items()},
    }
    return splits, facts


def _draw_pairs(
    triples: np.ndarray, num_entities: int, num_relations: int, wanted: dict[int, int], seed: int
) -> tuple[np.ndarray, int]:
    """Split of each triple [triples], and number of triples that share their two entities with another one."""
    ends = np.sort(triples[:, [0, 2]].astype(np.int64), axis=1)
    _, unit = np.unique(ends[:, 0] * num_entities + ends[:, 1], return_inverse=True)
    order, sizes = np.argsort(unit, kind="stable"), np.bincount(unit)
    stops = np.cumsum(sizes)
    degrees = np.bincount(triples[:, [0, 2]].ravel(), minlength=num_entities).tolist()
    relations = np.bincount(triples[:, 1], minlength=num_relations).tolist()
    of = np.zeros(len(triples), np.int8)
    left = dict(wanted)
    for number in np.random.default_rng(seed).permutation(len(stops)):
        split = next((split for split in (2, 1) if left[split] > 0), 0)
        if not split:
            break
        chosen = order[stops[number] - sizes[number] : stops[number]]
        rows = triples[chosen].tolist()  # of this unit alone: all rows as lists would take gigabytes
        for head, relation, tail in rows:
            degrees[head] -= 1
            degrees[tail] -= 1
            relations[relation] -= 1
        if all(degrees[head] and degrees[tail] and relations[relation] for head, relation, tail in rows):
            of[chosen] = split
            left[split] -= len(chosen)
            continue
        for head, relation, tail in rows:
            degrees[head] += 1
            degrees[tail] += 1
            relations[relation] += 1
    return of, int(sizes[sizes > 1].sum())


def _draw_entities(
    triples: np.ndarray, num_entities: int, num_relations: int, wanted: dict[int, int], seed: int
) -> tuple[np.ndarray, int]:
    """Split with held-out entities; triples of one pair of entities then always stay together."""
    order = np.argsort(triples[:, [0, 2]].ravel(), kind="stable") // 2
    starts = np.searchsorted(np.sort(triples[:, [0, 2]].ravel()), np.arange(num_entities + 1))
    relations = np.bincount(triples[:, 1], minlength=num_relations)
    of = np.zeros(len(triples), np.int8)
    entities = np.random.default_rng(seed).permutation(num_entities).tolist()
    for split in (2, 1):
        left = wanted[split]
        for entity in entities:
            if not left:
                break
            touched = np.unique(order[starts[entity] : starts[entity + 1]])
            chosen = touched[of[touched] == 0]
            if not len(chosen) or len(chosen) > left or (split == 1 and len(chosen) < len(touched)):
                continue
            lost, counts = np.unique(triples[chosen, 1], return_counts=True)
            if (relations[lost] - counts > 0).all():
                relations[lost] -= counts
                of[chosen] = split
                left -= len(chosen)
    ends = np.sort(triples[:, [0, 2]].astype(np.int64), axis=1)
    sizes = np.unique(ends[:, 0] * num_entities + ends[:, 1], return_counts=True)[1]
    return of, int(sizes[sizes > 1].sum())
