"""Fingerprints of rows: equal rows have equal ones, whatever the order of sums."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drift.kernels.row_hash_jax import as_words, fingerprint, weights


@pytest.mark.slow
@settings(max_examples=20)
@given(st.integers(1, 40), st.integers(1, 2), st.randoms(use_true_random=False))
def test_it_is_a_weighted_sum_of_codes(dims, rows, random):
    codes = np.array([[random.randrange(1 << 32) for _ in range(dims)]] * rows, np.uint32)
    lanes = weights(dims)
    expected = [sum(int(c) * int(w) for c, w in zip(codes[0], lane, strict=True)) for lane in lanes]
    found = np.asarray(fingerprint(codes, lanes))
    assert found.tolist() == [[value % 2**32 for value in expected]] * rows


def test_words_join_both_lanes():
    assert as_words(np.array([[1, 2]], np.uint32)).tolist() == [(1 << 32) | 2]


def test_weights_are_odd_and_always_the_same():
    assert np.all(weights(64) & 1)
    np.testing.assert_array_equal(weights(64), weights(64))
