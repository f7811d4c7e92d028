"""Rows summed at a time, against math.fsum, which rounds once."""

import math
from unittest import mock

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from drift.kernels.exact_sum import exact_sums

numbers = st.one_of(
    st.floats(-1e300, 1e300),
    st.integers(-(2**53), 2**53).map(float),
    st.sampled_from([0.0, -0.0, 1.0, -1.0, 2.0**-53, 2.0**-54, -(2.0**-106), 5e-324, 3 * 2.0**-53]),
)


@given(st.integers(1, 9).flatmap(lambda n: st.lists(st.tuples(*[numbers] * n), min_size=1)))
def test_every_row_is_rounded_once(rows):
    terms = np.array(rows)
    expected = np.array([math.fsum(row) for row in rows])
    found = exact_sums(terms)
    np.testing.assert_array_equal(found + 0.0, expected + 0.0)


def test_ties_and_what_is_just_beside_them_are_told_apart():
    tie = [1.0, 2.0**-53]
    rows = [[*tie, 2.0**-120], [*tie, -(2.0**-120)], [*tie, 0.0], [1.0 + 2.0**-52, 2.0**-53, 0.0]]
    np.testing.assert_array_equal(exact_sums(np.array(rows)), [math.fsum(row) for row in rows])


def test_nearly_all_rows_are_summed_without_asking():
    rng = np.random.default_rng(0)
    terms = rng.standard_normal((500, 1000)) * 2.0 ** rng.integers(-60, 60, (500, 1000))
    with mock.patch("math.fsum", side_effect=AssertionError):
        found = exact_sums(terms)
    np.testing.assert_array_equal(found, [math.fsum(row) for row in terms])
