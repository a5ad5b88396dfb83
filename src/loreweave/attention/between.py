"""Attention from mentions to a word, for groups of mentions: where does the name look, and does it depend on the name?"""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from loreweave.attention.captured import CapturedAttention
from loreweave.attention.measures import Numbers, sees, token_to_token
from loreweave.attention.tables import Table
from loreweave.corpus.files.reading import read_json
from loreweave.corpus.files.strict_json import in_json
from loreweave.corpus.files.writing import atomic_write
from loreweave.errors import DataError

ALL = "all"
"""Group of every example, if there are no groups."""
_EXPECTED = 'expected groups of names, such as {"female": ["Ann", "Mary"], "male": ["Bob"]}'


def read_groups(path: Path) -> dict[str, str]:
    """Group of each name: `{"female": ["Ann", ...], "male": [...]}`. Capital letters do not count.

    Raises:
        DataError: the file has something else, or a name in two groups.
    """
    given = read_json(path)
    if not isinstance(given, Mapping) or not given:
        raise DataError(f"found no groups, {_EXPECTED}", path=path)
    found: dict[str, str] = {}
    for group, names in given.items():
        if not isinstance(names, list) or not names or not all(isinstance(name, str) and name.strip() for name in names):
            raise DataError(f"found {in_json(names)}, {_EXPECTED}", path=path, field=group)
        for name in names:
            if found.setdefault(_folded(name), group) != group:
                raise DataError(
                    f"found {name!r} here and in {found[_folded(name)]!r}, expected it once", path=path, field=group
                )
    return found


def group_of(example: CapturedAttention, groups: Mapping[str, str]) -> str | None:
    """Group of an example by its first mention, or by its id. None: neither is in a group."""
    if not groups:
        return ALL
    return groups.get(_folded(_first_mention(example)), groups.get(_folded(example.id)))


def attention_on(example: CapturedAttention, word: str) -> dict[str, Numbers]:
    """From the entities and from the words of mentions to a word: the sum over its tokens, a mean over the heads [layer].

    A word that the text has several times counts with all of its places. Empty: the text does not have it, or no mention sees
    it, because the word is after the mention in a decoder.
    """
    keys = _places(example, word)
    entities = [entity.row for entity in example.entities]
    mention = [place for place, kind in enumerate(example.queries.classes) if kind == "mention"]
    if not keys:
        return {}
    queries = {"entity": entities, "mention": mention}
    seeing = {name: rows for name, rows in queries.items() if rows and sees(example, rows, keys)}
    return {name: token_to_token(example, rows, keys).mean(axis=1) for name, rows in seeing.items()}


def write_tests(table: Table, path: Path, seed: int) -> bool:
    """Write the tests of all pairs of groups, on the mean over the layers; returns whether there are two groups.

    Differences are first minus second. p is that of the permutation test, and p_holm is corrected for all tests of the file.
    """
    from loreweave.metrics.analysis.groups import compare_groups, holm  # loads scipy

    rows, p_values = [], []
    for start in dict.fromkeys((query, key) for query, key, _ in table.rows):
        values = {group: row.each.mean(axis=1) for (*place, group), row in table.rows.items() if tuple(place) == start}
        for first, second in itertools.combinations(values, 2):
            found = compare_groups(values[first], values[second], seed=seed)
            sizes = found.first.size, found.second.size
            means = [found.first.mean, found.second.mean, found.first.mean - found.second.mean]
            d, delta = found.cohens_d, found.cliffs_delta
            effects = [None, None, None] if d is None else [d.value, d.low, d.high]
            rows.append([*start, first, second, *sizes, *map(_shown, [*means, *effects, delta.value, delta.low, delta.high])])
            p_values.append(found.permutation_p)
    if not rows:
        return False
    with atomic_write(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        effects_of = [f"{name}{end}" for name in ("cohens_d", "cliffs_delta") for end in ("", "_low", "_high")]
        names = ["query", "key", "first", "second", "values_first", "values_second", "mean_first", "mean_second", "difference"]
        writer.writerow([*names, *effects_of, "p", "p_holm"])
        for row, p, corrected in zip(rows, p_values, holm(p_values), strict=True):
            writer.writerow([*row, _shown(p), _shown(float(corrected))])
    return True


def _shown(number: float | None) -> str:
    """A number as the tables write it; empty if it is not defined."""
    return "" if number is None or not np.isfinite(number) else f"{number:.6f}"


def _places(example: CapturedAttention, word: str) -> list[int]:
    """Tokens of a word in the text of the keys."""
    pattern = re.compile(rf"(?<!\w){re.escape(word)}(?!\w)", re.IGNORECASE)
    spans = [match.span() for match in pattern.finditer(example.text)]
    tokens = example.looked_at
    whole: Sequence[tuple[int, str]] = list(zip(tokens.starts, tokens.classes, strict=True))
    return [at for at, (start, kind) in enumerate(whole) if kind != "entity" and any(a <= start < b for a, b in spans)]


def _first_mention(example: CapturedAttention) -> str:
    """The words of the first mention; empty if there is none."""
    if example.entities:
        start, end = example.entities[0].start, example.entities[0].end
        return example.text[start:end] if start >= 0 else ""
    tokens = example.queries
    marked = [at for at, kind in enumerate(tokens.classes) if kind == "mention"]
    run = list(itertools.takewhile(lambda at: at - marked[0] == marked.index(at), marked))
    return example.text[tokens.starts[run[0]] : tokens.ends[run[-1]]] if run else ""


def _folded(name: str) -> str:
    return " ".join(name.casefold().split())
