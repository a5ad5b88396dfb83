"""Size and balance of data: labels per record, labels that occur together, lengths, and drift from one file to another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from loreweave.corpus.words import word_offsets
from loreweave.metrics.analysis.balance import drift
from loreweave.tasks.contract import Training
from loreweave.tasks.jobs.record_facts import Key, labels_of, words_of


@dataclass(frozen=True)
class Statistics:
    """What the records of one file are like; texts and mentions are counted as often as they occur.

    Attributes:
        labels: label -> number of records with it.
        numbers: number of labels of each record.
        together: two labels in the order of the classes -> number of records with both.
        text_words: number of words of each text.
        mention_words: number of words of each mention.
        mentions: mention in lower case -> number of times.
    """

    labels: Counter[str]
    numbers: list[int]
    together: Counter[tuple[str, str]]
    text_words: list[int]
    mention_words: list[int]
    mentions: Counter[str]

    def facts(self) -> dict[str, Any]:
        """Records by number of labels, their mean number (cardinality), and the spread of lengths."""
        of = Counter(min(number, 2) for number in self.numbers)
        return {
            "with_one_label": of[1],
            "with_several_labels": of[2],
            "labels_per_record": round(sum(self.numbers) / len(self.numbers), 4) if self.numbers else 0.0,
            "words_per_text": spread(self.text_words),
            "words_per_mention": spread(self.mention_words),
        }


def statistics_of(training: Training[Any], records: Sequence[Any], keys: Sequence[Key]) -> Statistics:
    """Statistics of records; `keys` has text and mentions of each."""
    found = Statistics(Counter(), [], Counter(), [], [], Counter())
    for record, (text, spans) in zip(records, keys, strict=True):
        labels = labels_of(training, [record])
        found.labels.update(labels)
        found.numbers.append(len(labels))
        found.together.update(combinations(labels, 2))
        found.text_words.append(len(words_of(training, record, text)))
        for start, end in spans:
            mention = text[start:end]
            found.mention_words.append(len(word_offsets(mention)))
            found.mentions[mention.strip().lower()] += 1
    return found


def spread(lengths: Sequence[int]) -> dict[str, int]:
    """Quantiles that are lengths themselves; empty without lengths."""
    if not lengths:
        return {}
    low, middle, high, top = np.percentile(lengths, [0, 50, 95, 100], method="inverted_cdf")
    return {"min": int(low), "median": int(middle), "p95": int(high), "max": int(top)}


def together_rows(files: Mapping[str, Statistics]) -> list[dict[str, Any]]:
    """One row per pair of labels of one record: the number of records with both in each file, the most frequent first."""
    total = sum((found.together for found in files.values()), Counter[tuple[str, str]]())
    return [
        {"label": first, "other": second} | {name: found.together[first, second] for name, found in files.items()}
        for first, second in sorted(total, key=lambda pair: (-total[pair], pair))
    ]


def drift_rows(files: Mapping[str, Statistics]) -> list[dict[str, Any]]:
    """One row per pair of files: how different their labels and lengths are, and which mentions of the second are in the first.

    `labels`, `words_per_text` and `words_per_mention` are Jensen-Shannon divergences in bits, 0 for equal shares and 1 for
    nothing in common, None if a file has nothing to count. Lengths are counted in ranges whose ends double: 1, 2, 3-4, 5-8.
    `known_mentions` is the share of the second file's mentions whose characters, in lower case, are a mention of the first.
    """
    rows = []
    for (first, one), (second, other) in combinations(files.items(), 2):
        rows.append(
            {
                "first": first,
                "second": second,
                "labels": _divergence(one.labels, other.labels),
                "words_per_text": _divergence(_ranges(one.text_words), _ranges(other.text_words)),
                "words_per_mention": _divergence(_ranges(one.mention_words), _ranges(other.mention_words)),
                "known_mentions": _known(one.mentions, other.mentions),
            }
        )
    return rows


def csv_rows(found: Mapping[str, Any]) -> Iterable[tuple[str, str, str, str, Any]]:
    """Everything that `check.check_files` counts, one number per row: file, fact, label, other label or file, value.

    The label of what `loreweave.pretraining.text_check` counts may be an entity.
    """
    for row in found["files"]:
        for name, value in row.items():
            if isinstance(value, Mapping) and name not in ("listed", "unused", "dropped"):
                yield from ((row["file"], f"{name} ({part})", "", "", number) for part, number in value.items())
            elif isinstance(value, Mapping) and name != "listed":
                yield row["file"], name, "", "", sum(value.values())
            elif isinstance(value, int | float):
                yield row["file"], name, "", "", value
    names = [row["file"] for row in found["files"]]
    kinds = (("labels", "label", "records"), ("mentions", "label", "mentions"), ("entities", "entity", "mentions"))
    for kind, key, what in kinds:
        rows = found.get(kind, [])
        yield from ((name, f"{what} with {key}", row[key], "", row[name]) for row in rows for name in names)
    for row in found["together"]:
        yield from ((name, "records with both labels", row["label"], row["other"], row[name]) for name in names)
    for kind in ("drift", "leaks"):
        for row in found[kind]:
            facts = {name: value for name, value in row.items() if name not in ("first", "second", "listed")}
            yield from ((row["second"], f"{kind}: {name}", "", row["first"], value) for name, value in facts.items())


def _divergence(one: Counter[Any], other: Counter[Any]) -> float | None:
    names = sorted({*one, *other})
    found = drift([one[name] for name in names], [other[name] for name in names])
    return None if found is None else round(found, 4)


def _ranges(lengths: Iterable[int]) -> Counter[int]:
    """Lengths by range: 0 is a range of its own, then 1, 2, 3-4, 5-8, ..."""
    return Counter(-1 if length < 1 else (length - 1).bit_length() for length in lengths)


def _known(one: Counter[str], other: Counter[str]) -> float | None:
    total = sum(other.values())
    return round(sum(count for mention, count in other.items() if mention in one) / total, 4) if total else None
