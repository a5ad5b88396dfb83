"""Negatives of the sampled protocol, which ranks gold among a few random candidates, as in GraIL (Teru et al. 2020).

Ranks among few candidates are optimistic: report them as sampled, next to ranks among all candidates.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from loreweave.metrics.known_answers import AnswerRows
from loreweave.metrics.ranking_rows import RankedRows

Integers = NDArray[np.int64]
_ENOUGH = 4
"""Rows with fewer candidates than this multiple of the draws shuffle a list of them; other rows draw until all fit."""
_NUMBERS_AT_ONCE = 2**24


def sample_negatives(
    gold: ArrayLike,
    num_candidates: int,
    count: int,
    seed: int,
    *,
    questions: ArrayLike | None = None,
    known: AnswerRows | None = None,
    subset: ArrayLike | None = None,
) -> Integers:
    """Draw distinct candidates for each row, uniformly among those that are neither gold nor known answers.

    The draw depends on all rows: each of several processes draws for all rows and then ranks its share.

    Args:
        gold: true answer of each row: int [rows].
        num_candidates: candidates are numbered from 0 to below this.
        count: number of negatives per row.
        seed: equal seeds give equal draws.
        questions: question of each row, int [rows]. Default: row i has question i.
        known: true answers to each question. Default: only gold.
        subset: draw only from these candidates. Gold must be among them.

    Returns:
        Candidates int64 [rows, count] for `ranking.rank_against`. A row with fewer possible negatives has all of them, then -1.

    Raises:
        ValueError: shapes do not fit, or a row is out of range or not in the subset.
    """
    asked = np.arange(len(np.asarray(gold))) if questions is None else np.asarray(questions)
    num_questions = len(known) if known is not None else int(asked.max(initial=-1)) + 1
    rows = RankedRows.of(gold, asked, num_questions, num_candidates, known, subset)
    answers = _by_question(rows)
    random = np.random.default_rng(seed)
    found = np.full((len(rows), count), -1, dtype=np.int64)
    left = rows.num_candidates - answers.counts[rows.question] - ~rows.gold_is_known
    scarce = left < _ENOUGH * count
    found[~scarce] = _draw_until_it_fits(random, rows, answers, np.flatnonzero(~scarce), count)
    some = np.flatnonzero(scarce)
    at_once = max(1, _NUMBERS_AT_ONCE // max(1, rows.num_candidates))
    for start in range(0, len(some), at_once):
        part = some[start : start + at_once]
        found[part] = _draw_from_what_is_left(random, rows, answers, part, count)
    if rows.subset is not None and len(rows.subset):
        found = np.where(found < 0, -1, rows.subset[found])
    drawn = np.empty_like(found)
    drawn[rows.order] = found
    return drawn


def _by_question(rows: RankedRows) -> AnswerRows:
    """Known answers of each question, as positions."""
    order = np.lexsort((rows.known, rows.known_question))
    offsets = np.searchsorted(rows.known_question[order], np.arange(len(rows.asked) + 1))
    return AnswerRows(offsets, rows.known[order].astype(np.int32))


def _draw_until_it_fits(
    random: np.random.Generator, rows: RankedRows, answers: AnswerRows, some: Integers, count: int
) -> Integers:
    """Draw for some rows [some] -> [some, count], and draw again where a draw is true or repeated."""
    found = random.integers(max(1, rows.num_candidates), size=(len(some), count))
    again = np.arange(len(some))
    while len(again):
        drawn, row = found[again], some[again]
        known = answers.contain(np.repeat(rows.question[row], count), drawn.reshape(-1)).reshape(drawn.shape)
        wrong = known | (drawn == rows.gold[row, None]) | _repeated(drawn)
        found[again] = np.where(wrong, random.integers(rows.num_candidates, size=drawn.shape), drawn)
        again = again[wrong.any(axis=1)]
    return found


def _draw_from_what_is_left(
    random: np.random.Generator, rows: RankedRows, answers: AnswerRows, some: Integers, count: int
) -> Integers:
    """Draw for some rows [some] -> [some, count] by shuffling all candidates that are not true."""
    keys = random.random((len(some), rows.num_candidates))
    true = answers.select(rows.question[some])
    keys[true.question, true.answers] = np.inf
    keys[np.arange(len(some)), rows.gold[some]] = np.inf
    order = np.argsort(keys, axis=1)[:, :count]
    found = np.full((len(some), count), -1, dtype=np.int64)
    found[:, : order.shape[1]] = np.where(np.isinf(np.take_along_axis(keys, order, axis=1)), -1, order)
    return found


def _repeated(drawn: Integers) -> NDArray[np.bool_]:
    """Whether each value of a row [rows, n] occurs earlier in the row."""
    order = np.argsort(drawn, axis=1, kind="stable")
    ordered = np.take_along_axis(drawn, order, axis=1)
    same = np.zeros(drawn.shape, dtype=np.bool_)
    same[:, 1:] = ordered[:, 1:] == ordered[:, :-1]
    repeated = np.empty_like(same)
    np.put_along_axis(repeated, order, same, axis=1)
    return repeated
