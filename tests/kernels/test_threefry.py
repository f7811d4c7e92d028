import math

import numpy as np
import pytest

from drift.kernels.formats import BFLOAT16
from drift.kernels.rounding import quantise
from drift.kernels.threefry import threefry, words
from tests.support import oracle

KNOWN = [  # Random123's known answers: key, counter, words
    ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
    ((0xFFFFFFFF,) * 2, (0xFFFFFFFF,) * 2, (0x1CB996FC, 0xBB002BE7)),
    ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
]


@pytest.mark.parametrize(("key", "counter", "expected"), KNOWN)
def test_the_generator_is_threefry_2x32_20(key, counter, expected):
    found = threefry(
        tuple(np.uint32(k) for k in key), tuple(np.array([c], np.uint32) for c in counter)
    )
    assert tuple(int(word[0]) for word in found) == expected


@pytest.mark.slow
def test_a_word_is_a_function_of_key_token_and_dimension():
    key = np.array([0x89ABCDEF, 0x01234567], np.uint32)
    tokens = np.array([5, 2**32 - 1, 0], np.uint32)
    token, dim = np.meshgrid(tokens, np.arange(7, dtype=np.uint32), indexing="ij")
    expected = oracle.threefry(0x0123456789ABCDEF, token, dim)
    np.testing.assert_array_equal(words(key, tokens, 7), expected)
    np.testing.assert_array_equal(words(key, tokens[1:2], 3), expected[1:2, :3])
    np.testing.assert_array_equal(words(key, tokens, 4, np.uint32(3)), expected[:, 3:])


@pytest.mark.slow
@pytest.mark.parametrize("eighths", range(1, 8))
def test_values_at_eighths_of_a_cell_round_up_that_often(eighths):
    rows, dims = 1 << 10, 1 << 10
    value = np.float32(1 + eighths * 2.0**-10)  # the cell above 1 is 2**-7 wide
    drawn = words(np.array([eighths, 1], np.uint32), np.arange(rows, dtype=np.uint32), dims)
    codes = np.asarray(quantise(np.full((rows, dims), value), BFLOAT16, "stochastic", drawn))
    p, n = eighths / 8, rows * dims
    ups = np.count_nonzero(codes == 0x3F81)
    assert ups + np.count_nonzero(codes == 0x3F80) == n
    assert abs(ups - n * p) < 5 * math.sqrt(n * p * (1 - p))


@pytest.mark.slow
def test_stochastic_rounding_is_unbiased():
    rng = np.random.default_rng(1)
    values = rng.uniform(-4, 4, (1 << 10, 1 << 10)).astype(np.float32)
    tokens = np.arange(len(values), dtype=np.uint32)
    drawn = words(np.array([7, 8], np.uint32), tokens, values.shape[1])
    rounded = BFLOAT16.value(np.asarray(quantise(values, BFLOAT16, "stochastic", drawn)))
    error = rounded - values.astype(np.float64)
    ulp = BFLOAT16.ulp(values)
    assert np.all(np.abs(error) < ulp)
    # In units of its cell an error has variance f (1 - f) for a fraction f, at most 1/4.
    assert abs(np.mean(error / ulp)) < 5 * 0.5 / math.sqrt(error.size)
