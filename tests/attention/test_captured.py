import numpy as np
import pytest
from made_attention import made_attention

from loreweave.errors import DataError


def test_layers_and_heads_are_chosen_by_their_index() -> None:
    whole = made_attention()
    part = whole.only(layers=[1], heads=[2, 0])
    np.testing.assert_array_equal(part.weights, whole.weights[1:, [2, 0]])
    assert part.layers == [1] and part.heads == [2, 0] and part.only(heads=[0]).heads == [0]


@pytest.mark.parametrize(
    ("chosen", "said"), [({"layers": [5]}, "the layer 5, expected layers 0 to 1 "), ({"heads": []}, "found no head")]
)
def test_layers_and_heads_that_are_not_there_are_named(chosen: dict[str, list[int]], said: str) -> None:
    with pytest.raises(DataError, match=said):
        made_attention().only(**chosen)


def test_weights_that_do_not_fit_the_tokens_are_refused() -> None:
    whole = made_attention()
    with pytest.raises(DataError, match=r"shape \[2, 3, 5, 6\], expected \[2, 3, 6, 6\]"):
        made_attention(weights=whole.weights[:, :, :5])
    broken = whole.weights.copy()
    broken[0, 0, 0, 0] = np.nan
    with pytest.raises(DataError, match="not finite"):
        made_attention(weights=broken)
