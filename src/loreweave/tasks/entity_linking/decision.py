"""From similarities and priors to entities: weights of both, and the score below which a mention has no entity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

LEAST_PRIOR = 1e-4
"""Prior of a candidate that has none, because its mention's name is not known."""
MENTION, ROW, SIMILARITY, PRIOR = 0, 1, 2, 3
"""Columns of a record's output: number of the mention among those asked for, row of a candidate, similarity, prior."""
COLUMNS = 4


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Values that a checkpoint stores.

    Attributes:
        similarity_weight: factor of the similarity.
        prior_weight: factor of the logarithm of the prior.
        nil: score below which a mention has no entity; None links every mention with a candidate.
    """

    similarity_weight: float = 20.0
    prior_weight: float = 1.0
    nil: float | None = None

    def scores(self, similarities: np.ndarray, priors: np.ndarray) -> np.ndarray:
        """Scores of candidates from similarities and priors, float64 of the same shape."""
        logarithms = np.log(np.maximum(priors.astype(np.float64), LEAST_PRIOR))
        found: np.ndarray = self.similarity_weight * similarities.astype(np.float64) + self.prior_weight * logarithms
        return found

    def to_dict(self) -> dict[str, float]:
        """The values by name, without NIL if there is none."""
        values = {"similarity_weight": self.similarity_weight, "prior_weight": self.prior_weight}
        return values if self.nil is None else values | {"nil": self.nil}

    @classmethod
    def from_dict(cls, values: Mapping[str, float]) -> Decision:
        """The decision of `to_dict`."""
        return cls(**{name: values[name] for name in ("similarity_weight", "prior_weight", "nil") if name in values})


@dataclass(frozen=True)
class Ranked:
    """Candidates of one mention, the best first.

    Attributes:
        rows: rows of the entities.
        scores: their scores.
        priors: their priors.
        similarities: their similarities.
        nil: score of no entity; None if every mention is linked.
    """

    rows: np.ndarray
    scores: np.ndarray
    priors: np.ndarray
    similarities: np.ndarray
    nil: float | None

    @property
    def entity(self) -> int | None:
        """Row of the entity; None for NIL."""
        if not len(self.rows) or (self.nil is not None and self.scores[0] < self.nil):
            return None
        return int(self.rows[0])

    @property
    def probabilities(self) -> np.ndarray:
        """Probabilities of the candidates; what is missing to 1 is that of NIL."""
        if not len(self.scores):
            return np.zeros(0)
        top = max(self.scores[0], self.nil if self.nil is not None else -np.inf)
        shares = np.exp(self.scores - top)
        none = 0.0 if self.nil is None else float(np.exp(self.nil - top))
        found: np.ndarray = shares / (shares.sum() + none)
        return found


def rank(output: np.ndarray, mentions: int, decision: Decision) -> list[Ranked]:
    """Candidates of each mention of a record, from its output [pairs, 4] (see `MENTION`)."""
    scores = decision.scores(output[:, SIMILARITY], output[:, PRIOR])
    order = np.lexsort((output[:, ROW], -scores, output[:, MENTION]))
    output, scores = output[order], scores[order]
    starts = np.searchsorted(output[:, MENTION], np.arange(mentions + 1))
    return [
        Ranked(output[a:b, ROW].astype(int), scores[a:b], output[a:b, PRIOR], output[a:b, SIMILARITY], decision.nil)
        for a, b in zip(starts, starts[1:], strict=False)
    ]


def fit_weights(groups: Sequence[tuple[np.ndarray, int]], start: Decision, ridge: float = 1e-2) -> Decision:
    """Weights of similarity and prior, none below 0, with the largest likelihood of the right candidates (L-BFGS-B).

    Args:
        groups: for each mention whose entity is among several candidates, (features [candidates, 2], index of the right one).
        start: decision whose NIL is kept, and whose weights the ridge pulls to.
        ridge: strength of that pull; it decides if the mentions say nothing.
    """
    kept = [(features, right) for features, right in groups if len(features) > 1]
    if not kept:
        return start
    from scipy.optimize import minimize  # takes a while to load

    origin = np.array([start.similarity_weight, start.prior_weight])
    sizes = np.array([len(features) for features, _ in kept])  # [mentions]
    starts = np.cumsum(sizes) - sizes
    features = np.concatenate([features for features, _ in kept]).astype(np.float64)  # [pairs, 2]
    rights = starts + [right for _, right in kept]  # [mentions], places of the right candidates
    seen = features[rights].sum(0)

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        scores = features @ weights
        scores -= np.repeat(np.maximum.reduceat(scores, starts), sizes)
        totals = np.add.reduceat(np.exp(scores), starts)
        shares = np.exp(scores) / np.repeat(totals, sizes)
        pull = weights - origin
        value = np.log(totals).sum() - scores[rights].sum() + ridge / 2 * pull @ pull
        return value, features.T @ shares - seen + ridge * pull

    found = minimize(loss, origin, jac=True, method="L-BFGS-B", bounds=[(0, None)] * 2, options={"ftol": 1e-12, "gtol": 1e-8})
    return Decision(similarity_weight=float(found.x[0]), prior_weight=float(found.x[1]), nil=start.nil)


def best_nil(best: Sequence[float], right: Sequence[bool], nil: Sequence[bool]) -> float | None:
    """The score below which mentions are left without an entity so that most are right; None if that helps nothing.

    Args:
        best: score of the best candidate of each mention that has one.
        right: whether that candidate is right.
        nil: whether the mention has no entity.
    """
    if not any(nil):
        return None
    scores, places = np.unique(np.asarray(best, np.float64), return_inverse=True)  # no threshold lies between equal scores
    gains = np.cumsum(np.bincount(places, [int(none) - int(hit) for none, hit in zip(nil, right, strict=True)], len(scores)))
    most = int(gains.argmax()) if len(gains) else 0
    if not len(gains) or gains[most] <= 0:
        return None
    if most + 1 == len(scores):
        return float(scores[most] + 0.5)
    return float((scores[most] + scores[most + 1]) / 2)
