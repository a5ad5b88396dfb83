"""Transition counts, their weights by hand, and Viterbi against all paths."""

from __future__ import annotations

from itertools import product

import pytest
import torch

from loreweave.tasks.few_shot_ner.transitions import TransitionCounts, best_paths, count_transitions, log_transitions

COUNTS = TransitionCounts(s_o=3, s_i=1, o_o=6, o_i=2, i_o=5, i_i=4, x_y=1)


def test_pairs_of_labels_are_counted_by_kind() -> None:
    sentences = [["O", "a", "a", "b", "O", "O", "a"], ["b"], []]
    assert count_transitions(sentences) == TransitionCounts(s_o=1, s_i=1, o_o=1, o_i=2, i_o=1, i_i=1, x_y=1)


def test_rates_are_shared_out_over_types() -> None:
    table = log_transitions(COUNTS, types=3, temperature=1.0).exp()
    expected = [
        [3 / 4, 1 / 12, 1 / 12, 1 / 12],  # start
        [6 / 8, 2 / 24, 2 / 24, 2 / 24],  # O
        [5 / 10, 4 / 10, 1 / 20, 1 / 20],
        [5 / 10, 1 / 20, 4 / 10, 1 / 20],
        [5 / 10, 1 / 20, 1 / 20, 4 / 10],
    ]
    torch.testing.assert_close(table, torch.tensor(expected))
    torch.testing.assert_close(table.sum(1), torch.ones(5))


def test_a_small_power_makes_transitions_alike_and_zeros_stay_unlikely() -> None:
    table = log_transitions(TransitionCounts(s_o=3, s_i=1, o_o=6, o_i=2, i_o=5, i_i=4), types=2, temperature=0.01)
    assert table[2, 2] == pytest.approx(torch.tensor(1e-6).log().item())  # another type never followed
    legal = table[0].exp()
    assert legal.max() - legal.min() < 0.02 and legal.sum() == pytest.approx(1)
    wide = log_transitions(COUNTS, types=2, temperature=1.0, shared_by=17).exp()
    assert wide.shape == (4, 3) and wide[1, 1] == pytest.approx(2 / 8 / 17) and wide[2, 2] == pytest.approx(1 / 10 / 16)


def test_the_best_path_is_the_best_of_all() -> None:
    torch.manual_seed(0)
    emissions, lengths = torch.randn(6, 4, 3).log_softmax(-1), torch.tensor([4, 1, 3, 2, 4, 4])
    table = torch.randn(4, 3)
    found = best_paths(emissions, lengths, table)
    for row, length in enumerate(lengths.tolist()):

        def value(path: tuple[int, ...], row: int = row) -> float:
            total = table[0, path[0]] + sum(emissions[row, step, tag] for step, tag in enumerate(path))
            return float(total + sum(table[1 + a, b] for a, b in zip(path, path[1:], strict=False)))

        assert tuple(found[row, :length].tolist()) == max(product(range(3), repeat=length), key=value)
