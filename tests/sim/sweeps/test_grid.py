"""Grids: their order, their drifts, what makes none."""

import itertools
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift.sim.errors import BadInput
from drift.sim.spec.axis import AXES, Axis
from drift.sim.spec.drift import Drift
from drift.sim.spec.rules import recorded
from drift.sim.sweeps.grid import Grid, drift_of

CHOICES = {
    "sigma": (1e-9, 1e-8, 1e-7),
    "radius": (0.1, 1.0),
    "steps": (10, 1, 100),
    "seed": (3, 0),
    "rounding": ("nearest", "toward-zero"),
    "survivors": (None, 5, 2),
    "jitter": (0.0, 0.5),
}


@given(st.sets(st.sampled_from(sorted(CHOICES)), min_size=1))
def test_cells_run_through_the_product_of_the_axes_in_their_fixed_order(names):
    grid = Grid.given({"sigma": (1e-9,), "tokens": (9,), **{name: CHOICES[name] for name in names}})
    order = [axis.name for axis in grid.axes]
    assert order == sorted(names, key=list(AXES).index)
    assert grid.shape == tuple(len(CHOICES[name]) for name in order)
    combinations = list(itertools.product(*(CHOICES[name] for name in order)))
    assert len(grid) == len(combinations)
    for cell, values in enumerate(combinations):
        expected = dict(zip(order, values, strict=True))
        assert grid.values(cell) == expected
        fields = {"sigma": 1e-9, "tokens": 9, **expected}
        assert grid.drift(cell) == Drift(**fields, snapshots="none")
    again = Grid.from_json(json.loads(json.dumps(grid.as_json())))
    assert again == grid


def test_a_field_with_one_value_is_no_axis():
    grid = Grid.given({"sigma": (1e-9,), "seed": (4,)})
    assert (grid.axes, grid.shape, len(grid), grid.values(0)) == ((), (), 1, {})
    assert grid.drift(0) == Drift(sigma=1e-9, seed=4, snapshots="none")


def test_coordinates_are_the_values_or_number_the_names():
    reals = Axis("jitter", (1, 0.5)).coordinates
    assert (reals.dtype, reals.tolist()) == (np.float64, [1.0, 0.5])
    wholes = Axis("seed", (7, 2**62)).coordinates
    assert (wholes.dtype, wholes.tolist()) == (np.int64, [7, 2**62])
    named = Axis("rounding", ("stochastic", "nearest"))
    assert (named.coordinates.dtype, named.coordinates.tolist()) == (np.int64, [0, 1])
    assert named.meanings == ["stochastic", "nearest"]
    assert Axis("survivors", (None, 5)).meanings == ["all", "5"]


@given(st.integers(1, 10**30), st.integers(1, 200))
def test_records_are_at_the_same_fractions_however_few_the_steps(steps, records):
    found = recorded(steps, records)
    assert len(found) == records + 1
    assert (found[0], found[-1]) == (0, steps)
    for k, step in enumerate(found):
        assert abs(2 * (step * records - k * steps)) <= records
    drift = Drift(sigma=1.0, steps=steps, records=records)
    assert sorted(set(found)) == list(drift.record_steps)


BAD = {
    "twice": ({"seed": (1, 2, 1)}, "seed names 1 twice; each value is taken once"),
    "twice in other words": ({"radius": (1, 0.5, 1.0)}, "radius names 1.0 twice"),
    "none": ({"seed": ()}, "seed is an axis of 0 values"),
    "no axis": ({"records": (5, 10)}, "records has several values; it takes one"),
    "too many cells": (
        {"sigma": tuple(range(1, 4001)), "seed": tuple(range(2501))},
        "the grid has 10,004,000 points; at most 10,000,000 are swept",
    ),
    "too large for a coordinate": ({"seed": (1, 2**63)}, "an axis ends at"),
    "a selection of nothing": ({"near": ("largest",)}, "near is given without --from"),
    "drawn and taken": ({"from": ("a.safetensors",)}, "sigma is given with --from"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_makes_no_grid_is_refused(name):
    fields, message = BAD[name]
    with pytest.raises(BadInput, match=message):
        Grid.given({"sigma": (1e-9,), **fields})


def test_no_field_stands_twice_in_a_grid():
    axis = Axis("seed", (1, 2))
    with pytest.raises(BadInput, match="each is named once"):
        Grid({"seed": 1, "records": 5}, (axis,))
    with pytest.raises(BadInput, match="each is named once"):
        Grid({"records": 5}, (axis, axis))


def test_ten_million_cells_are_a_grid():
    grid = Grid.given({"sigma": tuple(range(1, 4001)), "seed": tuple(range(2500))})
    assert len(grid) == 10**7
    assert grid.values(10**7 - 1) == {"sigma": 4000, "seed": 2499}
    assert drift_of({**grid.base, "sigma": 1.0, "seed": 0}).sigma == 1.0
