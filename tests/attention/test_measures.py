import numpy as np
import pytest
from made_attention import made_attention

from loreweave.attention.measures import class_flow, grounding, head_statistics, quadrants, rollout, token_to_token
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
    np.testing.assert_allclose(row["other words"], 0.4, atol=1e-6)
    np.testing.assert_allclose(row["entities"], 0.2, atol=1e-6)
    np.testing.assert_allclose(row["other mentions"], 0)
    np.testing.assert_allclose(row["mention to entity"], 0)


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
    previous = np.tile(np.eye(6, k=-1, dtype=np.float32), (2, 3, 1, 1))
    np.testing.assert_allclose(head_statistics(made_attention(weights=previous))["previous"], 5 / 6, atol=1e-6)


def test_an_entity_stands_in_the_middle_of_its_mention() -> None:
    weights = EYE.copy()
    weights[:, :, 5] = [0, 1, 0, 0, 0, 0]  # the entity looks at its mention, at place 1
    np.testing.assert_allclose(head_statistics(made_attention(weights=weights))["distance"], 0, atol=1e-6)
