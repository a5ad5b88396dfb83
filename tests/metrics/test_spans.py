"""Span scores: hand-counted, against seqeval, and additive."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loreweave.corpus.column_formats.tag_schemes import TokenSpan, spans_of_tags
from loreweave.metrics.spans import SpanCounts, count_spans, precision_recall

SEQEVAL: Any = None
if find_spec("seqeval") is not None:
    SEQEVAL = import_module("seqeval.metrics.sequence_labeling")
WITH_SEQEVAL = pytest.mark.skipif(
    SEQEVAL is None, reason="seqeval is not installed (pip install seqeval==1.2.2: a peer without wheels, in no extra)"
)

TAGS = st.sampled_from(["O", "B-PER", "I-PER", "B-LOC", "I-LOC"])
PAIRS = st.lists(st.lists(st.tuples(TAGS, TAGS), min_size=1, max_size=6), max_size=5)


def counts_of(pairs: list[list[tuple[str, str]]]) -> SpanCounts:
    gold, predicted = ([[pair[side] for pair in sentence] for sentence in pairs] for side in (0, 1))
    return count_spans(map(spans_of_tags, gold), map(spans_of_tags, predicted))


def test_hand_counted() -> None:
    gold = [[TokenSpan(0, 2, "PER"), TokenSpan(3, 4, "LOC")], [TokenSpan(0, 1, "PER")]]
    predicted = [[TokenSpan(0, 2, "PER"), TokenSpan(3, 4, "PER")], [TokenSpan(0, 2, "PER"), TokenSpan(0, 2, "PER")]]
    counts = count_spans(gold, predicted)
    assert counts.totals == (3, 3, 1)
    assert counts.micro().f1 == pytest.approx(1 / 3)
    person, place = counts.per_type()[::-1]
    assert (person["label"], person["gold"], person["predicted"], person["correct"]) == ("PER", 2, 3, 1)
    assert person["f1"] == pytest.approx(2 * (1 / 3) * (1 / 2) / (1 / 3 + 1 / 2)) and place["f1"] == 0
    assert counts.macro_f1() == pytest.approx(person["f1"] / 2)


@given(PAIRS, PAIRS)
def test_counts_add_up(first: list[list[tuple[str, str]]], second: list[list[tuple[str, str]]]) -> None:
    assert counts_of(first) + counts_of(second) == counts_of(first + second)


@WITH_SEQEVAL
@given(PAIRS.filter(bool))
def test_scores_are_those_of_seqeval(pairs: list[list[tuple[str, str]]]) -> None:
    gold, predicted = ([[pair[side] for pair in sentence] for sentence in pairs] for side in (0, 1))
    value = counts_of(pairs).micro()
    assert value.f1 == pytest.approx(SEQEVAL.f1_score(gold, predicted, zero_division=0))
    assert value.precision == pytest.approx(SEQEVAL.precision_score(gold, predicted, zero_division=0))


# ---- ten thousand random cases ----------------------------------------------------------------------------------------

Pairs = list[list[tuple[str, str]]]


def random_pairs(number: int) -> Pairs:
    """One to four sentences of pairs of tags, of any scheme and of none: also such that no program would write."""
    random = np.random.default_rng(number)
    prefixes = ("BI", "BIE", "BIES", "I", "IB", "BIESLU")[random.integers(6)]
    tags = ["O", "O", *(f"{prefix}-{label}" for prefix in prefixes for label in ("PER", "LOC", "a-b")[: random.integers(1, 4)])]
    sentences = []
    for _ in range(random.integers(1, 5)):
        truth = [tags[index] for index in random.integers(len(tags), size=random.integers(1, 9))]
        right = random.random(len(truth)) < 0.6  # else nothing would agree
        guess = [tag if keep else tags[random.integers(len(tags))] for tag, keep in zip(truth, right, strict=True)]
        sentences.append(list(zip(truth, guess, strict=True)))
    return sentences


def conlleval(sentences: Pairs) -> tuple[Counter[str], Counter[str], Counter[str]]:
    """Gold, predicted and correct chunks by type, counted as the script of the shared tasks counts: one pass over the
    lines that knows no chunk, only whether both sides are inside one that has agreed so far."""
    gold, predicted, correct = Counter[str](), Counter[str](), Counter[str]()
    for sentence in sentences:
        before, agreed = [("O", ""), ("O", "")], ""
        for pair in [*sentence, ("O", "O")]:
            now = [(tag[0].translate(str.maketrans("LU", "ES")), tag[2:]) for tag in pair]
            (ends, guess_ends), (starts, guess_starts) = (
                [rule(old, new) for old, new in zip(before, now, strict=True)] for rule in (chunk_ends, chunk_starts)
            )
            if agreed and ends and guess_ends:
                correct[agreed] += 1
            if ends or guess_ends or now[0][1] != now[1][1]:
                agreed = ""
            if starts and guess_starts and now[0][1] == now[1][1]:
                agreed = now[0][1]
            gold[now[0][1]] += starts
            predicted[now[1][1]] += guess_starts
            before = now
    return +gold, +predicted, +correct


def chunk_ends(old: tuple[str, str], new: tuple[str, str]) -> bool:
    """The script's conditions, one by one."""
    if old[0] + new[0] in ("BB", "BO", "IB", "IO", "EE", "EI", "EO", "BS", "IS", "ES", "EB", "SB", "SI", "SE", "SO", "SS"):
        return True
    return old[0] != "O" and old[1] != new[1]


def chunk_starts(old: tuple[str, str], new: tuple[str, str]) -> bool:
    if old[0] + new[0] in ("BB", "IB", "OB", "OI", "EE", "EI", "OE", "EB", "SB", "SE", "SI", "BS", "IS", "ES", "OS", "SS"):
        return True
    return new[0] != "O" and old[1] != new[1]


def sides(sentences: Pairs) -> tuple[list[list[str]], list[list[str]]]:
    gold, predicted = ([[pair[side] for pair in sentence] for sentence in sentences] for side in (0, 1))
    return gold, predicted


def f1_of(gold: int, predicted: int, correct: int) -> float:
    return 2 * correct / (gold + predicted) if gold + predicted else 0.0


def test_ten_thousand_cases_are_counted_as_conlleval_counts_them() -> None:
    for number in range(10_000):
        sentences = random_pairs(number)
        counts, (gold, predicted, correct) = counts_of(sentences), conlleval(sentences)
        assert (counts.gold, +counts.predicted, +counts.correct) == (gold, predicted, correct), sentences
        assert counts.micro().f1 == pytest.approx(f1_of(gold.total(), predicted.total(), correct.total()))
        f1 = {label: f1_of(gold[label], predicted[label], correct[label]) for label in gold | predicted}
        assert {row["label"]: row["f1"] for row in counts.per_type()} == pytest.approx(f1)
        assert counts.macro_f1() == pytest.approx(sum(f1.values()) / max(1, len(f1)))


@WITH_SEQEVAL
def test_ten_thousand_cases_get_the_scores_of_seqeval() -> None:
    def scores(f: Any, pair: Sequence[list[list[str]]], average: str | None) -> Any:
        return f(*pair, average=average, zero_division=0)

    for number in range(10_000):
        known = [[pair for pair in sentence if pair[0][0] not in "LU"] for sentence in random_pairs(number)]
        sentences = [[pair for pair in sentence if pair[1][0] not in "LU"] for sentence in known]
        counts, pair = counts_of(sentences), sides(sentences)
        assert counts.micro().f1 == pytest.approx(scores(SEQEVAL.f1_score, pair, "micro")), sentences
        if not counts.gold | counts.predicted:
            continue  # seqeval makes a mean of nothing
        assert counts.macro_f1() == pytest.approx(scores(SEQEVAL.f1_score, pair, "macro"))
        for name in ("precision", "recall", "f1"):
            expected = scores(getattr(SEQEVAL, f"{name}_score"), pair, None)
            assert [row[name] for row in counts.per_type()] == pytest.approx(list(expected))


def test_nothing_predicted_and_nothing_to_find() -> None:
    assert (precision_recall(3, 0, 0).f1, precision_recall(0, 3, 0).f1, SpanCounts().micro().f1) == (0, 0, 0)
    assert SpanCounts().macro_f1() == 0
    with pytest.raises(ValueError):
        count_spans([[]], [])
