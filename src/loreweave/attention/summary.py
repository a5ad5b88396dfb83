"""Attention over a whole data set: means over examples with bootstrap intervals, as tables and figures."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from loreweave.attention.between import attention_on, mentions_by_group, write_tests
from loreweave.attention.captured import CapturedAttention
from loreweave.attention.measures import Numbers, class_flow, grounding, head_statistics, quadrants
from loreweave.attention.tables import COLUMNS, ITSELF, Table, row_of
from loreweave.corpus.counts import counted
from loreweave.corpus.files.reading import Pathname
from loreweave.corpus.files.writing import atomic_folder, atomic_write
from loreweave.errors import ConfigurationError, DataError

LENGTHS, TESTS = "lengths", "between_tests.csv"
ANALYSES = (*COLUMNS, LENGTHS)
"""Names of the analyses, each a table and a figure."""
BIN_RULES = ("equal", "thesis", "exact")
Bins = Literal["equal", "thesis", "exact"]
NO_ENTITY = "no example has an entity"
_OF_ENTITIES = ("quadrants", "grounding", "mention")
"""Analyses of the attention of entities."""
_OUTSIDE = ("special", "marker")
"""Classes of the tokens that may come before the first word."""


@dataclass(frozen=True)
class SummarySettings:
    """Settings of a summary.

    Attributes:
        analyses: names of the analyses, some of `ANALYSES`.
        bins: number of bins of word positions.
        rule: `equal`: bins of equal width by relative position. `thesis`: round(tokens / bins) tokens in each bin and all the
            rest in the last one, as in the LUKE thesis. Both leave a text with fewer tokens than bins out of the bins. `exact`:
            one token in each bin, and only texts with as many tokens as bins.
        keys: words for `between`: the attention of the mentions on them. Without any, there is no such table.
        groups: name of a mention, or id of an example -> its group, for `between` (see `between.read_groups`).
        seed: seed of the bootstrap.
    """

    analyses: Sequence[str] = ANALYSES
    bins: int = 8
    rule: Bins = "equal"
    keys: Sequence[str] = ()
    groups: Mapping[str, str] = field(default_factory=dict)
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the settings.

        Raises:
            ConfigurationError: names the option.
        """
        if self.bins < 1:
            raise ConfigurationError(f"--bins: found {self.bins}, expected at least 1")
        if self.rule not in BIN_RULES:
            raise ConfigurationError(f"--bin-rule: found {self.rule!r}, expected one of {', '.join(BIN_RULES)}")
        unknown = [name for name in self.analyses if name not in ANALYSES]
        if unknown or not self.analyses:
            found, names = repr(unknown[0]) if unknown else "none", ", ".join(ANALYSES).replace("_", "-")
            raise ConfigurationError(f"--analysis: found {found}, expected some of {names}")
        if any(not key.strip() for key in self.keys):
            raise ConfigurationError("--key: found an empty word, expected a word of the texts")
        if self.groups and not self.keys:
            raise ConfigurationError("found --groups without --key, expected the word whose attention is compared: --key WORD")
        if not self.keys and "between" in self.analyses and len(self.analyses) < len(ANALYSES):
            raise ConfigurationError(
                "--analysis between: found no --key, expected the word that mentions attend to: --key WORD"
            )


@dataclass
class Summary:
    """Collects the measures of examples one at a time, so that their weights do not stay in memory.

    Attributes:
        settings: the settings.
        examples: number of examples.
        with_entities: number of examples with an entity.
        unbinned: number of examples that the bins do not count, because of their number of tokens.
        of_first_token: number of examples without an entity, of which the bins count the attention of the first token.
        values: table -> row -> one array over the layers, or [layer, head], for each example that has the row.
        left_out: reason -> number of examples that `between` does not count.
        lengths: number of tokens -> number of examples.
        layers, heads: indices of the layers and heads.
        model, kind: name of the model, and the kind of its attention.
    """

    settings: SummarySettings = field(default_factory=SummarySettings)
    examples: int = 0
    with_entities: int = 0
    unbinned: int = 0
    of_first_token: int = 0
    values: dict[str, dict[tuple[str, ...], list[Numbers]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )
    left_out: Counter[str] = field(default_factory=Counter)
    lengths: Counter[int] = field(default_factory=Counter)
    layers: list[int] = field(default_factory=list)
    heads: list[int] = field(default_factory=list)
    model: str = ""
    kind: str = ""

    def add(self, example: CapturedAttention) -> None:
        """Count an example.

        Raises:
            DataError: it is of another model or kind than the examples before it, or has other layers or heads.
        """
        self._check(example)
        self.examples += 1
        self.with_entities += bool(example.entities)
        self.lengths[sum(kind != "entity" for kind in example.looked_at.classes)] += 1
        for name, add in (
            ("class_flow", self._add_flow), ("quadrants", self._add_quadrants), ("grounding", self._add_grounding),
            ("heads", self._add_heads), ("bins", self._add_bins), ("mention", self._add_mention),
            ("between", self._add_between),
        ):  # fmt: skip
            if name in self.settings.analyses:
                add(example)

    def _check(self, example: CapturedAttention) -> None:
        """Refuse an example that does not belong to the others, because means over both would say nothing."""
        if not self.examples:
            self.layers, self.heads = list(example.layers), list(example.heads)
            self.model, self.kind = example.model, example.kind
        place = f"example {example.id}: found"
        if example.model != self.model:
            raise DataError(f"{place} the model {example.model}, expected {self.model}: a summary is of one model")
        if example.kind != self.kind:
            way_out = "; leave --target out for the encoder's" if "encoder" in (example.kind, self.kind) else ""
            raise DataError(f"{place} {example.kind} attention, expected {self.kind} attention as in the others{way_out}")
        if (example.layers, example.heads) != (self.layers, self.heads):
            found, expected = _shape(example.layers, example.heads), _shape(self.layers, self.heads)
            if found == expected:
                raise DataError(f"{place} other layers or heads than in the examples before it")
            raise DataError(f"{place} {found}, expected {expected} as in the others")

    def _add_flow(self, example: CapturedAttention) -> None:
        flow = class_flow(example)
        for row, query in enumerate(flow.queries):
            for column, key in enumerate(flow.keys):
                self.values["class_flow"][query, key].append(flow.shares[:, row, column])

    def _add_quadrants(self, example: CapturedAttention) -> None:
        if not example.entities:  # all of the attention is from words to words
            return
        for name, shares in quadrants(example).items():
            self.values["quadrants"][tuple(name.split(" -> "))].append(shares)

    def _add_grounding(self, example: CapturedAttention) -> None:
        for entity in grounding(example):
            for name, shares in entity.items():
                if name not in ("entity", "row"):
                    self.values["grounding"][(name,)].append(shares)

    def _add_heads(self, example: CapturedAttention) -> None:
        for name, numbers in head_statistics(example).items():
            self.values["heads"][(name,)].append(numbers)

    def _add_bins(self, example: CapturedAttention) -> None:
        """Attention of the entities (or of the first token, if there is none) on words by position, and on themselves."""
        rows = [entity.row for entity in example.entities]
        mean = example.weights.mean(axis=1, dtype=np.float64)  # [layer, query, key]
        words = [place for place, kind in enumerate(example.looked_at.classes) if kind != "entity"]
        bins, rule = self.settings.bins, self.settings.rule
        if len(words) < bins or (rule == "exact" and len(words) != bins):
            self.unbinned += 1
            return
        for number, places in enumerate(cut(len(words), bins, rule)):
            columns = [words[place] for place in places]
            on_bin = mean[:, rows or [0]][:, :, columns]
            self.values["bins"][str(number), "mean weight"].append(on_bin.mean(axis=(1, 2)))
            self.values["bins"][str(number), "share"].append(on_bin.sum(axis=2).mean(axis=1))
        if rows:
            itself = mean[:, rows, rows].mean(axis=1)
            for what in ("mean weight", "share"):
                self.values["bins"][ITSELF, what].append(itself)
        else:
            self.of_first_token += 1

    def _add_mention(self, example: CapturedAttention) -> None:
        """Mean weight from each entity to the tokens of its mention, without markers."""
        classes, table = example.queries.classes, self.values["mention"]
        by_place = [table[(which,)] for which in ("all", "at the start", "elsewhere")]  # in this order in the table
        for entity in example.entities:
            inside = [place for place in entity.words if classes[place] != "marker"]
            if inside:
                weight = example.weights[:, :, entity.row][..., inside].mean(axis=(1, 2), dtype=np.float64)
                first = all(kind in _OUTSIDE for kind in classes[: min(inside)])
                for values in (by_place[0], by_place[1 if first else 2]):
                    values.append(weight)

    def _add_between(self, example: CapturedAttention) -> None:
        """Attention of the mentions on each word, by group."""
        groups = mentions_by_group(example, self.settings.groups)
        for key in self.settings.keys:
            found = {group: attention_on(example, key, mentions) for group, mentions in groups.items()}
            if not any(found.values()):
                self.left_out[f"without {key!r} or a mention that sees it" if groups else "in no group"] += 1
            for group, values in found.items():
                for query, value in values.items():
                    self.values["between"][query, key, group].append(value)

    def not_counted(self) -> list[str]:
        """Examples that some tables leave out, with the reason, in words."""
        lines = []
        if self.unbinned:
            size = "another number of tokens than" if self.settings.rule == "exact" else "fewer tokens than"
            lines.append(f"bins.csv leaves out {counted(self.unbinned, 'text')} with {size} bins")
        lines += [f"between.csv leaves out {counted(count, 'example')} {reason}" for reason, count in self.left_out.items()]
        return lines

    def counted_otherwise(self) -> list[str]:
        """Examples of which a table has something else than of the others, in words."""
        if not self.of_first_token:
            return []
        texts, whose = counted(self.of_first_token, "text has", "texts have"), "its" if self.of_first_token == 1 else "their"
        return [f"{texts} no entity; bins.csv counts the attention of {whose} first token instead"]

    def not_written(self) -> list[str]:
        """Analyses that do not apply to the examples, with the reason, in words."""
        lines = []
        lacking = [
            name for name in _OF_ENTITIES if name in self.settings.analyses and not any(self.values.get(name, {}).values())
        ]
        if lacking:
            why = "no entity has words" if self.with_entities else f"{NO_ENTITY}; only a LUKE reads mentions as entities"
            lines.append(f"not written: {', '.join(lacking)} ({why})")
        if "between" in self.settings.analyses and not self.settings.keys:
            lines.append("not written: between (no --key)")
        return lines

    def tables(self) -> Iterator[Table]:
        """Tables of the analyses that have values, in the order of `ANALYSES`."""
        for name in COLUMNS:
            found = self.values.get(name, {})
            rows = {key: row_of(values, self.settings.seed) for key, values in found.items() if values}
            if rows:
                yield Table(name, self.layers, self.heads if name == "heads" else [], rows)

    def write(self, folder: Pathname, *, overwrite: bool = False) -> list[str]:
        """Write a table and a figure for each analysis to a new folder, and return the names of the files.

        Raises:
            DataError: there is no example, or none has what the analyses are about.
            ConfigurationError: the folder exists.
        """
        if not self.examples:
            raise DataError("found no example, expected at least one to summarise")
        from loreweave.attention.figures.drawing import draw_lengths, draw_table

        names = []
        with atomic_folder(folder, overwrite) as place:
            for table in self.tables():
                table.write(place / f"{table.name}.csv")
                names += [f"{table.name}.csv", *draw_table(table, place)]
                if table.name == "between" and write_tests(table, place / TESTS, self.settings.seed):
                    names.append(TESTS)
            if LENGTHS in self.settings.analyses:
                self._write_lengths(place / f"{LENGTHS}.csv")
                names += [f"{LENGTHS}.csv", *draw_lengths(self.lengths, place)]
            if not names:
                why = "; ".join(self.not_counted()) or NO_ENTITY
                raise DataError(f"found nothing to write for {', '.join(self.settings.analyses)}: {why}")
        return names

    def _write_lengths(self, path: Path) -> None:
        """Number of examples for each number of tokens."""
        with atomic_write(path) as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["tokens", "examples"])
            writer.writerows(sorted(self.lengths.items()))


def summarise(examples: Iterable[CapturedAttention], settings: SummarySettings | None = None) -> Summary:
    """Summary of examples, which are read once."""
    found = Summary(settings or SummarySettings())
    for example in examples:
        found.add(example)
    return found


def _shape(layers: Sequence[int], heads: Sequence[int]) -> str:
    return f"{counted(len(layers), 'layer')} and {counted(len(heads), 'head')}"


def cut(tokens: int, bins: int, rule: Bins) -> list[list[int]]:
    """Positions of the tokens in each bin.

    Example:
        >>> cut(5, 2, "equal"), cut(5, 2, "thesis")
        ([[0, 1, 2], [3, 4]], [[0, 1], [2, 3, 4]])
    """
    if rule != "thesis":  # `exact` has one token in each bin
        number = [int((place + 0.5) * bins / tokens) for place in range(tokens)]
    else:
        size = round(tokens / bins)
        while size * bins > tokens:
            size -= 1
        number = [min(place // size, bins - 1) for place in range(tokens)]
    return [[place for place in range(tokens) if number[place] == each] for each in range(bins)]
