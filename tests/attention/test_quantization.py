import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from loreweave.attention.quantization import Quantization, dequantize, packed, quantize, unpacked

SHARES = arrays.arrays(np.float32, (7,), elements=st.floats(0, 1, width=32))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(SHARES)
def test_weights_come_back_nearly_as_they_were(weights: np.ndarray) -> None:
    assert np.abs(dequantize(quantize(weights, "u8-sqrt"), "u8-sqrt") - weights).max() <= 0.004
    assert np.abs(dequantize(quantize(weights, "u16"), "u16") - weights).max() <= 1e-5


def test_small_weights_do_not_vanish() -> None:
    small = np.array([1e-5, 1e-4, 1e-3], dtype=np.float32)
    assert (quantize(small, "u8-sqrt") > 0).all() and quantize(np.array([0.25], np.float32), "u8-sqrt") == 128


@pytest.mark.parametrize(("how", "dtype"), [("u8-sqrt", "u1"), ("u16", "<u2")])
def test_blocks_are_read_back_and_do_not_depend_on_the_time(how: Quantization, dtype: str) -> None:
    weights = np.random.default_rng(0).dirichlet(np.ones(9), size=(3, 9)).astype(np.float32)
    block = packed(quantize(weights, how))
    assert block == packed(quantize(weights, how)) and block.isascii()
    np.testing.assert_array_equal(unpacked(block, dtype).reshape(weights.shape), quantize(weights, how))
