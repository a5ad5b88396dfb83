"""Selection of training records: a dev part, and a fraction to train on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from loreweave.corpus.counts import counted
from loreweave.corpus.files.read_result import Record
from loreweave.errors import DataError

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
        if by is not None and by not in record.metadata:
            known = ", ".join(sorted(record.metadata)) or "nothing"
            raise DataError(f"record {record.id}: found no {by!r} to split by, but {known}", field=by)
        group = first_with.setdefault(text_of(record), index) if by is None else record.metadata[by]
        groups.setdefault(str(group), []).append(index)
    names = sorted(groups)
    wanted, chosen = fraction * len(records), set[int]()
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
    count = max(1, int(fraction * len(records)))
    random = np.random.default_rng(seed)
    if fraction > 1:
        return [records[index] for index in random.integers(len(records), size=count)]
    return [records[index] for index in sorted(random.permutation(len(records))[:count])]
