"""The mean of a cloud against exact rational numbers."""

import math
import os
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift.kernels.formats import BFLOAT16, FLOAT32, FORMATS
from drift.sim.clouds.direction import direction, exact_mean
from drift.sim.errors import BadInput
from tests.support.oracle import dtype


def exactly(codes, target):
    """The mean of each column, rounded once."""
    values = codes.view(dtype(target.name)).astype(np.float64)
    return [float(sum(map(Fraction, each), Fraction()) / len(values)) for each in values.T.tolist()]


def found(codes, target):
    return exact_mean(lambda start, stop: codes[start:stop], *codes.shape, target).tolist()


@st.composite
def clouds(draw):
    """Finite codes of any format: all of them alike, or within a few exponents."""
    target = FORMATS[draw(st.sampled_from(list(FORMATS)))]
    shape = draw(st.integers(1, 40)), draw(st.sampled_from([1, 2, 7]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    most = target.largest_magnitude
    low = draw(st.integers(0, most))
    high = draw(st.sampled_from([low, most, min(most, low + (8 << (target.precision - 1)))]))
    codes = rng.integers(low, high + 1, shape)
    signs = rng.integers(0, 2, shape) * draw(st.sampled_from([0, target.sign]))
    codes = (codes | signs).astype(target.storage)
    if draw(st.booleans()):  # what cancels leaves what is small
        codes = np.concatenate([codes, codes ^ target.storage.type(target.sign), codes[:1]])
    return codes, target


@given(clouds(), st.integers(1, 100))
def test_it_is_the_exact_mean_rounded_once(cloud, block):
    expected = exactly(*cloud)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("drift.sim.clouds.direction._BLOCK_ELEMENTS", block)
        assert found(*cloud) == expected
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "cpu_count", lambda: 7)
        assert found(*cloud) == expected


@pytest.mark.parametrize("target", [BFLOAT16, FLOAT32], ids=lambda target: target.name)
def test_a_value_far_below_the_others_is_not_lost(target):
    one, least = target.code(np.array([1.0, 2.0**-126]))
    codes = np.array([[one], [least], [one ^ target.sign]], target.storage)
    assert found(codes, target) == [2.0**-126 / 3]


def test_it_is_rounded_once_not_twice():
    codes = FLOAT32.code(np.array([[2.0**56], [2.0**5], [2.0**3]]))
    assert found(codes, FLOAT32) == exactly(codes, FLOAT32) != [math.fsum([2**56, 2**5, 2**3]) / 3]


def test_many_rows_of_the_largest_values_fit():
    codes = np.full((1 << 17, 1), FLOAT32.largest_magnitude, np.uint32)
    codes[1 << 16 :] |= FLOAT32.sign  # so that the mean shows the last bit of one value
    codes[0] = FLOAT32.code(np.array(2.0**113 + 2.0**90))  # 54 bits below the sum of a half
    assert found(codes, FLOAT32) == exactly(codes, FLOAT32)


def test_a_direction_is_the_mean_over_its_length():
    u = direction("centroid", 2, centroid=lambda: np.array([3e200, -4e200]))
    np.testing.assert_allclose(u, [0.6, -0.8], rtol=1e-15)
    assert abs(math.fsum((u * u).tolist()) - 1) < 1e-15
    with pytest.raises(BadInput, match="direction is centroid; the mean of the rows is zero"):
        direction("centroid", 2, centroid=lambda: np.zeros(2))
