import numpy as np
import pytest
import torch
from made_attention import made_attention

from loreweave.attention.formats.arrays import from_arrays, from_cache
from loreweave.errors import DataError

WEIGHTS = made_attention().weights
NAMES = ["[CLS]", "z", "##or", ".", "[SEP]", "[MASK]"]


@pytest.mark.parametrize(
    "given", [WEIGHTS, list(WEIGHTS), [layer[None] for layer in WEIGHTS], tuple(torch.tensor(layer)[None] for layer in WEIGHTS)]
)
def test_arrays_of_any_library_and_shape_are_read(given: object) -> None:
    found = from_arrays(given, NAMES, entity_tokens={5: [1, 2]}, sentence_b_start=3)
    np.testing.assert_allclose(found.weights, WEIGHTS)
    assert found.queries.text[:3] == ["[CLS]", "z", "or"] and found.queries.words == [-1, 0, 0, 1, -1, -1]
    assert found.queries.classes == ["special", "word", "word", "punctuation", "separator", "entity"]
    assert found.entities[0].words == [1, 2] and found.sentences == [0, 0, 0, 1, 1, 1]


def test_marks_of_byte_level_and_sentencepiece_tokens_say_where_words_begin() -> None:
    for mark in "Ġ▁":
        names = ["<s>", "Los", f"{mark}Ang", "eles", ".", "</s>"]
        assert from_arrays(WEIGHTS, names).queries.words == [-1, 0, 1, 1, 1, -1]
        assert from_arrays(WEIGHTS, names).queries.text[2] == "Ang"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ((), "found no attention weights: load the model with attn_implementation='eager'"),
        ((None, None), r"found no weights \(None\)"),
        ([np.stack([layer, layer]) for layer in WEIGHTS], "found a batch of 2 examples"),
        ([WEIGHTS[0], WEIGHTS[1][:2]], r"found layers of shape \[3, 6, 6\], \[2, 6, 6\]"),
        (WEIGHTS[..., :5, :5], r"expected \[2, 3, 6, 6\]"),
        (WEIGHTS * 2, "rows that add up to 2.000 to 2.000"),
        (WEIGHTS - 0.5, "scores before the softmax"),
    ],
)
def test_what_is_no_attention_of_these_tokens_is_refused(given: object, said: str) -> None:
    with pytest.raises(DataError, match=said):
        from_arrays(given, NAMES)


@pytest.mark.parametrize("entities", [{6: [1]}, {5: [1, 6]}, {-1: [1]}])
def test_entities_outside_the_tokens_are_refused(entities: dict[int, list[int]]) -> None:
    with pytest.raises(DataError, match=r"entity_tokens: found the position (6|-1), expected positions from 0 to 5"):
        from_arrays(WEIGHTS, NAMES, entity_tokens=entities)


def test_a_cache_of_transformer_lens_is_read_by_layer() -> None:
    cache = {"hook_embed": None, "blocks.10.attn.hook_pattern": torch.tensor(WEIGHTS[1])[None],
             "blocks.2.attn.hook_pattern": torch.tensor(WEIGHTS[0])[None]}  # fmt: skip
    found = from_cache(cache, NAMES, model="gpt2")
    assert found.layers == [2, 10] and found.model == "gpt2"
    np.testing.assert_allclose(found.weights, WEIGHTS)
    with pytest.raises(DataError, match="hook_pattern"):
        from_cache({}, NAMES)
