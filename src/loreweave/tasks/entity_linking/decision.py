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
_LEAST_FACTOR = 1e-3
"""Minimum factor of weights: with 0, they would choose no candidate."""


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


Group = tuple[np.ndarray, int]
"""Features of a mention's candidates [candidates, features], and the index of the right one."""


def fit_weights(groups: Sequence[Group], start: Decision, ridge: float = 1e-2) -> Decision:
    """Weights of similarity and prior that suit mentions, none below 0.

    They are the most likely ones. If one of these is 0, and the weights of `start`, the similarity alone or the prior alone
    choose more right candidates, then those are taken, multiplied by the most likely factor: one similarity that is far too
    large can make a weight of 0 the most likely one, although the similarity is right more often than the prior. Otherwise,
    a comparison on few mentions would rather choose by chance.

    Args:
        groups: the mentions whose entity is among several candidates, with similarity and logarithm of the prior as features.
        start: decision whose NIL is kept, and whose weights the ridge pulls to.
        ridge: strength of that pull; it decides if the mentions say nothing.
    """
    kept = [(features, right) for features, right in groups if len(features) > 1]
    if not kept:
        return start
    origin = np.array([start.similarity_weight, start.prior_weight])
    tried = [most_likely_weights(kept, origin, ridge)]
    for weights in () if tried[0].all() else (origin, *np.diag(np.where(origin > 0, origin, 1.0))):
        scaled = [(features @ weights[:, None], right) for features, right in kept]
        tried.append(weights * most_likely_weights(scaled, np.ones(1), ridge, least=_LEAST_FACTOR))
    best = max(tried, key=lambda weights: _right(kept, weights))
    return Decision(similarity_weight=float(best[0]), prior_weight=float(best[1]), nil=start.nil)


def most_likely_weights(groups: Sequence[Group], origin: np.ndarray, ridge: float, least: float = 0.0) -> np.ndarray:
    """Weights of features with the largest likelihood of the right candidates (L-BFGS-B). [features]

    Args:
        groups: the mentions.
        origin: weights to which the ridge pulls [features].
        ridge: strength of that pull.
        least: minimum of each weight.
    """
    from scipy.optimize import minimize  # takes a while to load

    sizes = np.array([len(features) for features, _ in groups])  # [mentions]
    starts = np.cumsum(sizes) - sizes
    features = np.concatenate([features for features, _ in groups]).astype(np.float64)  # [pairs, features]
    rights = starts + [right for _, right in groups]  # [mentions], places of the right candidates
    seen = features[rights].sum(0)

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        scores = features @ weights
        scores -= np.repeat(np.maximum.reduceat(scores, starts), sizes)
        totals = np.add.reduceat(np.exp(scores), starts)
        shares = np.exp(scores) / np.repeat(totals, sizes)
        pull = weights - origin
        value = np.log(totals).sum() - scores[rights].sum() + ridge / 2 * pull @ pull
        return value, features.T @ shares - seen + ridge * pull

    bounds, options = [(least, None)] * len(origin), {"ftol": 1e-12, "gtol": 1e-8}
    found: np.ndarray = minimize(loss, origin, jac=True, method="L-BFGS-B", bounds=bounds, options=options).x
    return found


def _right(groups: Sequence[Group], weights: np.ndarray) -> float:
    """Number of mentions whose right candidate is the best one; of several best ones, each has an equal share."""
    hits = 0.0
    for features, right in groups:
        scores = features @ weights
        best = scores == scores.max()
        hits += best[right] / best.sum()
    return hits


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
