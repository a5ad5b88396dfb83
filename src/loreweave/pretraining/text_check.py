"""Checks of texts before pre-training: texts, mentions, entities, labels, offsets, repeated texts, and leaks between files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

from loreweave.build.text_checks import TextChecks
from loreweave.build.text_files import check_format, stream_texts
from loreweave.corpus.annotated_text import AnnotatedText
from loreweave.corpus.counts import counted
from loreweave.corpus.files.read_result import ReadResult
from loreweave.corpus.mentions.alignment import is_aligned, misaligned, shortened
from loreweave.corpus.words import word_offsets
from loreweave.errors import DataError
from loreweave.tasks.jobs.check import check_paths, names_of, unread
from loreweave.tasks.jobs.data_statistics import Statistics, drift_rows, spread
from loreweave.tasks.jobs.record_facts import LISTED_OF_TEXTS, PRETRAINING

LISTED_AT_MOST = 1000
"""Maximum number of cases of a kind that are listed, and of entities: a file can have millions. Bad texts are all listed."""

_COUNTED = {  # count -> what is said of one, of any other number
    "bad": (
        "text cannot be read, which 'build pretraining --skip-bad' leaves out",
        "texts cannot be read, which 'build pretraining --skip-bad' leaves out",
    ),
    "duplicates": ("text repeats another (--list duplicates)", "texts repeat others (--list duplicates)"),
    "mentions_repeated": ("mention is listed twice", "mentions are listed twice"),
    "mentions_with_another_entity": (
        "mention has another entity than an earlier one at its place, and is left out",
        "mentions have another entity than an earlier one at their place, and are left out",
    ),
}


@dataclass
class _File:
    """What the texts of one file are like; `seen` is the hash of each text -> place of the first one with it."""

    name: str
    account: ReadResult[Any] = field(default_factory=lambda: ReadResult([]))
    checks: TextChecks = field(default_factory=TextChecks)
    statistics: Statistics = field(default_factory=lambda: Statistics(Counter(), [], Counter(), [], [], Counter()))
    characters: list[int] = field(default_factory=list)
    entities: Counter[str] = field(default_factory=Counter)
    label_mentions: Counter[str] = field(default_factory=Counter)
    seen: dict[int, str] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    listed: dict[str, list[str]] = field(default_factory=lambda: {kind: [] for kind in LISTED_OF_TEXTS})

    def add(self, place: str, text: AnnotatedText) -> None:
        """Count a text, and list what is to be looked at."""
        before = self.checks.counts["mentions_misaligned"]
        (text,) = self.checks.checked([text])
        if self.checks.counts["mentions_misaligned"] > before:
            self._list_misaligned(place, text)
        self.characters.append(len(text.text))
        self.statistics.text_words.append(len(word_offsets(text.text)))
        self.statistics.labels.update({label for mention in text.mentions for label in mention.types})
        for mention in text.mentions:
            surface = text.surface(mention)
            self.statistics.mention_words.append(len(word_offsets(surface)))
            self.statistics.mentions[surface.strip().lower()] += 1
            self.label_mentions.update(mention.types)
            if mention.entity is not None:
                self.entities[mention.entity] += 1
        if not text.mentions:
            self.found("without_mentions", f"{place}: {shortened(text.text)}")
        first = self.seen.setdefault(hash(text.text), place)
        if first is not place:
            self.found("duplicates", f"{place}: as {first}, {shortened(text.text)}")

    def found(self, kind: str, line: str) -> None:
        """Count a case of a kind, and list it if there are not too many."""
        self.counts[kind] += 1
        if len(self.listed[kind]) < LISTED_AT_MOST:
            self.listed[kind].append(line)

    def finish(self) -> None:
        """List what the reader left out, and say how much is not listed."""
        for kind, line in self.account.lost:
            self.found(kind, line)
        for kind, count in self.counts.items():
            if count > LISTED_AT_MOST:
                self.listed[kind].append(f"and {count - LISTED_AT_MOST:,} more, which are not listed")
        self.listed["bad"] = list(self.account.left_out)

    def row(self) -> dict[str, Any]:
        """Facts about the file."""
        checked, texts = self.checks.counts, len(self.characters)
        mentions = len(self.statistics.mention_words)
        return {
            "file": self.name,
            "texts": texts,
            "words": sum(self.statistics.text_words),
            "mentions": mentions,
            "mentions_per_text": round(mentions / texts, 4) if texts else 0.0,
            "with_entity": self.entities.total(),
            "with_label_only": checked["labelled"],
            "entities": len(self.entities),
            "labels": len(self.label_mentions),
            "bad": len(self.account.left_out),
            "without_mentions": self.counts["without_mentions"],
            "misaligned": checked["mentions_misaligned"],
            "duplicates": self.counts["duplicates"],
            "repeated_ids": checked["texts_with_repeated_id"],
            "mentions_repeated": checked["mentions_repeated"],
            "mentions_with_another_entity": checked["mentions_with_another_entity"],
            "words_per_text": spread(self.statistics.text_words),
            "words_per_mention": spread(self.statistics.mention_words),
            "unused": dict(self.account.unused),
            "dropped": dict(self.account.dropped),
            "errors": self.account.left_out,
            "notes": self.account.remarks(),
            "listed": self.listed,
            "characters": spread(self.characters),
        }

    def findings(self) -> list[str]:
        """What to look at, one line each, without leaks."""
        row = self.row()
        found = [counted(row[name], *words) for name, words in _COUNTED.items() if row[name]]
        if not row["with_entity"]:
            found.append(self.checks.without_links())
        found += [note.removeprefix("warning: ") for note in self.checks.notes()]
        for kind in ("unused", "dropped"):
            found += [f"{count} {kind}, {reason}" for reason, count in sorted(row[kind].items())]
        return [f"{self.name}: {line}" for line in (*found, *row["notes"])]

    def _list_misaligned(self, place: str, text: AnnotatedText) -> None:
        spans = [(mention.start, mention.end) for mention in text.mentions]
        wrong = [span for span in spans if not is_aligned(text.text, *span)]
        for line in misaligned(word_offsets(text.text), text.text, wrong):
            self.found("misaligned", f"{place}: {line}")


def check_texts(
    paths: Sequence[Path],
    *,
    format: str | None = None,
    tag_names: Sequence[str] | None = None,
    advance: Callable[[], object] = lambda: None,
) -> dict[str, Any]:
    """Read files of texts for pre-training, the training texts first, and report what a builder would find in them.

    Files are streamed: of each text, only numbers are kept.

    Args:
        paths: files or folders.
        format: see `build.text_files.stream_texts`.
        tag_names: names of tags that are numbers.
        advance: called after each text.

    Returns:
        The keys of `tasks.jobs.check.check_files`, where records are texts; without `together`, which is empty. `entities`
        has one row per entity with its number of mentions in each file, the most frequent first, at most `LISTED_AT_MOST`.
        A row of `drift` has `known_entities`: the share of the second file's links whose entity the first one has.

    Raises:
        ConfigurationError: a file is given twice, or an unknown format.
        DataError: a file does not exist, or the only file cannot be read to its end. One of several that cannot be read has
            a finding with the reason, and no texts.
    """
    check_paths(paths)
    check_format(format)
    files, shared = list[_File](), Counter[tuple[str, str]]()
    for name, path in zip(names_of(paths), paths, strict=True):
        try:
            file, again = _read(name, path, files, format, tag_names, advance)
        except DataError as error:
            if len(paths) == 1:
                raise
            file, again = _File(name, unread(path, error)), Counter()  # not what was read before the error
        file.finish()
        files.append(file)
        shared.update({(other, name): count for other, count in again.items()})
    leaks = [
        {"first": one.name, "second": other.name, "same_text": shared[one.name, other.name]}
        for one, other in combinations(files, 2)
    ]
    return {
        "task": PRETRAINING,
        "files": [file.row() for file in files],
        "labels": _count_rows("label", {file.name: file.statistics.labels for file in files}),
        "mentions": _count_rows("label", {file.name: file.label_mentions for file in files}),
        "together": [],
        "entities": _count_rows("entity", {file.name: file.entities for file in files})[:LISTED_AT_MOST],
        "leaks": leaks,
        "drift": _drift(files),
        "findings": [line for file in files for line in file.findings()] + _leak_findings(leaks),
    }


def _read(
    name: str,
    path: Path,
    before: Sequence[_File],
    format: str | None,
    tag_names: Sequence[str] | None,
    advance: Callable[[], object],
) -> tuple[_File, Counter[str]]:
    """What the texts of a file are like, and how many of them each file before it has, by its name."""
    file, again = _File(name), Counter[str]()
    for place, text in stream_texts(path, file.account, format, True, tag_names):
        file.add(place, text)
        for other in before:
            if hash(text.text) in other.seen:
                again[other.name] += 1
                file.found("leaks", f"{place}: {shortened(text.text)} (of {other.name})")
        advance()
    return file, again


def _count_rows(what: str, counts: dict[str, Counter[str]]) -> list[dict[str, Any]]:
    """One row per name with its count in each file, the most frequent first."""
    total = sum(counts.values(), Counter[str]())
    order = sorted(total, key=lambda name: (-total[name], name))
    return [{what: name} | {file: count[name] for file, count in counts.items()} for name in order]


def _leak_findings(rows: Iterable[dict[str, Any]]) -> list[str]:
    way_out = "--list leaks; loreweave build leaves out the ids or titles in a file of --exclude"
    return [
        f"{row['second']}: {counted(row['same_text'], 'text is', 'texts are')} also in {row['first']} ({way_out})"
        for row in rows
        if row["same_text"]
    ]


def _drift(files: Sequence[_File]) -> list[dict[str, Any]]:
    known = [_known(one.entities, other.entities) for one, other in combinations(files, 2)]
    rows = drift_rows({file.name: file.statistics for file in files})
    return [{**row, "known_entities": share} for row, share in zip(rows, known, strict=True)]


def _known(one: Counter[str], other: Counter[str]) -> float | None:
    """Share of the second counts whose name is among the first."""
    return round(sum(count for name, count in other.items() if name in one) / other.total(), 4) if other else None
