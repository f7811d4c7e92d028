import re

import ml_dtypes
import numpy as np
import pytest

from sim import reach
from sim.errors import BadInput
from sim.schedule import displacements
from sim.spec import Drift

U = np.array([0.6, -0.8])


def test_a_drift_that_fits_is_let_through():
    reach.check(Drift(sigma=1.0, dims=2), U, np.array([3.0, 4.0]))


def test_the_largest_radius_that_fits_is_told_and_fits():
    extent = np.array([1e38, 2e38])
    fits = (reach.LARGEST - 2e38) / 0.8
    with pytest.raises(BadInput, match=re.escape(f"largest radius that fits is {fits:.6g}")):
        reach.check(Drift(sigma=1.0, dims=2, radius=1.01 * fits), U, extent)
    reach.check(Drift(sigma=1.0, dims=2, radius=0.99 * fits, steps=3), U, extent)


def test_a_drawn_infinity_is_refused():
    with pytest.raises(BadInput, match="a drawn value exceeds bfloat16's"):
        reach.check(Drift(sigma=1.0, dims=2), U, np.array([2.0**128, 0.0]))


def test_a_drift_that_rounding_carries_too_far_is_refused():
    # Each step is 0.6 ulp of the last binade and rounds up to a whole one.
    start, steps = 2.0**127, 210
    drift = Drift(sigma=1.0, dims=1, steps=steps, radius=0.6 * 2.0**120 * steps)
    u = np.array([1.0])
    assert start + drift.radius < reach.LARGEST
    x = np.array([start]).astype(ml_dtypes.bfloat16)
    for c in displacements(drift, u, 1, steps):
        with np.errstate(over="ignore"):
            x = (x.astype(np.float32) + c).astype(ml_dtypes.bfloat16)
    assert np.isinf(x.astype(np.float32))
    with pytest.raises(BadInput, match="rounding carries the drift out"):
        reach.check(drift, u, np.array([start]))


def test_no_radius_matters_where_the_direction_is_zero():
    reach.check(Drift(sigma=1.0, dims=2, radius=1e38), np.array([1.0, 0.0]), np.array([0.0, 3e38]))
