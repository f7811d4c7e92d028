import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift.kernels.exact_sum import (
    LIMB_BITS,
    LIMBS,
    from_limbs,
    limbs_of,
    scale_exponent,
)
from drift.kernels.exact_sum_jax import limb_sums

# From 2**-119, the smallest magnitude of a cloud: no float32 subnormal arises.
bfloat16s = st.integers(0x0400, 0x7F7F).map(
    lambda code: float(np.array(code << 16, np.uint32).view(np.float32))
)


@pytest.mark.slow
@given(st.lists(st.floats(-1, 1, width=16), min_size=1, max_size=8), st.integers(-100, 100))
def test_sums_are_exact_where_the_grid_is_fine_enough(values, power):
    values = np.ldexp(np.array(values, np.float32), power)
    exponent = scale_exponent(float(np.ldexp(1.0, power)))
    sums = np.stack(limb_sums(values[:, None], np.ones(len(values), bool), scale(exponent)))
    terms = from_limbs(sums.astype(np.int64), exponent)
    assert sum(Fraction(float(t)) for t in terms.ravel()) == sum(Fraction(float(v)) for v in values)


@pytest.mark.slow
@given(st.lists(bfloat16s, min_size=1, max_size=8))
def test_what_is_lost_lies_below_the_last_limb(values):
    values = np.array(values, np.float32)
    bound = float(np.max(values))
    exponent = scale_exponent(bound)
    sums = np.stack(limb_sums(values[:, None], np.ones(len(values), bool), scale(exponent)))
    terms = from_limbs(sums.astype(np.int64), exponent)
    grid = math.ldexp(1.0, -exponent - LIMB_BITS * (LIMBS - 1))
    lost = sum(Fraction(float(t)) for t in terms.ravel()) - sum(Fraction(float(v)) for v in values)
    assert abs(lost) <= len(values) * Fraction(grid) / 2


@pytest.mark.slow
@given(st.lists(bfloat16s, min_size=1, max_size=8))
def test_the_host_finds_the_limbs_that_the_device_does(values):
    values = np.array(values, np.float32)
    grid = scale(scale_exponent(float(np.max(values))))
    sums = limb_sums(values[:, None], np.ones(len(values), bool), grid)
    np.testing.assert_array_equal(limbs_of(values, grid).sum(axis=1), np.concatenate(sums))


def test_absent_rows_count_nothing():
    values = np.array([[1.0, 2.0], [64.0, 3.0]], np.float32)
    sums = np.stack(limb_sums(values, np.array([True, False]), scale(8)))
    np.testing.assert_array_equal(from_limbs(sums.astype(np.int64), 8).sum(axis=0), [1.0, 2.0])


def scale(exponent):
    return np.float32(np.ldexp(1.0, exponent))
