"""Selection of training records: a dev part, and a fraction or a balanced part to train on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from loreweave.corpus.counts import counted
from loreweave.corpus.files.read_result import Record
from loreweave.errors import DataError

_DECIMALS = 6
R = TypeVar("R", bound=Record)


def hold_out(
    records: Sequence[R], fraction: float, by: str | None, seed: int, text_of: Callable[[R], str]
) -> tuple[list[R], list[R]]:
    """Split off about `fraction` of the records; both parts keep the order of the file.

    Args:
        records: training records.
        fraction: number between 0 and 1.
        by: metadata key whose equal values stay together (a document, an entity); None is the text.
        seed: seed of the selection.
        text_of: function that returns the text of a record.

    Returns:
        The rest, and the part that was split off.

    Raises:
        DataError: a record lacks the key, or a part would be empty.
    """
    groups: dict[str, list[int]] = {}
    first_with: dict[str, int] = {}
    for index, record in enumerate(records):
        if by is not None and record.metadata.get(by) is None:
            known = ", ".join(sorted(name for name, value in record.metadata.items() if value is not None)) or "nothing"
            raise DataError(f"record {record.id}: found no {by!r} to split by, but {known}", field=by)
        group = first_with.setdefault(text_of(record), index) if by is None else record.metadata[by]
        groups.setdefault(str(group), []).append(index)
    names = sorted(groups)
    wanted, chosen = _times(fraction, len(records)), set[int]()
    for position in np.random.default_rng(seed).permutation(len(names)):
        if len(chosen) >= wanted:
            break
        chosen.update(groups[names[position]])
    if not chosen or len(chosen) == len(records):
        found = f"{counted(len(records), 'record')} in {counted(len(groups), 'group')}"
        raise DataError(f"cannot split {fraction:g} off {found}", field=by)
    rest = [record for index, record in enumerate(records) if index not in chosen]
    return rest, [records[index] for index in sorted(chosen)]


def take_fraction(records: Sequence[R], fraction: float, seed: int) -> list[R]:
    """A fraction of the records: below 1 a prefix of one permutation, so that smaller parts are contained in larger ones; above
    1 drawn with replacement. At least one record.
    """
    if fraction == 1:
        return list(records)
    count = max(1, int(_times(fraction, len(records))))
    random = np.random.default_rng(seed)
    if fraction > 1:
        return [records[index] for index in random.integers(len(records), size=count)]
    return [records[index] for index in sorted(random.permutation(len(records))[:count])]


NO_LABEL = "(no label)"
"""Class of records without a label."""


@dataclass(frozen=True)
class Balanced(Generic[R]):
    """A balanced part of records, in the order of the file.

    Attributes:
        records: the records.
        of: class -> number of records before.
        taken: class -> number of records in the part.
    """

    records: list[R]
    of: Mapping[str, int]
    taken: Mapping[str, int]


def take_balanced(
    records: Sequence[R], labels_of: Callable[[Sequence[R]], Sequence[str]], ratio: float, fraction: float, seed: int
) -> Balanced[R]:
    """A part in which no class has more than `ratio` times the records of the smallest class, and a fraction of each class.

    Records of a class are the first ones of it in the order in which `take_fraction` takes them: a smaller fraction or ratio is
    contained in a larger one. A fraction above 1 draws the records of each class with replacement. Each class keeps one record
    at least.

    Args:
        records: training records.
        labels_of: labels of records. The class of a record is its label, of several labels the rarest one, or `NO_LABEL`.
        ratio: 1 or more.
        fraction: number above 0.
        seed: seed of the selection.

    Raises:
        DataError: there is one class only.
    """
    random = np.random.default_rng(seed)
    order = random.permutation(len(records))
    each = [list(labels_of([record])) for record in records]
    counts = Counter(label for labels in each for label in labels)
    classes = [min(labels, key=lambda label: (counts[label], label)) if labels else NO_LABEL for labels in each]
    places: dict[str, list[int]] = {name: [] for name in sorted(set(classes))}
    for index in order:
        places[classes[index]].append(int(index))
    if len(places) < 2:
        found = f"found one class ({', '.join(places) or 'none'}) in the training records"
        raise DataError(f"{found}, expected two or more to balance", field="train_balance")
    most = int(_times(ratio, min(map(len, places.values()))))
    chosen: list[int] = []
    taken = {}
    for name, members in places.items():
        members = members[:most]
        count = max(1, int(_times(fraction, len(members))))
        drawn = members[:count] if fraction <= 1 else [members[i] for i in random.integers(len(members), size=count)]
        chosen += drawn
        taken[name] = len(drawn)
    return Balanced([records[index] for index in sorted(chosen)], {name: len(of) for name, of in places.items()}, taken)


def _times(factor: float, number: int) -> float:
    """The product without the error of binary fractions: 0.7 x 90 is 63, not 62.99..., and 0.07 x 100 is 7, not 7.00...01."""
    return round(factor * number, _DECIMALS)
