"""The map on the host beside that of the kernels of JAX, class by class."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from drift.kernels.formats import FORMATS
from drift.kernels.value_map import host
from drift.kernels.value_map.classes import ValueClasses
from drift.kernels.value_map.host import HostMap
from drift.kernels.value_map.iterate import StepwiseMap
from drift.sim.clouds.direction import direction
from drift.sim.spec.drift import Drift
from drift.sim.spec.schedule import displacements

DIMS = 4


def all_values(target, largest):
    """All codes that may be drawn, up to a magnitude, as initial classes of every dimension."""
    ranks = np.sort(target.rank_of(np.arange(1 << target.width).astype(target.storage)))
    values = target.value(target.code_of_rank(ranks))
    drawn = (values == 0) | (np.abs(values) >= target.smallest_drawn)
    ranks = ranks[drawn & (np.abs(values) <= largest)]
    every = np.tile(ranks, DIMS)
    return ValueClasses(np.arange(DIMS + 1) * len(ranks), np.arange(len(every)), every)


@pytest.mark.slow
@pytest.mark.parametrize("schedule", ["constant", "exponential"])
@pytest.mark.parametrize(
    ("name", "pieces"),
    [(name, (1 << 16, 64)) for name in ("bfloat16", "float8_e4m3fn", "float4_e2m1fn")]
    + [(name, (7, 1)) for name in ("float8_e4m3fn", "float4_e2m1fn")],
)
def test_it_goes_where_the_kernels_of_jax_go(monkeypatch, schedule, name, pieces):
    monkeypatch.setattr(host, "_ELEMENTS", pieces[0])
    monkeypatch.setattr(host, "_STEPS", pieces[1])
    target = FORMATS[name]
    drift = Drift(sigma=0.1, dims=DIMS, radius=0.5, steps=200, schedule=schedule, decay=0.9)
    u = direction("random", DIMS, 3).copy()
    u[1] = 0.0

    def block(first, last):
        return displacements(drift, u, first, last)

    classes = all_values(target, min(target.largest / 4, 1.0))
    with ThreadPoolExecutor(2) as pool:
        here = HostMap(classes, block, 0, target, "nearest", schedule == "constant", pool)
        there = StepwiseMap(classes, block, (0, drift.steps), target, "nearest")
        for step in (1, 2, 3, 50, 51, 200):
            found, expected = here.to(step), there.to(step)
            for each in ("bounds", "first_value", "values"):
                np.testing.assert_array_equal(getattr(found[0], each), getattr(expected[0], each))
            # Those stalled may be told by finer classes or by coarser ones: value by value.
            stalled = [by_value(each[1], len(classes.values)) for each in (found, expected)]
            np.testing.assert_array_equal(*stalled)


def by_value(classes, values):
    return np.repeat(classes.values, np.diff(classes.first_value, append=values))
