"""Scaled normal numbers are what the table of thresholds gives, to the bit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift.kernels.formats import BFLOAT16, FLOAT16
from drift.sim.sampling.normal import gaussian
from drift.sim.sampling.philox import Stream, words64
from drift.sim.sampling.scaled import ScaledNormal
from drift.sim.sampling.thresholds import thresholds

COUNT = 20_000
SIGMAS = st.floats(-99, 99).map(lambda power: 2.0**power)


def assert_like_the_table(words, sigma):
    table = thresholds(sigma, BFLOAT16, BFLOAT16.smallest_drawn)
    found = ScaledNormal(words).values(sigma, table)
    assert found.dtype == np.float32
    expected = table.codes(words).astype(np.uint32) << 16
    np.testing.assert_array_equal(found.view(np.uint32), expected)


@given(SIGMAS, st.integers(0, 2**32))
def test_random_words_are_rounded_as_the_table_rounds_them(sigma, seed):
    assert_like_the_table(words64(seed, Stream.CLOUD, 0, COUNT), sigma)


@given(SIGMAS, st.integers(0, 2**32))
def test_words_around_thresholds_are_too(sigma, seed):
    table = thresholds(sigma, BFLOAT16, BFLOAT16.smallest_drawn)
    random = np.random.default_rng(seed)
    at = random.choice(table._ascending, 3000).astype(np.int64)
    nearer = at + random.integers(-3, 4, 3000)
    farther = at + (random.normal(size=3000) * 2.0 ** random.integers(0, 50, 3000)).astype(np.int64)
    magnitudes = np.clip(np.concatenate([nearer, farther]), 0, 2**63 - 1).astype(np.uint64)
    signs = random.integers(0, 2, 6000).astype(np.uint64) << np.uint64(63)
    assert_like_the_table(magnitudes | signs, sigma)


@pytest.mark.parametrize("sigma", [2.0**-100, 1e-9, 0.02, 1.0, 2.0**100])
def test_the_largest_and_the_smallest_numbers_are_too(sigma):
    low = np.concatenate([np.arange(500), 2 ** np.arange(63)]).astype(np.uint64)
    magnitudes = np.concatenate([low, np.uint64(2**63 - 1) - low])
    signs = np.uint64(1 << 63)
    assert_like_the_table(np.concatenate([magnitudes, magnitudes | signs]), sigma)


def test_numbers_are_as_near_as_the_roundings_allow():
    from drift.sim.sampling.scaled import _interpolated

    words = words64(5, Stream.CLOUD, 0, 10 * COUNT)
    exact = gaussian(words)
    assert np.max(np.abs(_interpolated(words) - exact) / np.abs(exact)) < 2.0**-30


def test_other_formats_and_extreme_sigmas_are_left_to_the_table():
    assert ScaledNormal.supports(1e-9, BFLOAT16)
    assert not ScaledNormal.supports(1e-9, FLOAT16)
    assert not ScaledNormal.supports(1e-35, BFLOAT16)
    assert not ScaledNormal.supports(1e35, BFLOAT16)


def test_the_table_takes_words_of_any_shape():
    words = words64(5, Stream.CLOUD, 0, COUNT)
    table = thresholds(1e-9, BFLOAT16, BFLOAT16.smallest_drawn)
    expected = table.codes(words).reshape(20, 10, -1)
    np.testing.assert_array_equal(table.codes(words.reshape(expected.shape)), expected)
