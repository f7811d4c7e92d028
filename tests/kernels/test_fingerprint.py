import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kernels.fingerprint import as_words, fingerprint, weights


@given(st.integers(1, 40), st.integers(1, 6), st.randoms(use_true_random=False))
def test_it_is_a_weighted_sum_of_codes_with_one_zero(dims, rows, random):
    codes = np.array(
        [[random.choice([0, 0x8000, 1, random.randrange(1 << 16)]) for _ in range(dims)]] * rows,
        np.uint16,
    )
    lanes = weights(dims)
    expected = [
        sum(
            (0 if int(c) == 0x8000 else int(c)) * int(w)
            for c, w in zip(codes[0], lane, strict=True)
        )
        for lane in lanes
    ]
    found = np.asarray(fingerprint(codes, lanes))
    assert found.tolist() == [[value % 2**32 for value in expected]] * rows


def test_words_join_both_lanes():
    assert as_words(np.array([[1, 2]], np.uint32)).tolist() == [(1 << 32) | 2]


def test_weights_are_odd_and_always_the_same():
    assert np.all(weights(64) & 1)
    np.testing.assert_array_equal(weights(64), weights(64))
