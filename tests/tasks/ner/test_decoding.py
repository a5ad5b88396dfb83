"""Decoding against brute force and by hand."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loreweave.metrics.probabilities import softmax
from loreweave.tasks.ner.decoding import TagScheme, decode_spans, decode_tags, legal_path, transitions
from loreweave.tasks.ner.encoding import tags_of_types

NONE, PER, LOC = range(3)


def logits(*rows: tuple[int, float]) -> np.ndarray:
    """One row a candidate: its best class and that class's logit."""
    made = np.full((len(rows), 3), -5.0)
    for number, (best, value) in enumerate(rows):
        made[number, best] = value
    return made


def test_the_largest_logit_wins_and_overlaps_are_refused() -> None:
    words = np.array([[0, 1], [0, 2], [1, 3], [3, 4], [4, 5]])
    scores = logits((PER, 1.0), (LOC, 3.0), (PER, 2.0), (PER, 0.5), (NONE, 9.0))
    found = decode_spans(words, scores, NONE)
    assert found[:, :3].tolist() == [[0, 2, LOC - 1], [3, 4, PER - 1]]
    assert found[:, 3].tolist() == [3.0, 0.5] and found[0, 4] == pytest.approx(softmax(scores)[1, LOC])


def test_raw_logits_decide_not_probabilities() -> None:
    """As the original: a larger logit beats a surer class."""
    scores = np.array([[4.9, 5.0, 0.0], [-9.0, 4.0, -9.0]])
    assert decode_spans(np.array([[0, 2], [1, 3]]), scores, NONE)[:, :2].tolist() == [[0, 2]]


def test_nested_mentions_on_request_but_none_that_cross() -> None:
    words = np.array([[0, 3], [1, 2], [2, 5], [0, 6]])
    scores = logits((PER, 3.0), (LOC, 2.0), (LOC, 2.5), (PER, 1.0))
    assert decode_spans(words, scores, NONE)[:, :2].tolist() == [[0, 3]]
    assert decode_spans(words, scores, NONE, nested=True)[:, :2].tolist() == [[0, 6], [0, 3], [1, 2]]


def test_nothing_to_decode() -> None:
    assert decode_spans(np.zeros((0, 2), int), np.zeros((0, 3)), NONE).shape == (0, 5)
    assert decode_tags(np.zeros((0, 3)), ["O", "B-x", "I-x"], ["x"], "iob2").shape == (0, 5)


def test_the_negative_class_may_stand_anywhere() -> None:
    found = decode_spans(np.array([[0, 1], [1, 2]]), np.array([[5.0, 0, 0], [0, 0, 5.0]]), negative=1)
    assert found[:, 2].tolist() == [0, 1]


@pytest.mark.parametrize(
    ("scheme", "path", "legal"),
    [
        ("iob2", "O B-a I-a I-a B-a", True),
        ("iob2", "I-a", False),
        ("iob2", "B-a I-b", False),
        ("bioes", "S-a B-a I-a E-a O", True),
        ("bioes", "B-a O", False),
        ("bioes", "B-a", False),
        ("bioes", "S-a I-a E-a", False),
        ("bioes", "B-a E-b", False),
    ],
)
def test_which_tags_may_follow(scheme: TagScheme, path: str, legal: bool) -> None:
    tags = tags_of_types(["a", "b"], scheme)
    allowed = transitions(tags, scheme)
    numbers = [0, *map(tags.index, path.split()), 0]
    assert all(allowed[pair] for pair in zip(numbers, numbers[1:], strict=False)) is legal


@given(st.sampled_from(["iob2", "bioes"]), st.integers(1, 4), st.integers(0, 10_000))
def test_the_best_legal_path_of_all(scheme: TagScheme, words: int, seed: int) -> None:
    tags = tags_of_types(["a"], scheme)
    allowed = transitions(tags, scheme)
    scores = np.random.default_rng(seed).normal(size=(words, len(tags)))
    best, expected = -np.inf, ()
    for path in product(range(len(tags)), repeat=words):
        around = (0, *path, 0)
        if all(allowed[pair] for pair in zip(around, around[1:], strict=False)):
            total = float(sum(scores[word, tag] for word, tag in enumerate(path)))
            best, expected = max((best, expected), (total, path))
    assert tuple(legal_path(scores, allowed, 0)) == expected


def test_tags_become_mentions() -> None:
    tags = ["O", "B-x", "I-x"]
    scores = np.log(np.array([[0.1, 0.2, 0.7], [0.2, 0.2, 0.6], [0.8, 0.1, 0.1]]))
    legal = decode_tags(scores, tags, ["x"], "iob2")
    assert legal[:, :3].tolist() == [[0, 2, 0]] and legal[0, 4] == pytest.approx((0.2 + 0.6) / 2)
    assert decode_tags(scores, tags, ["x"], None)[0, 4] == pytest.approx(0.65)  # another's tags are taken as they come
    assert decode_tags(scores, ["O", "x", "y"], ["x", "y"], None)[:, :3].tolist() == [[0, 2, 1]]
