"""Drifts that leave the range of their format are refused, and no others."""

import re
from dataclasses import replace

import ml_dtypes
import numpy as np
import pytest

from drift.kernels.formats import BFLOAT16, FORMATS
from drift.sim.engines import range_check
from drift.sim.errors import BadInput
from drift.sim.motions.make import motion_along
from drift.sim.spec.drift import Drift
from drift.sim.spec.schedule import displacements

U = np.array([0.6, -0.8])


def check_range(drift, u, extent, strength=1.0, extremes=None):
    """Check a drift along `u` whose cloud has an extent, or both extremes."""
    ends = np.stack([-extent, extent]) if extremes is None else np.array(extremes, float)
    range_check.check_range(motion_along(drift, u), extent, strength, lambda: ends)


def test_a_drift_that_fits_is_let_through():
    check_range(Drift(sigma=1.0, dims=2), U, np.array([3.0, 4.0]), 1.0)


@pytest.mark.parametrize("target", FORMATS.values(), ids=list(FORMATS))
@pytest.mark.parametrize("strength", [1.0, 2.5])
def test_the_largest_radius_that_fits_is_told_and_fits(target, strength):
    extent = np.array([0.25, 0.5]) * target.largest
    half = float(target.ulp(np.array(target.largest))) / 2
    # A token of its own strength goes as far as its sum may; of all others the rounding decides.
    fits = (0.5 * target.largest + (half if strength == 1 else 0)) / (0.8 * strength)

    def drift(radius):
        # One step lands where the sum rounds to: the walk has no room to overshoot.
        jitter = 0.0 if strength == 1 else 0.1
        fields = {"radius": radius, "format": target.name, "jitter": jitter}
        return Drift(sigma=1e-9, dims=2, steps=1, **fields)

    with pytest.raises(BadInput, match=re.escape("the largest radius that fits is")) as found:
        check_range(drift(1.01 * fits), U, extent, strength)
    assert float(str(found.value).rsplit(" ", 1)[1]) == pytest.approx(fits, rel=1e-5)
    check_range(drift(0.99 * fits), U, extent, strength)


def test_float4_ends_at_six():
    drift = Drift(sigma=0.1, dims=1, radius=7.0, steps=1, format="float4_e2m1fn")
    check_range(replace(drift, radius=6.9), np.array([1.0]), np.array([0.0]))  # rounds to 6
    with pytest.raises(BadInput, match=r"float4_e2m1fn's range at step 1; .* that fits is 7$"):
        check_range(drift, np.array([1.0]), np.array([0.0]))


def test_a_drift_that_moves_nothing_at_the_end_of_the_range_fits():
    drift = Drift(sigma=1.0, dims=2, radius=4.0, steps=100, format="float8_e4m3fn")
    check_range(drift, U, np.array([448.0, 448.0]))
    with pytest.raises(BadInput, match="leave float8_e4m3fn's range at step 1;"):
        check_range(replace(drift, steps=1, radius=40.0), U, np.array([448.0, 448.0]))
    # Only what lies on the side it moves to matters.
    check_range(
        replace(drift, steps=1, radius=40.0), U, np.full(2, 448.0), 1.0, [[-448, 0], [0, 448]]
    )


def overshooting(steps, **fields):
    """Each step is 0.6 ulp of the last binade, and rounds up to a whole one."""
    return Drift(sigma=1.0, dims=1, steps=steps, radius=0.6 * 2.0**120 * steps, **fields)


@pytest.mark.parametrize("steps", [100, 127, 128, 210])
def test_a_drift_that_rounding_carries_too_far_is_refused(steps):
    drift, u, start = overshooting(steps), np.array([1.0]), 2.0**127
    assert start + drift.radius < BFLOAT16.largest
    x = np.array([start]).astype(ml_dtypes.bfloat16)
    for c in displacements(drift, u, 1, steps):
        with np.errstate(over="ignore"):
            x = (x.astype(np.float32) + c).astype(ml_dtypes.bfloat16)
    if np.isfinite(x.astype(np.float32)):
        check_range(drift, u, np.array([start]), 1.0)
    else:
        with pytest.raises(BadInput, match="would leave bfloat16's range at step"):
            check_range(drift, u, np.array([start]), 1.0)


def test_what_cannot_overshoot_is_not_walked():
    u, extent = np.array([1.0]), np.array([2.0**127])
    check_range(overshooting(210, rounding="toward-zero"), u, extent, 1.0)
    check_range(overshooting(210, rounding="stochastic"), u, extent, 1.0)
    check_range(overshooting(210, master="float32"), u, extent, 1.0)


def test_no_radius_matters_where_the_direction_is_zero():
    drift = Drift(sigma=1.0, dims=2, radius=1e38)
    check_range(drift, np.array([1.0, 0.0]), np.array([0.0, 3e38]), 1.0)
