"""Answers to episodes to accuracy, its interval and a table of relations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from loreweave.metrics.relations import accuracy
from loreweave.tasks.few_shot_relation.episodes import RelationEpisode
from loreweave.training.inference import Evaluation

METRICS = ("accuracy",)


@dataclass(frozen=True)
class Answered:
    """An episode with its logits [queries, way], or [queries, way + 1] where none of the relations may be the answer."""

    episode: RelationEpisode
    logits: np.ndarray

    @property
    def predicted(self) -> list[int]:
        """Of each query the number of its relation."""
        numbers: list[int] = self.logits.argmax(-1).tolist()
        return numbers

    def probabilities(self) -> np.ndarray:
        """Softmax of the logits."""
        powers = np.exp(self.logits.astype(np.float64) - self.logits.max(-1, keepdims=True))
        shares: np.ndarray = powers / powers.sum(-1, keepdims=True)
        return shares

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Predicted and gold name of each query whose gold is known."""
        names = self.episode.names
        for guess, gold in zip(self.predicted, self.episode.gold, strict=True):
            if gold is not None:
                yield names[guess], names[gold]


def score(answered: Sequence[Answered], *, bootstrap: int = 1000, seed: int = 0) -> Evaluation:
    """Accuracy over all queries with known gold, its 95 % interval over resampled episodes, and each relation's
    where they have names.

    The interval is about the draw of episodes from these relations, not about other relations.
    """
    pairs = [list(each.pairs()) for each in answered]
    known = [pair for each in pairs for pair in each]
    rows = list(_rows(answered))
    if not known:
        return Evaluation({}, rows, notes=["no query has a known relation: nothing is scored"])
    counts = np.array([[sum(guess == gold for guess, gold in each), len(each)] for each in pairs], np.int64)
    tables = {"per_relation": _per_relation(known)} if all(each.episode.named for each in answered) else {}
    if bootstrap:
        tables["intervals"] = [{"metric": "accuracy"} | _interval(counts, bootstrap, seed)]
    guesses, golds = zip(*known, strict=True)
    return Evaluation({"accuracy": accuracy(guesses, golds)}, rows, {"accuracy_counts": counts}, tables)


def _per_relation(pairs: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    """A row a gold relation: how many queries, the part that is right, and what the others are taken for most."""
    rows = []
    for relation in sorted({gold for _, gold in pairs}):
        guesses = Counter(guess for guess, gold in pairs if gold == relation)
        total, right = guesses.total(), guesses.pop(relation, 0)
        wrong = min(guesses, key=lambda name: (-guesses[name], name)) if guesses else None
        rows.append({"relation": relation, "queries": total, "accuracy": right / total, "most_often_taken_for": wrong})
    return rows


def _interval(counts: np.ndarray, samples: int, seed: int) -> dict[str, float]:
    """The 2.5 % and 97.5 % points of accuracy over resampled episodes; `counts` is [episodes, 2]: right, all."""
    random, episodes = np.random.default_rng(seed), len(counts)
    values = np.empty(samples)
    for sample in range(samples):
        right, total = np.bincount(random.integers(episodes, size=episodes), minlength=episodes) @ counts
        values[sample] = right / total if total else 0.0
    low, high = np.quantile(values, (0.025, 0.975))
    return {"low": float(low), "high": float(high)}


def _rows(answered: Sequence[Answered]) -> Iterator[dict[str, Any]]:
    """A row for each query; `number` is that of the predicted relation in its episode."""
    for each in answered:
        episode, shares = each.episode, each.probabilities()
        for place, (record, number, gold) in enumerate(zip(episode.query, each.predicted, episode.gold, strict=True)):
            yield {
                "episode": episode.id, "query": place, "id": record.id, "number": number,
                "prediction": episode.names[number], "probability": round(float(shares[place, number]), 6),
                "gold": None if gold is None else episode.names[gold], "relations": list(episode.relations),
            }  # fmt: skip
