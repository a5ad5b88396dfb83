"""Attention from mentions to a word, for groups of mentions: where does the name look, and does it depend on the name?"""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Mentions:
    """Tokens of mentions: the entities that stand for them, and their words."""

    entities: list[int]
    words: list[int]


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


def mentions_by_group(example: CapturedAttention, groups: Mapping[str, str]) -> dict[str, Mentions]:
    """The mentions of an example in each group: by their words, or all of them by the id of the example.

    Without groups, all of them are in the group `ALL`. Empty: neither a mention nor the example is in a group.
    """
    every = Mentions([entity.row for entity in example.entities], _marked(example))
    if not groups:
        return {ALL: every}
    found: dict[str, Mentions] = {}
    for name, mention in _named(example):
        if (group := groups.get(name)) is not None:
            before = found.get(group, Mentions([], []))
            words = list(dict.fromkeys([*before.words, *mention.words]))  # mentions can overlap
            found[group] = Mentions([*before.entities, *mention.entities], words)
    by_id = groups.get(_folded(example.id))
    return found or ({} if by_id is None else {by_id: every})


def attention_on(example: CapturedAttention, word: str, mentions: Mentions) -> dict[str, Numbers]:
    """From the entities and from the words of mentions to a word: the sum over its tokens, a mean over the heads [layer].

    A word that the text has several times counts with all of its places. Empty: the text does not have it, or no mention sees
    it, because the word is after the mention in a decoder.
    """
    keys = _places(example, word)
    queries = {"entity": mentions.entities, "mention": mentions.words}
    seeing = {name: rows for name, rows in queries.items() if rows and keys and sees(example, rows, keys)}
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


def _marked(example: CapturedAttention) -> list[int]:
    """The words of all mentions."""
    return [place for place, kind in enumerate(example.queries.classes) if kind == "mention"]


def _named(example: CapturedAttention) -> Iterator[tuple[str, Mentions]]:
    """Each mention with its name: the entities, or without any the words that are marked side by side."""
    marked, tokens = _marked(example), example.queries
    for entity in example.entities:
        yield (
            _name(example, entity.start, entity.end),
            Mentions([entity.row], [word for word in entity.words if word in marked]),
        )
    if not example.entities:
        for _, side_by_side in itertools.groupby(enumerate(marked), lambda pair: pair[1] - pair[0]):
            run = [place for _, place in side_by_side]
            yield _name(example, tokens.starts[run[0]], tokens.ends[run[-1]]), Mentions([], run)


def _name(example: CapturedAttention, start: int, end: int) -> str:
    return _folded(example.text[start:end]) if start >= 0 else ""


def _folded(name: str) -> str:
    return " ".join(name.casefold().split())
