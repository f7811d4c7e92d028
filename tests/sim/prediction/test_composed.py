"""Masters, and what the first step stalls, by bisection against moving every value."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from drift.sim.motions.make import motion_of
from drift.sim.prediction.composed import WholeMap
from drift.sim.prediction.transport import Transport
from drift.sim.spec.drift import Drift

SMALL = Drift(sigma=1e-5, tokens=60, dims=6, steps=30, master="float32")
CASES = {
    "constant": {},
    "linear": {"schedule": "linear"},
    "stalling": {"schedule": "exponential", "decay": 0.4, "radius": 0.01},
    "float8": {"format": "float8_e4m3fn", "sigma": 0.1},
    "no master": {"master": "none", "sigma": 1e-3},
    "no master, all stall": {"master": "none", "format": "float16", "radius": 1e-7},
    "toward zero": {"master": "none", "rounding": "toward-zero", "radius": 0.01, "sigma": 0.1},
    "float16": {"format": "float16", "sigma": 1e-4, "schedule": "cosine"},
}


def both(drift, steps, monkeypatch):
    """The classes at each step by bisection, and by moving every value."""
    with ThreadPoolExecutor(2) as pool:
        found = [list(Transport(drift).strips(steps, pool))]
        monkeypatch.setattr(WholeMap, "classes", lambda self, most: None)
        found.append(list(Transport(drift).strips(steps, pool)))
    return [[each for _, strip in strips for each in strip] for strips in found]


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_classes_and_what_stalls_are_those_of_every_value(name, monkeypatch):
    drift = replace(SMALL, **CASES[name])
    for here, there in zip(*both(drift, [1, 7, 30], monkeypatch), strict=True):
        for one, other in ((here.classes, there.classes),):
            np.testing.assert_array_equal(one.bounds, other.bounds)
            np.testing.assert_array_equal(one.first_value, other.first_value)
            np.testing.assert_array_equal(one.values, other.values)
        distribution = Transport(drift).distribution(drift.sigma)
        one, other = (
            each.moments(distribution, each.masses(distribution)).stalled for each in (here, there)
        )
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-15)


def test_few_values_are_moved(monkeypatch):
    drift, moved = replace(SMALL, dims=32), []
    walk = WholeMap._walk
    monkeypatch.setattr(
        WholeMap,
        "_walk",
        lambda self, dim, value: moved.append(len(dim)) or walk(self, dim, value),
    )
    with ThreadPoolExecutor(2) as pool:
        [(_, [found])] = Transport(drift).strips([30], pool)
    assert 0 < sum(moved) < 0.05 * drift.dims * found.drawable


def test_a_power_of_two_is_left_to_those_who_move_every_value():
    # Half a spacing of float32 moves every other value alone: the ends tell nothing of the middle.
    drift = replace(SMALL, direction="axis", radius=0.5, steps=32)
    with ThreadPoolExecutor(2) as pool:
        transport = Transport(drift)
        ranks, limits = transport._drawable(), transport._limits(slice(None))
        ties = WholeMap(motion_of(drift), transport._dims, ranks, limits, [32], pool)
        assert ties.classes(1e9) is None
        untied = replace(drift, radius=0.4)
        assert (
            WholeMap(motion_of(untied), transport._dims, ranks, limits, [32], pool).classes(1e9)
            is not None
        )
