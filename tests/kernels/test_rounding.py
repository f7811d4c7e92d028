import ml_dtypes
import numpy as np

from kernels.rounding import merge_zeros, narrow, nearest, widen

CODES = np.arange(1 << 16, dtype=np.uint16)
FINITE = CODES[(CODES & 0x7F80) != 0x7F80]


def test_widening_and_narrowing_are_exact():
    values = np.asarray(widen(CODES))
    np.testing.assert_array_equal(values.view(np.uint32), CODES.astype(np.uint32) << 16)
    np.testing.assert_array_equal(narrow(values), CODES)


def test_every_code_its_midpoint_and_what_lies_beside_it_round_as_in_ml_dtypes():
    low_halves = np.array([0x0000, 0x0001, 0x7FFF, 0x8000, 0x8001, 0xFFFF], np.uint32)
    bits = ((FINITE.astype(np.uint32) << 16)[:, None] | low_halves).ravel()
    values = bits.view(np.float32)
    with np.errstate(over="ignore"):
        expected = values.astype(ml_dtypes.bfloat16).view(np.uint16)
    np.testing.assert_array_equal(narrow(nearest(values)), expected)


def test_zeros_merge_and_nothing_else():
    merged = np.asarray(merge_zeros(CODES))
    assert merged[0x8000] == 0
    np.testing.assert_array_equal(np.flatnonzero(merged != CODES), [0x8000])
