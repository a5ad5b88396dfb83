"""Counts and numbers of a corpus of two sentences, by hand."""

from __future__ import annotations

from dataclasses import replace
from math import exp, log

import numpy as np
import pytest
from typed_texts import TYPES, typed

from loreweave.corpus.annotated_text import AnnotatedText, Mention
from loreweave.tasks.latent_types.analysis import analyse, pmi_words, vector_rows
from loreweave.tasks.latent_types.counting import StateSample, TypeCounts
from loreweave.tasks.latent_types.scoring import words_of

FIRST = AnnotatedText(
    "1", "Ann saw Oslo", (Mention(0, 3, label="person"), Mention(8, 12, label="place")),
    metadata={"pos": ["PROPN", "VERB", "PROPN"]},
)  # fmt: skip
SECOND = AnnotatedText("2", "Bo slept", (Mention(0, 2, label="person"),), metadata={"pos": ["PROPN", "VERB"]})


@pytest.fixture
def counts() -> TypeCounts:
    found = TypeCounts(TYPES, points=10)
    found.add(FIRST, typed(FIRST.text, ("Ann", 1), ("saw", 0), ("Os", 2), ("lo", 0), rebuilt=[0, 1, 7, 3, 5]))
    found.add(SECOND, typed(SECOND.text, ("Bo", 1), ("slept", 0), rebuilt=[0, 1, 2, 3]))
    return found


def test_usage(counts: TypeCounts) -> None:
    """Six sub-words: 3 of type 0, 2 of type 1, 1 of type 2; four special ones of type 0."""
    use = analyse(counts)["usage"]
    assert use["sub_words"] == {
        "sub_words": 6,
        "selected": 3,
        "share_selected": 0.5,
        "soft_unselected": pytest.approx((3 * 0.7 + 3 * 0.1) / 6),
        "types_in_use": 2,
        "hard_perplexity": pytest.approx(exp(-(3 / 6 * log(3 / 6) + 2 / 6 * log(2 / 6) + 1 / 6 * log(1 / 6)))),
        "soft_perplexity": pytest.approx(exp(-sum(p * log(p) for p in (0.4, 0.3, 0.2, 0.1)))),
    }
    assert use["with_special_tokens"]["sub_words"] == 10 and use["with_special_tokens"]["share_selected"] == 0.3


def test_agreement(counts: TypeCounts) -> None:
    """Labelled words: Ann and Bo are person with type 1, Oslo is place with type 2: perfect. Outside is no label."""
    numbers = analyse(counts)
    labels, tags = numbers["labels"], numbers["parts_of_speech"]
    assert labels["agreement"]["all"]["items"] == 3
    assert labels["agreement"]["all"]["nmi"] == labels["agreement"]["all"]["purity"] == pytest.approx(1)
    assert labels["contingency"] == {
        "types": [0, 1, 2],
        "classes": ["person", "place", "outside"],
        "words": [[0, 0, 2], [2, 0, 0], [0, 1, 0]],
    }
    assert labels["share_selected"] == {"person": 1, "place": 1, "outside": 0}
    assert tags["contingency"]["words"] == [[0, 2], [2, 0], [1, 0]] and tags["agreement"]["all"]["homogeneity"] == 1
    assert tags["agreement"]["selected"]["items"] == 3 and tags["share_selected"] == {"PROPN": 1, "VERB": 0}


def test_rows_of_types(counts: TypeCounts) -> None:
    rows = analyse(counts, top=1)["types"]
    assert [row["type"] for row in rows] == [0, 1, 2, 3]
    assert [row["sub_words"] for row in rows] == [3, 2, 1, 0] and [row["words"] for row in rows] == [2, 2, 1, 0]
    assert rows[1]["share"] == pytest.approx(1 / 3) and rows[1]["top_words"] == [{"word": "ann", "count": 1}]
    assert rows[0]["labels"] == {"outside": 2} and rows[2]["parts_of_speech"] == {"PROPN": 1}
    assert rows[2]["contexts"] == [{"before": "Ann saw ", "word": "Oslo", "after": ""}]
    assert rows[3]["contexts"] == rows[3]["pmi_words"] == []


def test_a_type_inside_words_only_shows_its_sub_words() -> None:
    found = TypeCounts(TYPES)
    found.add(FIRST, typed(FIRST.text, ("Ann", 1), ("saw", 0), ("Os", 2), ("lo", 3), rebuilt=[0, 1, 7, 3, 5]))
    rows = {row["type"]: row for row in analyse(found)["types"]}
    assert rows[3]["sub_words"] == 1 and rows[3]["words"] == 0 and rows[3]["top_words"] == []
    assert rows[3]["top_sub_words"] == [{"sub_word": "lo", "count": 1}]
    assert [words_of(rows[kind]) for kind in (1, 2, 3)] == ["ann", "oslo", "parts of words: lo"]
    assert [words_of(row) for row in analyse(found, top=0)["types"]] == [None] * TYPES


def test_rebuilding(counts: TypeCounts) -> None:
    """Four and two sub-words; 1 and 3 of the first are in place (the rebuilt ends early), both of the second."""
    rebuilt = analyse(counts)["reconstruction"]
    assert rebuilt == {
        "texts": 2,
        "sub_words": 6,
        "token_accuracy": pytest.approx(4 / 6),
        "exact_match": 0.5,
        "next_accuracy": pytest.approx(3 / 6),
        "perplexity": pytest.approx(4),
    }


def test_without_gold_and_rebuilding() -> None:
    counts = TypeCounts(TYPES)
    counts.add(AnnotatedText("1", "Ann saw"), typed("Ann saw", ("Ann", 1), ("saw", 0)))
    numbers = analyse(counts)
    assert "labels" not in numbers and "parts_of_speech" not in numbers and numbers["reconstruction"] is None
    assert all("labels" not in row and "parts_of_speech" not in row for row in numbers["types"])


def test_texts_without_details_are_refused() -> None:
    with pytest.raises(ValueError, match="with_details=True"):
        TypeCounts(TYPES).add(AnnotatedText("1", "a"), replace(typed("a", ("a", 1)), details=None))


def test_pmi_by_hand() -> None:
    """n = 16; type 1 has 8 words: oslo 4 of 4, the 4 of 8; type 2 has 8: the 4 of 8, bo 2 of 2, few 2 of 2."""
    words = {(1, "oslo"): 4, (1, "the"): 4, (2, "the"): 4, (2, "bo"): 2, (2, "few"): 2}
    assert pmi_words(words, 5) == {1: [("oslo", pytest.approx(1.0), 4)]}  # `the` has 0 bits, `bo` and `few` are too rare
    assert pmi_words({**words, (2, "bo"): 4}, 5)[2] == [("bo", pytest.approx(np.log2(4 * 18 / (10 * 4))), 4)]


def test_neighbours_by_hand() -> None:
    vectors = np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 2.0]])
    words = np.array([[5.0, 0.0], [9.0, 9.0], [0.0, 1.0], [1.0, 0.2]])
    first, second, third = vector_rows(vectors, words, ["[PAD]", "b", "c", "d"], [1, 2, 3], top=2)
    assert [item["word"] for item in first["nearest_words"]] == ["d", "b"]
    assert first["nearest_words"][1]["cosine"] == pytest.approx(0.5**0.5)
    assert [second["type"], second["nearest_types"]] == [2, [{"type": 1, "cosine": pytest.approx(0.5**0.5)}]]
    assert [item["word"] for item in third["nearest_words"]] == ["c", "b"]


def test_the_sample_is_even_and_repeats() -> None:
    def draw(seed: int) -> list[int]:
        sample = StateSample(50, seed)
        for start in range(0, 1000, 7):
            numbers = np.arange(start, min(start + 7, 1000))
            sample.add(numbers[:, None], numbers)
        states, types = sample.drawn()
        assert states[:, 0].tolist() == types.tolist() and len(set(types.tolist())) == 50
        return types.tolist()

    assert draw(0) == draw(0) != draw(1)
    means = [np.mean(draw(seed)) for seed in range(20)]
    assert abs(np.mean(means) - 499.5) < 45  # standard error 9


def test_examples_are_drawn_from_all_words() -> None:
    """Each of ten words of a type is drawn at least once over forty seeds (missing three has a probability below 1e-4)."""
    letters = "abcdefghij"
    text = " ".join(letters)
    drawn = set()
    for seed in range(40):
        counts = TypeCounts(TYPES, contexts=1, seed=seed)
        counts.add(AnnotatedText("1", text), typed(text, *((letter, 1) for letter in letters)))
        (context,) = counts.examples[1]
        drawn.add(context.word)
    assert len(drawn) >= 8
