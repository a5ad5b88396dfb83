import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from packed_rows import rows_restored

from loreweave.attention.packing import ALPHABET, bytes_of, packed, row_differences, text_of, unpacked


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=60))
def test_bytes_of_any_length_come_back(data: bytes) -> None:
    assert bytes_of(text_of(data)) == data and unpacked(packed(data)) == data


def test_the_text_of_bytes_is_known() -> None:
    # 0x00 0x0f = 0000000000001 111: a pair of value 1, then 3 bits in a single letter of 6 bits: 111000 = 56
    assert text_of(b"\x00\x0f") == ALPHABET[0] + ALPHABET[1] + ALPHABET[56]
    assert len(ALPHABET) == 91 and not set(ALPHABET) & set("\"'< \n") and ALPHABET.isascii()
    assert text_of(b"") == "" and len(text_of(bytes(13_000))) == 16_000


def test_long_data_are_written_in_pieces() -> None:
    data = np.random.default_rng(0).integers(0, 256, 13 * 2**14 + 5, np.uint8).tobytes()
    assert bytes_of(text_of(data)) == data


def test_a_row_is_told_by_the_rows_above() -> None:
    codes = np.array([[[8, 12], [9, 12], [8, 16]]], np.uint8)
    # Row 0: 8; 12 less a quarter of 8. Row 1: the means are the first row: 1; 0 less 0 (1 >> 2). Row 2: the share of row 1 is
    # 128/256: means 8.5 (rounded to 9) and 12: -1; 4 less -1 (-1 >> 2).
    np.testing.assert_array_equal(row_differences(codes), [[[8, 10], [1, 0], [255, 5]]])


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 7, 5), (2, 40, 9)])
def test_differences_lose_nothing(shape: tuple[int, int, int]) -> None:
    codes = np.random.default_rng(1).integers(0, 256, shape, np.uint8)
    codes[0, 0] = 255
    np.testing.assert_array_equal(rows_restored(row_differences(codes)), codes)


def test_rows_that_resemble_each_other_become_smaller() -> None:
    generator = np.random.default_rng(0)
    codes = np.clip(generator.integers(0, 200, (4, 1, 64)) + generator.integers(-5, 6, (4, 64, 64)), 0, 255).astype(np.uint8)
    assert len(packed(row_differences(codes).tobytes())) < 0.7 * len(packed(codes.tobytes()))
