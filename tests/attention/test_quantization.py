import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from loreweave.attention.quantization import dequantize, quantize

SHARES = arrays.arrays(np.float32, (7,), elements=st.floats(0, 1, width=32))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(SHARES)
def test_weights_come_back_nearly_as_they_were(weights: np.ndarray) -> None:
    assert np.abs(dequantize(quantize(weights, "u8-sqrt"), "u8-sqrt") - weights).max() <= 0.004
    assert np.abs(dequantize(quantize(weights, "u16"), "u16") - weights).max() <= 1e-5


def test_small_weights_do_not_vanish() -> None:
    small = np.array([1e-5, 1e-4, 1e-3], dtype=np.float32)
    assert (quantize(small, "u8-sqrt") > 0).all() and quantize(np.array([0.25], np.float32), "u8-sqrt") == 128
