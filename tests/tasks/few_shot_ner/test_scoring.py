"""Three readings of F1, hand-counted, and what else is reported."""

from __future__ import annotations

import numpy as np
import pytest

from loreweave.corpus.episodes import Episode
from loreweave.corpus.tag_schemes import Scheme, TokenSpan, spans_of_tags
from loreweave.corpus.tokens import TaggedSentence
from loreweave.tasks.few_shot_ner.scoring import METRICS, Labelled, score

TYPES = ("location-other", "organization-other", "location-GPE")


def labelled(gold: list[str], predicted: list[str], *, seen: list[int] | None = None, scheme: Scheme = "io") -> Labelled:
    spans = tuple(spans_of_tags(gold, "io"))
    sentence = TaggedSentence(tuple(f"w{place}" for place in range(len(gold))), spans)
    episode = Episode("0", (sentence,), (sentence,), TYPES, scheme)
    words = list(range(len(gold))) if seen is None else seen
    return Labelled(episode, [words], [predicted])


def test_the_published_scorer_takes_types_of_one_ending_for_one() -> None:
    found = score([labelled(["location-other", "O"], ["organization-other", "O"])])
    assert found.metrics["published_micro_f1"] == 1.0 and found.metrics["micro_f1"] == 0.0
    assert found.tables["types_that_the_published_scorer_merges"] == [
        {"published_type": "other", "types": "location-other, organization-other"}
    ]
    prefixed = score([labelled(["location-other", "O"], ["organization-other", "O"], scheme="prefixed")])
    assert prefixed.metrics["published_micro_f1"] == 0.0 and set(found.metrics) == set(METRICS)


def test_a_word_that_is_not_seen_is_missed_but_not_by_the_published_scorer() -> None:
    found = score([labelled(["location-GPE", "O", "location-GPE"], ["location-GPE", "O"], seen=[0, 1])])
    assert found.metrics["micro_recall"] == 0.5 and found.metrics["micro_precision"] == 1.0
    assert found.metrics["published_micro_f1"] == 1.0
    assert found.predictions[0]["gold"][1] == {"start": 2, "end": 3, "label": "location-GPE"}


def test_flattened_spans_reach_over_borders() -> None:
    sentences = (TaggedSentence(("a",), (TokenSpan(0, 1, "x"),)), TaggedSentence(("b",), (TokenSpan(0, 1, "x"),)))
    episode = Episode("0", sentences, sentences, ("x",))
    found = score([Labelled(episode, [[0], [0]], [["x"], ["x"]])])
    assert found.arrays["flattened_micro_counts"].tolist() == [[1, 1, 1]]
    assert found.arrays["micro_counts"].tolist() == [[2, 2, 2]]


def test_counts_are_summed_over_episodes_before_f1() -> None:
    good = labelled(["location-GPE"], ["location-GPE"])
    bad = labelled(["location-GPE", "O", "location-GPE"], ["O", "location-GPE", "O"])
    found = score([good, bad, bad], bootstrap=50)
    assert found.metrics["micro_precision"] == pytest.approx(1 / 3) and found.metrics["micro_recall"] == pytest.approx(1 / 5)
    assert found.metrics["micro_f1"] == pytest.approx(2 / 8)  # the mean over episodes would be 1/3
    np.testing.assert_array_equal(found.arrays["micro_counts"], [[1, 1, 1], [2, 1, 0], [2, 1, 0]])
    interval = found.tables["intervals"][0]
    assert interval["metric"] == "micro_f1" and 0 <= interval["low"] <= 0.25 <= interval["high"] <= 1
    assert found.tables == score([good, bad, bad], bootstrap=50).tables


def test_errors_are_those_of_spans_with_right_ends() -> None:
    rows = [
        labelled(["location-GPE"], ["location-other"]),
        labelled(["location-GPE"], ["organization-other"]),
        labelled(["location-GPE"], ["location-GPE"]),
        labelled(["location-GPE", "O"], ["location-GPE", "location-GPE"]),
    ]
    metrics = score(rows, bootstrap=0).metrics
    assert metrics["within_error"] == pytest.approx(1 / 3) and metrics["outer_error"] == pytest.approx(1 / 3)


def test_nothing_predicted_is_no_error() -> None:
    found = score([labelled(["location-GPE"], ["O"])])
    assert found.metrics["micro_f1"] == 0 and found.metrics["within_error"] == 0
