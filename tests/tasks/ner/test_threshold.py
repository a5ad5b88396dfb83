"""The threshold with the highest F1, by hand and against brute force over every threshold."""

from __future__ import annotations

import numpy as np
import pytest

from loreweave.corpus.column_formats.tag_schemes import TokenSpan
from loreweave.metrics.spans import count_spans
from loreweave.tasks.ner.decoding import decode_spans, margins_of
from loreweave.tasks.ner.threshold import Candidates, best_threshold

NONE, PER, LOC = range(3)


def record(gold: list[tuple[int, int, int]], *rows: tuple[tuple[int, int], tuple[float, float, float]]) -> Candidates:
    """Spans of words, each with its logits of (none, PER, LOC)."""
    words = np.array([span for span, _ in rows]).reshape(-1, 2)
    return Candidates(words, np.array([scores for _, scores in rows], np.float32).reshape(-1, 3), frozenset(gold))


def f1_at(threshold: float | None, records: list[Candidates], gold: int, nested: bool = False) -> float:
    """By the decoder and the scorer that evaluation uses."""
    found = [decode_spans(each.words, each.logits, NONE, nested, threshold) for each in records]
    predicted = [[TokenSpan(int(s), int(e), str(int(t) + 1)) for s, e, t, *_ in rows] for rows in found]
    truth = [[TokenSpan(s, e, str(t)) for s, e, t in each.gold] for each in records]
    counts = count_spans(truth, predicted).totals
    return 2 * counts[2] / (gold + counts[1]) if gold + counts[1] else 0.0


def test_margins_are_differences_to_the_class_of_no_mention_wherever_it_stands() -> None:
    best, margins = margins_of(np.array([[1.0, 4.0, 2.0], [3.0, 0.0, 2.5]]), NONE)
    assert best.tolist() == [PER, LOC] and margins.tolist() == [3.0, -0.5]
    best, margins = margins_of(np.array([[1.0, 4.0, 2.0], [3.0, 0.0, 2.5]]), 1)
    assert best.tolist() == [2, 0] and margins.tolist() == [-2.0, 3.0]


def test_a_lower_threshold_finds_what_a_cautious_model_misses() -> None:
    # margins: 2 (right), -1 (right), -1.5 (right), -3 (wrong), so that F1 is highest with a threshold in [-3, -1.5)
    records = [
        record([(0, 1, PER), (2, 3, LOC)], ((0, 1), (0, 2, 0)), ((2, 3), (1, -9, 0)), ((4, 5), (3, 0, -1))),
        record([(0, 2, PER)], ((0, 2), (1.5, 0, -9))),
    ]
    found = best_threshold(records, 3, NONE)
    assert found == -2.0  # the middle, -2.25, with the fewest digits
    assert f1_at(None, records, 3) == pytest.approx(0.5) and f1_at(found, records, 3) == 1.0


def test_a_higher_threshold_leaves_out_what_a_bold_model_adds() -> None:
    records = [record([(0, 1, PER)], ((0, 1), (0, 5, 0)), ((2, 3), (0, 1, 0)), ((4, 5), (0, 0, 3)))]
    assert best_threshold(records, 1, NONE) == 4.0 and f1_at(4.0, records, 1) == 1.0


def test_a_span_that_enters_may_take_the_words_of_another() -> None:
    """The longer span has the larger logit, so it replaces the right one as soon as the threshold lets it in."""
    records = [record([(0, 1, PER)], ((0, 1), (1, 2, 0)), ((0, 2), (9, 0, 8)))]
    found = best_threshold(records, 1, NONE)
    assert found == 0 and f1_at(-1.5, records, 1) == 0.0


def test_zero_stays_where_nothing_is_better() -> None:
    right = [record([(0, 1, PER)], ((0, 1), (0, 2, 0)), ((2, 3), (2, 0, 0)))]
    assert best_threshold(right, 1, NONE) == 0.0
    assert best_threshold([record([], ((0, 1), (0, 2, 0)))], 0, NONE) == 0.0  # no gold mention
    assert best_threshold([record([(0, 1, LOC)], ((0, 1), (0, 2, 0)))], 1, NONE) == 0.0  # nothing is ever right
    assert best_threshold([], 0, NONE) == best_threshold([record([(0, 9, PER)])], 1, NONE) == 0.0


def test_close_margins_get_as_many_digits_as_they_need() -> None:
    records = [record([(0, 1, PER)], ((0, 1), (0, 1.2578125, 0)), ((2, 3), (0, 1.25, 0)))]
    found = best_threshold(records, 1, NONE)
    assert found == 1.254 and f1_at(found, records, 1) == 1.0


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("seed", range(12))
def test_no_threshold_is_better(seed: int, nested: bool) -> None:
    """All spans of up to three words in random sentences; margins are rounded, so that many are equal."""
    random = np.random.default_rng(seed)
    records = []
    for length in random.integers(1, 7, size=4):
        words = [(a, b) for a in range(length) for b in range(a + 1, min(length, a + 3) + 1)]
        scores = random.normal(size=(len(words), 3)).round(1) + [random.integers(-1, 3), 0, 0]
        wanted = random.choice(len(words), size=min(len(words), 2), replace=False)
        gold = frozenset((*words[place], int(random.integers(1, 3))) for place in wanted)
        records.append(Candidates(np.array(words), scores.astype(np.float32), gold))
    gold = sum(len(each.gold) for each in records) + 1  # one is no candidate
    margins = sorted({float(m) for each in records for m in margins_of(each.logits, NONE)[1]})
    every = [margins[0] - 1, *[(a + b) / 2 for a, b in zip(margins, margins[1:], strict=False)], margins[-1] + 1]
    found = best_threshold(records, gold, NONE, nested)
    assert f1_at(found, records, gold, nested) == pytest.approx(max(f1_at(each, records, gold, nested) for each in every))
    assert f1_at(0.0, records, gold, nested) == f1_at(None, records, gold, nested)
