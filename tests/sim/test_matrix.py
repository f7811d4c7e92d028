"""What lies beyond a format, at the edge and on both sides of it."""

import numpy as np
import pytest

from drift.kernels.formats import FORMATS
from drift.sim.matrix import beyond, nearest, values
from tests.support import oracle

EDGES = {
    "bfloat16": 2.0**128 - 2.0**119,
    "float16": 65520.0,
    "float8_e4m3fn": 464.0,
    "float8_e5m2": 61440.0,
    "float4_e2m1fn": 7.0,
}
"""Midway between the largest value and the one that would follow it."""


@pytest.mark.parametrize("name", EDGES)
def test_beyond_is_where_ml_dtypes_has_no_finite_value_left(name):
    target, edge = FORMATS[name], np.float32(EDGES[name])
    near = [np.nextafter(edge, np.float32(0)), edge, np.nextafter(edge, np.float32(np.inf))]
    x = np.array([*near, 0.0, target.largest, np.inf], np.float32)
    with np.errstate(over="ignore"):
        finite = np.isfinite(x.astype(oracle.dtype(name)).astype(np.float32))
    expected = ~finite if name != "float4_e2m1fn" else x >= 7  # it has nothing but finite values
    for signed in (x, -x):
        np.testing.assert_array_equal(beyond(signed, target), expected)
    assert beyond(x, target)[[0, 2]].tolist() == [False, True]


def test_nothing_finite_is_beyond_float32():
    x = np.array([np.finfo(np.float32).max, np.inf], np.float32)
    assert beyond(x, FORMATS["float32"]).tolist() == [False, True]


@pytest.mark.parametrize("name", FORMATS)
def test_codes_of_values_are_those_they_came_from(name):
    target = FORMATS[name]
    codes = np.arange(1 << min(target.width, 16)).astype(target.storage)
    codes = codes[(codes & (target.sign - 1)) <= target.largest_magnitude]
    np.testing.assert_array_equal(values(codes, target), target.value(codes))
    np.testing.assert_array_equal(nearest(values(codes, target), target), codes)
