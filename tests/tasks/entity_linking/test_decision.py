"""From similarities and priors to entities, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import logsumexp

from loreweave.tasks.entity_linking.decision import Decision, best_nil, fit_weights, most_likely_weights, rank

OUTPUT = np.array([[0, 5, 0.5, 0.9], [0, 7, 0.9, 0.1], [2, 4, 0.2, 0.0]])  # mention, row, similarity, prior


def test_candidates_are_ranked_by_similarity_and_prior() -> None:
    by_prior, none, unnamed = rank(OUTPUT, 3, Decision(similarity_weight=0, prior_weight=1))
    assert by_prior.rows.tolist() == [5, 7] and by_prior.entity == 5
    assert by_prior.probabilities == pytest.approx([0.9, 0.1])
    assert none.entity is None and unnamed.entity == 4
    by_text = rank(OUTPUT, 3, Decision(similarity_weight=10, prior_weight=0))[0]
    assert by_text.rows.tolist() == [7, 5] and by_text.scores == pytest.approx([9, 5])


def test_a_score_below_nil_is_no_entity() -> None:
    decision = Decision(similarity_weight=10, prior_weight=0, nil=9.5)
    first, _, last = rank(OUTPUT, 3, decision)
    assert first.entity is None and last.entity is None
    shares = np.exp([9.0, 5.0, 9.5])
    assert first.probabilities == pytest.approx(shares[:2] / shares.sum())


def test_a_saved_decision_is_the_same() -> None:
    for decision in (Decision(), Decision(similarity_weight=3, prior_weight=0.5, nil=-2.0)):
        assert Decision.from_dict(decision.to_dict()) == decision


def test_weights_follow_what_helps() -> None:
    rng = np.random.default_rng(0)
    groups = []
    for _ in range(200):
        features = rng.normal(size=(4, 2))
        scores = features @ [3.0, 0.0]  # only the similarity says which is right
        groups.append((features, int(rng.choice(4, p=np.exp(scores) / np.exp(scores).sum()))))
    fitted = fit_weights(groups, Decision(similarity_weight=1, prior_weight=1))
    assert fitted.similarity_weight == pytest.approx(3, abs=0.6) and fitted.prior_weight < 0.3


def test_without_mentions_the_weights_stay() -> None:
    start = Decision(similarity_weight=20, prior_weight=1)
    assert fit_weights([], start) == start and fit_weights([(np.ones((1, 2)), 0)], start) == start


def test_weights_never_turn_around() -> None:
    groups = [(np.array([[1.0, 0.0], [0.0, 0.0]]), 1)] * 50  # the more similar one is wrong
    assert fit_weights(groups, Decision(similarity_weight=1, prior_weight=1)).similarity_weight == 0


def test_one_similarity_that_is_far_too_large_does_not_switch_the_others_off() -> None:
    """The right candidate is the more similar one of nine mentions in ten, and the one with the larger prior of six in ten."""
    similar, prior = [1.0] * 9 + [-50.0], [2.0] * 6 + [-1.0] * 4
    groups = [(np.array([[one, other], [0.0, 0.0]]), 0) for one, other in zip(similar, prior, strict=True)]
    assert most_likely_weights(groups, np.ones(2), ridge=1e-2)[0] == 0
    fitted = fit_weights(groups, Decision(similarity_weight=1, prior_weight=1, nil=-3.0))
    assert fitted.similarity_weight > 0 and (fitted.prior_weight, fitted.nil) == (0, -3.0)


def test_the_prior_alone_stays_if_it_is_right_most_often() -> None:
    groups = [(np.array([[0.1, 2.0], [0.0, 0.0]]), 0)] * 5 + [(np.array([[-3.0, 2.0], [0.0, 0.0]]), 0)] * 5
    fitted = fit_weights(groups, Decision(similarity_weight=1, prior_weight=1))
    assert fitted.prior_weight > fitted.similarity_weight >= 0
    assert all((features @ [fitted.similarity_weight, fitted.prior_weight])[0] > 0 for features, _ in groups)


def loss(decision: Decision, groups: list[tuple[np.ndarray, int]], start: Decision, ridge: float) -> float:
    weights = np.array([decision.similarity_weight, decision.prior_weight])
    pull = weights - [start.similarity_weight, start.prior_weight]
    scores = [(features @ weights, right) for features, right in groups]
    return sum(logsumexp(each) - each[right] for each, right in scores) + ridge / 2 * float(pull @ pull)


@pytest.mark.parametrize("seed", range(20))
def test_few_mentions_with_large_weights_have_the_best_weights(seed: int) -> None:
    """A softmax that is nearly one-hot has almost no curvature: a whole step of Newton's method would go too far."""
    rng, start = np.random.default_rng(seed), Decision()
    groups = []
    for _ in range(20):
        size = int(rng.integers(2, 15))
        similarities = 0.5 + 0.2 * rng.standard_normal(size) + 0.4 * (np.arange(size) == 0)
        priors = np.log(np.maximum(rng.dirichlet(np.full(size, 0.3)), 1e-4))
        groups.append((np.column_stack([similarities, priors]), 0))
    likely = most_likely_weights(groups, np.array([start.similarity_weight, start.prior_weight]), ridge=1e-2)
    fitted = Decision(similarity_weight=float(likely[0]), prior_weight=float(likely[1]))
    least = loss(fitted, groups, start, 1e-2)
    for similarity in (-0.1, 0.0, 0.1):
        for prior in (-0.01, 0.0, 0.01):
            near = (max(0.0, fitted.similarity_weight + similarity), max(0.0, fitted.prior_weight + prior))
            assert least <= loss(Decision(similarity_weight=near[0], prior_weight=near[1]), groups, start, 1e-2) + 1e-9
    assert least <= loss(start, groups, start, 1e-2)


def test_nil_is_between_the_last_wrong_and_the_first_right_score() -> None:
    best, right, nil = [1.0, 2.0, 4.0, 5.0], [False, False, True, True], [True, True, False, False]
    assert best_nil(best, right, nil) == 3.0
    assert best_nil([5.0, 1.0], [False, True], [True, False]) is None  # leaving out more is worse
    assert best_nil([1.0], [True], [False]) is None
    assert best_nil([1.0, 2.0], [False, False], [True, True]) == 2.5


def test_nil_does_not_lie_between_equal_scores() -> None:
    # Below 1.5, one of two equal scores is won and the other lost; above 2.0, two are won and one is lost.
    assert best_nil([1.0, 1.0, 2.0], [False, True, False], [True, False, True]) == 2.5
    assert best_nil([1.0, 1.0, 2.0], [False, True, True], [True, False, False]) is None
    assert best_nil([], [], []) is None
