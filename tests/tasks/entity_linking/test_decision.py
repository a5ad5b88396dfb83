"""From similarities and priors to entities, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from loreweave.tasks.entity_linking.decision import Decision, best_nil, fit_weights, rank

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
