import numpy as np
import pytest
from made_attention import made_attention

from loreweave.attention.captured import CapturedAttention, EntityToken
from loreweave.attention.formats.arrays import from_arrays
from loreweave.attention.measures import (
    class_flow,
    grounding,
    head_statistics,
    quadrants,
    rollout,
    seen_keys,
    token_to_token,
)
from loreweave.errors import DataError

EYE = np.tile(np.eye(6, dtype=np.float32), (2, 3, 1, 1))
EVEN = np.full((2, 3, 6, 6), 1 / 6, dtype=np.float32)


def test_flow_adds_up_over_classes_and_compares_with_their_sizes() -> None:
    found = class_flow(made_attention(weights=EVEN))
    assert found.queries == found.keys == ["special", "separator", "word", "punctuation", "mention", "entity"]
    np.testing.assert_allclose(found.shares, 1 / 6, atol=1e-6)
    np.testing.assert_allclose(found.lift, 1, atol=1e-6)
    random = class_flow(made_attention())
    np.testing.assert_allclose(random.shares.sum(axis=2), 1, atol=1e-5)
    np.testing.assert_allclose(random.shares[1, 4, 5], made_attention().weights[1, :, 1, 5].mean(), atol=1e-6)


def test_the_four_quadrants_are_means_of_words_and_of_entities() -> None:
    found = quadrants(made_attention(weights=EVEN))
    for name, share in (("word -> word", 5), ("word -> entity", 1), ("entity -> word", 5), ("entity -> entity", 1)):
        np.testing.assert_allclose(found[name], share / 6, atol=1e-6)


def test_grounding_tells_the_own_mention_from_the_rest() -> None:
    weights = EYE.copy()
    weights[:, :, 5] = [0.1, 0.4, 0.2, 0.0, 0.1, 0.2]
    (row,) = grounding(made_attention(weights=weights))
    np.testing.assert_allclose(row["own mention"], 0.4, atol=1e-6)
    np.testing.assert_allclose(row["other words"], 0.2, atol=1e-6)
    np.testing.assert_allclose(row["special tokens and markers"], 0.2, atol=1e-6)  # 0.1 on each of [CLS] and [SEP]
    np.testing.assert_allclose(row["entities"], 0.2, atol=1e-6)
    np.testing.assert_allclose(row["other mentions"], 0)
    np.testing.assert_allclose(row["mention to entity"], 0)


def test_shares_of_an_entity_add_up_to_one_and_an_entity_without_words_has_none() -> None:
    row, *others = grounding(made_attention(entities=[EntityToken(5, "[MASK]", 0, 3, [1]), EntityToken(5, "x", -1, -1, [])]))
    assert not others and row["entity"] == "[MASK]"
    shares = [row[name] for name in ("own mention", "other mentions", "other words", "entities", "special tokens and markers")]
    np.testing.assert_allclose(np.sum(shares, axis=0), 1, atol=1e-6)


def test_one_token_to_another_is_a_sum_over_keys_and_a_mean_over_queries() -> None:
    example = made_attention()
    found = token_to_token(example, [1, 2], [5, 0])
    expected = example.weights[:, :, [1, 2]][..., [5, 0]].sum(-1).mean(-1)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    for queries, keys in (([], [0]), ([6], [0]), ([0], [-1])):
        with pytest.raises(DataError, match="expected some from 0 to 5"):
            token_to_token(example, queries, keys)


def test_rollout_of_two_layers_by_hand() -> None:
    first, second = np.array([[0.0, 1.0], [0.5, 0.5]]), np.array([[1.0, 0.0], [1.0, 0.0]])
    found = rollout(np.stack([first, second])[:, None].astype(np.float32))
    half = [(layer + np.eye(2)) / 2 for layer in (first, second)]
    np.testing.assert_allclose(found, half[1] @ half[0], atol=1e-6)
    np.testing.assert_allclose(rollout(made_attention().weights).sum(axis=1), 1, atol=1e-6)


def test_statistics_of_simple_heads() -> None:
    itself, even = head_statistics(made_attention(weights=EYE)), head_statistics(made_attention(weights=EVEN))
    np.testing.assert_allclose(itself["entropy"], 0, atol=1e-6)
    np.testing.assert_allclose(even["entropy"], 1, atol=1e-6)
    np.testing.assert_allclose(itself["self"], 1, atol=1e-6)
    np.testing.assert_allclose(itself["distance"], 0, atol=1e-6)
    np.testing.assert_allclose(even["largest"], 1 / 6, atol=1e-6)
    np.testing.assert_allclose(even["separators"], 2 / 6, atol=1e-6)
    np.testing.assert_allclose(even["entities"], 1 / 6, atol=1e-6)


def test_an_entity_has_no_neighbours() -> None:
    previous, following = (np.tile(np.eye(6, k=k, dtype=np.float32), (2, 3, 1, 1)) for k in (-1, 1))
    np.testing.assert_allclose(head_statistics(made_attention(weights=previous))["previous"], 4 / 6, atol=1e-6)
    np.testing.assert_allclose(head_statistics(made_attention(weights=following))["next"], 4 / 6, atol=1e-6)


def causal(rows: np.ndarray) -> CapturedAttention:
    """An example of a decoder of words with one layer and head."""
    names = [f"w{number}" for number in range(len(rows))]
    return from_arrays(rows[None, None].astype(np.float32), names)


def test_entropy_of_a_decoder_is_relative_to_the_tokens_that_a_token_sees() -> None:
    even = np.tril(np.ones((5, 5))) / np.arange(1, 6)[:, None]
    assert head_statistics(causal(even))["entropy"].item() == pytest.approx(1, abs=1e-6)
    sharp = even.copy()
    sharp[4] = [0, 0, 0, 0, 1]
    assert head_statistics(causal(sharp))["entropy"].item() == pytest.approx(3 / 4, abs=1e-6), "the first token has no choice"
    half = np.array([[1, 0, 0], [0.9, 0.1, 0], [0.5, 0, 0.5]])
    expected = (-(0.9 * np.log(0.9) + 0.1 * np.log(0.1)) / np.log(2) + np.log(2) / np.log(3)) / 2
    assert head_statistics(causal(half))["entropy"].item() == pytest.approx(expected, abs=1e-6)
    window = np.array([[0.5, 0.5, 0, 0], [0, 0.5, 0.5, 0], [0, 0, 0.5, 0.5], [0, 0, 0.5, 0.5]])
    expected = (1 + np.log(2) / np.log(3) + np.log(2) / np.log(3) + 1) / 4  # a token sees one before and one after it
    assert head_statistics(causal(window))["entropy"].item() == pytest.approx(expected, abs=1e-6)
    assert head_statistics(causal(np.ones((1, 1))))["entropy"].item() == 0


def test_a_head_that_looks_at_one_token_does_not_hide_what_its_layer_sees() -> None:
    heads = np.stack([np.eye(4), np.full((4, 4), 0.25)])[None].astype(np.float32)
    np.testing.assert_allclose(head_statistics(from_arrays(heads, list("abcd")))["entropy"], [[0, 1]], atol=1e-6)
    first, end = seen_keys(from_arrays(heads, list("abcd")))
    assert first.tolist() == [[0, 0, 0, 0]] and end.tolist() == [[4, 4, 4, 4]]


def test_equal_weights_of_a_decoder_have_a_lift_of_one() -> None:
    even = np.tril(np.ones((4, 4))) / np.arange(1, 5)[:, None]
    example = from_arrays(even[None, None].astype(np.float32), ["<s>", "a", "b", "."])
    found = class_flow(example)
    assert found.queries == ["special", "word", "punctuation"]
    np.testing.assert_allclose(found.lift[0], [[1, 0, 0], [1, 1, 0], [1, 1, 1]], atol=1e-6)


def test_an_entity_stands_in_the_middle_of_its_mention() -> None:
    weights = EYE.copy()
    weights[:, :, 5] = [0, 1, 0, 0, 0, 0]  # the entity looks at its mention, at place 1
    np.testing.assert_allclose(head_statistics(made_attention(weights=weights))["distance"], 0, atol=1e-6)
