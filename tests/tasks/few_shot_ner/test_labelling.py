"""Labels by the nearest word or class mean: against loops, batch by batch and one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from loreweave.corpus.episodes import Episode
from loreweave.tasks.few_shot_ner.labelling import Labeller, Question, together
from loreweave.tasks.few_shot_ner.transitions import TransitionCounts
from loreweave.tasks.few_shot_ner.word_vectors import WordVectors, similarity_of

SIZES = {0: 3, 1: 2, 2: 4, 3: 1, 4: 3}


@pytest.fixture
def vectors() -> WordVectors:
    torch.manual_seed(0)
    starts, place = {}, 0
    for number, size in SIZES.items():
        starts[number], place = place, place + size
    return WordVectors(torch.randn(place, 5), starts, SIZES)


def question(support: list[int], query: list[int], classes: list[int]) -> Question:
    return Question(Episode("0", (), (), ("a", "b")), support, query, np.array(classes), ["O", "a", "b"])


QUESTIONS = [question([0, 1], [2], [0, 1, 1, 2, 0]), question([3], [4, 0], [1]), question([2], [1, 3], [0, 2, 2, 0])]


def by_loops(asked: Question, vectors: WordVectors, prototypes: bool) -> list[list[int]]:
    given = vectors.vectors[vectors.rows(asked.support)]
    answers = []
    for number in asked.query:
        row = []
        for word in vectors.vectors[vectors.rows([number])]:
            scores = {}
            for label in set(asked.classes.tolist()):
                members = given[asked.classes == label]
                members = members.mean(0, keepdim=True) if prototypes else members
                scores[label] = max(-float(((word - member) ** 2).sum()) for member in members)
            row.append(max(scores, key=scores.__getitem__))
        answers.append(row)
    return answers


@pytest.mark.parametrize("prototypes", [False, True])
def test_labels_are_those_of_a_loop_over_words(vectors: WordVectors, prototypes: bool) -> None:
    labeller = Labeller(similarity_of("states", 0.0), prototypes=prototypes)
    answers = labeller.label(QUESTIONS, vectors)
    for asked, (classes, probabilities) in zip(QUESTIONS, answers, strict=True):
        assert [row.tolist() for row in classes] == by_loops(asked, vectors, prototypes)
        assert [len(row) for row in probabilities] == [SIZES[number] for number in asked.query]
        assert all(0 < value <= 1 for row in probabilities for value in row)


@pytest.mark.parametrize("prototypes", [False, True])
@pytest.mark.parametrize("transitions", [None, TransitionCounts(1, 1, 1, 1, 1, 1, 1)])
def test_labels_of_large_vectors_are_those_of_small_ones(
    vectors: WordVectors, prototypes: bool, transitions: TransitionCounts | None
) -> None:
    """Their squared distances are above a million, as those of sums of states of encoders without a last norm."""
    large = WordVectors(1000 * vectors.vectors, vectors.starts, vectors.sizes)
    labeller = Labeller(similarity_of("states", 0.0), prototypes, transitions)
    for asked, (classes, probabilities) in zip(QUESTIONS, labeller.label(QUESTIONS, large), strict=True):
        assert [row.tolist() for row in classes] == by_loops(asked, vectors, prototypes)
        assert all(0 < value <= 1 for row in probabilities for value in row)


@pytest.mark.parametrize("change", [{}, {"prototypes": True}, {"transitions": TransitionCounts(2, 1, 5, 2, 2, 1, 1)}])
def test_episodes_together_and_alone_get_the_same(vectors: WordVectors, change: dict[str, Any]) -> None:
    labeller = Labeller(similarity_of("states", 0.0), **change)
    for asked, (classes, _) in zip(QUESTIONS, labeller.label(QUESTIONS, vectors), strict=True):
        ((alone, _),) = labeller.label([asked], vectors)
        assert [row.tolist() for row in classes] == [row.tolist() for row in alone]


def test_transitions_can_overrule_the_nearest_word(vectors: WordVectors) -> None:
    never = TransitionCounts(s_o=1, o_o=1, i_o=1)
    labeller = Labeller(similarity_of("states", 0.0), transitions=never)
    (classes, _), *_ = labeller.label(QUESTIONS[:1], vectors)
    assert classes[0].tolist() == [0, 0, 0, 0] != by_loops(QUESTIONS[0], vectors, False)[0]


def test_gaussian_similarity_splits_a_vector() -> None:
    query, support = torch.rand(2, 6) + 0.1, torch.rand(3, 6) + 0.1
    from loreweave.models.gaussian_embeddings import Gaussians, divergences

    expected = -divergences(Gaussians(query[:, :3], query[:, 3:]), Gaussians(support[:, :3], support[:, 3:]))
    torch.testing.assert_close(similarity_of("gaussians", 0.0)(query, support), expected)


def test_episodes_are_grouped_by_size_and_by_number_of_labels(vectors: WordVectors, monkeypatch: pytest.MonkeyPatch) -> None:
    other = Question(Episode("0", (), (), ("a",)), [0], [1], np.zeros(3, np.int64), ["O", "a"])
    assert sorted(map(sorted, together([*QUESTIONS, other], vectors))) == [[0, 1, 2], [3]]
    monkeypatch.setattr("loreweave.tasks.few_shot_ner.labelling._MOST_NUMBERS", 1)
    assert sorted(together(QUESTIONS, vectors)) == [[0], [1], [2]]


def test_a_long_query_is_not_labelled_with_many_short_ones(vectors: WordVectors, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 5 and 4 support words with 1 and 9 query words, two padded episodes have 2 x (5 + 9) vectors of 5 numbers."""
    both = [question([0, 1], [3], [0, 1, 1, 2, 0]), question([2], [0, 4, 1, 3], [0, 2, 2, 0])]
    for most, batches in ((139, [[0], [1]]), (140, [[0, 1]])):
        monkeypatch.setattr("loreweave.tasks.few_shot_ner.labelling._MOST_NUMBERS", most)
        assert list(together(both, vectors)) == batches
