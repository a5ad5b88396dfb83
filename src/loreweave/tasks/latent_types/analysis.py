"""Statistics of a corpus by its latent types, from counts."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from loreweave.metrics.clusters import agreement, perplexity
from loreweave.tasks.latent_types.counting import Rebuilding, TypeCounts, Usage

MIN_COUNT = 3
"""Minimum number of occurrences of a word in a type for its PMI."""
OUTSIDE = "outside"
"""Name of words outside all mentions."""


def analyse(counts: TypeCounts, top: int = 12) -> dict[str, Any]:
    """All statistics except those of the type vectors, as plain values.

    Args:
        counts: counts of the corpus.
        top: number of words listed for each type.
    """
    numbers: dict[str, Any] = {
        "texts": counts.texts,
        "words": counts.words.total(),
        "usage": {
            "sub_words": usage_numbers(counts.sub_words),
            "with_special_tokens": usage_numbers(counts.sub_words + counts.special_tokens),
        },
        "reconstruction": rebuilding_numbers(counts.rebuilding),
    }
    labelled = {(kind, label): count for (kind, label), count in counts.labels.items() if label is not None}
    if labelled:
        with_outside = {(kind, OUTSIDE if label is None else label): count for (kind, label), count in counts.labels.items()}
        numbers["labels"] = _gold(labelled, with_outside, last=OUTSIDE)
    if counts.tags:
        numbers["parts_of_speech"] = _gold(counts.tags, counts.tags)
    numbers["types"] = type_rows(counts, top)
    numbers["left_out"] = {reason: count for reason, count in counts.left_out.items() if count}
    return numbers


def usage_numbers(use: Usage) -> dict[str, float]:
    """Usage of the types by sub-words; all values are 0 if there are no sub-words.

    `soft_unselected` is the mean probability of type 0. Perplexities are those of the shares of all types including type 0, by
    the type of each sub-word (hard) and by the mean probabilities (soft).
    """
    total = int(use.hard.sum())
    selected = int(use.hard[1:].sum())
    return {
        "sub_words": total,
        "selected": selected,
        "share_selected": selected / total if total else 0.0,
        "soft_unselected": float(use.soft[0] / total) if total else 0.0,
        "types_in_use": int((use.hard[1:] > 0).sum()),
        "hard_perplexity": perplexity(use.hard),
        "soft_perplexity": perplexity(use.soft),
    }


def rebuilding_numbers(rebuilt: Rebuilding) -> dict[str, float] | None:
    """Quality of the reconstruction; None if there was none.

    `token_accuracy` compares a sentence with its greedy reconstruction position by position. `next_accuracy` and `perplexity`
    predict each sub-word from the previous ones (teacher forcing).
    """
    if not rebuilt.sub_words:
        return None
    return {
        "texts": rebuilt.texts,
        "sub_words": rebuilt.sub_words,
        "token_accuracy": rebuilt.in_place / rebuilt.sub_words,
        "exact_match": rebuilt.exact / rebuilt.texts,
        "next_accuracy": rebuilt.next_correct / rebuilt.sub_words,
        "perplexity": math.exp(min(rebuilt.loss / rebuilt.sub_words, 700)),
    }


def pmi_words(words: Mapping[tuple[int, str], int], top: int) -> dict[int, list[tuple[str, float, int]]]:
    """Most characteristic words of each type: (word, pointwise mutual information in bits, count in the type).

    PMI = log2(n(type, word) n / (n(type) n(word))). Words with fewer than `MIN_COUNT` occurrences in a type, or without
    positive PMI, are not listed.
    """
    of_type: Counter[int] = Counter()
    of_word: Counter[str] = Counter()
    for (kind, word), count in words.items():
        of_type[kind] += count
        of_word[word] += count
    total = of_type.total()
    found: dict[int, list[tuple[str, float, int]]] = defaultdict(list)
    for (kind, word), count in words.items():
        information = math.log2(count * total / (of_type[kind] * of_word[word]))
        if count >= MIN_COUNT and information > 0:
            found[kind].append((word, information, count))
    return {kind: sorted(rows, key=lambda row: (-row[1], -row[2], row[0]))[:top] for kind, rows in found.items()}


def type_rows(counts: TypeCounts, top: int) -> list[dict[str, Any]]:
    """One row per type, the most frequent first, unused ones last."""
    words, pieces = _names_by_type(counts.words), _names_by_type(counts.pieces)
    own, labels, tags = pmi_words(counts.words, top), _by_type(counts.labels), _by_type(counts.tags)
    total = max(1, int(counts.sub_words.hard.sum()))
    rows = []
    for kind in sorted(range(counts.types), key=lambda kind: (-counts.sub_words.hard[kind], kind)):
        number = int(counts.sub_words.hard[kind])
        row: dict[str, Any] = {"type": kind, "sub_words": number, "share": number / total}
        row["words"] = words[kind].total()
        row["top_words"] = [{"word": word, "count": count} for word, count in _commonest(words[kind], top)]
        row["top_sub_words"] = [{"sub_word": piece, "count": count} for piece, count in _commonest(pieces[kind], top)]
        row["pmi_words"] = [{"word": word, "pmi": pmi, "count": count} for word, pmi, count in own.get(kind, [])]
        if any(label is not None for label in labels["all"]):
            row["labels"] = {OUTSIDE if label is None else label: count for label, count in _commonest(labels[kind])}
        if counts.tags:
            row["parts_of_speech"] = dict(_commonest(tags[kind]))
        row["contexts"] = [asdict(context) for context in counts.examples.get(kind, [])]
        rows.append(row)
    return rows


def _names_by_type(counts: Mapping[tuple[int, str], int]) -> dict[int, Counter[str]]:
    found: dict[int, Counter[str]] = defaultdict(Counter)
    for (kind, name), count in counts.items():
        found[kind][name] = count
    return found


def _gold(
    compared: Mapping[tuple[int, str], int], shown: Mapping[tuple[int, str], int], last: str | None = None
) -> dict[str, Any]:
    """Agreement of types with gold classes, over all words with a class and over selected words, and the table of both.

    Args:
        compared: words by (type, class).
        shown: the same counts for classes that are only shown.
        last: class that comes last, whatever its count.
    """
    sizes: Counter[str] = Counter()
    selected: Counter[str] = Counter()
    for (kind, name), count in shown.items():
        sizes[name] += count
        selected[name] += count * (kind != 0)
    classes = sorted(sizes, key=lambda name: (name == last, -sizes[name], name))
    used = Counter({kind: 0 for kind, _ in shown})
    for (kind, _), count in shown.items():
        used[kind] += count
    kinds = [kind for kind, _ in sorted(used.items(), key=lambda item: (-item[1], item[0]))]
    scores = {
        "all": agreement(compared),
        "selected": agreement({cell: count for cell, count in compared.items() if cell[0] != 0}),
    }
    return {
        "agreement": {name: found.to_dict() if found is not None else None for name, found in scores.items()},
        "share_selected": {name: selected[name] / sizes[name] for name in classes},
        "contingency": {
            "types": kinds,
            "classes": classes,
            "words": [[shown.get((kind, name), 0) for name in classes] for kind in kinds],
        },
    }


def _by_type(counts: Mapping[tuple[int, Any], int]) -> dict[Hashable, Counter[Any]]:
    """Counts of each type, and of all types under "all"."""
    found: dict[Hashable, Counter[Any]] = defaultdict(Counter)
    for (kind, name), count in counts.items():
        found[kind][name] += count
        found["all"][name] += count
    return found


def _commonest(counts: Counter[Any], top: int | None = None) -> list[tuple[Any, int]]:
    """Sorted by decreasing count, then by name."""
    return sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))[:top]


def vector_rows(
    vectors: np.ndarray, words: np.ndarray, names: Sequence[str], allowed: Iterable[int], top: int = 8
) -> list[dict[str, Any]]:
    """Nearest words and types of each type by the cosine of their vectors.

    Args:
        vectors: vectors of the types from 1 on. [types - 1, hidden]
        words: the encoder's word table. [vocabulary, hidden]
        names: names of its rows.
        allowed: rows that may be listed.
        top: number of words; half as many types are listed.
    """
    unit, rows = _unit(vectors), np.fromiter(allowed, dtype=np.int64)
    to_words = unit @ _unit(words[rows]).T  # [types - 1, allowed]
    to_types = unit @ unit.T
    np.fill_diagonal(to_types, -np.inf)
    found = []
    for kind in range(len(unit)):
        near = np.argsort(-to_words[kind], kind="stable")[:top]
        others = [other for other in np.argsort(-to_types[kind], kind="stable")[: max(1, top // 2)] if other != kind]
        found.append(
            {
                "type": kind + 1,
                "nearest_words": [{"word": names[rows[at]], "cosine": float(to_words[kind, at])} for at in near],
                "nearest_types": [{"type": int(at) + 1, "cosine": float(to_types[kind, at])} for at in others],
            }
        )
    return found


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)
