import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.direction import direction
from sim.errors import BadInput
from sim.schedule import displacements
from sim.spec import Drift


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"sigma": 0.0}, "sigma is 0; it must be positive and finite"),
        ({"sigma": math.nan}, "sigma is nan"),
        ({"sigma": math.inf}, "sigma is inf"),
        ({"sigma": 1e-31}, "sigma is 1e-31; the smallest is"),
        ({"radius": -0.1}, "radius is -0.1; it must be 0 or more"),
        ({"radius": math.inf}, "radius is inf"),
        ({"tokens": 0}, "tokens is 0; it must be 1 or more"),
        ({"dims": -3}, "dims is -3"),
        ({"steps": 0}, "steps is 0"),
        ({"records": 0}, "records is 0"),
        ({"seed": -1}, "seed is -1"),
        ({"direction_seed": 2**64}, "direction_seed is 18446744073709551616"),
        ({"snapshots": "all"}, "snapshots is 'all'; it must be one of none, ends, records"),
        ({"at": ()}, "at is empty"),
        ({"at": (0, 101)}, r"at names step 101; it must be in 0 \.\.\. 100"),
        ({"at": (-1, 5)}, "at names step -1"),
        ({"at": (5, 5)}, "at names step 5 twice"),
        ({"steps": 10**7, "records": 10**6}, "records is 1000000"),
    ],
)
def test_what_makes_no_sense_is_named(fields, message):
    with pytest.raises(BadInput, match=message):
        Drift(**{"sigma": 1.0, **fields})


@given(st.integers(1, 300), st.integers(1, 300))
def test_records_are_spread_evenly_and_never_repeated(steps, records):
    found = Drift(sigma=1.0, steps=steps, records=records).record_steps
    formula = {math.floor(k * steps / records + 0.5) for k in range(records + 1)}
    assert list(found) == sorted(formula)


def test_steps_that_are_named_are_the_records():
    drift = Drift(sigma=1.0, at=(7, 3), snapshots="records")
    assert drift.record_steps == drift.snapshot_steps == (3, 7)
    assert Drift(sigma=1.0).snapshot_steps == (0, 100)
    assert Drift(sigma=1.0, snapshots="none").snapshot_steps == ()


@given(st.floats(0, 1e3), st.integers(1, 10**6))
def test_a_displacement_is_rounded_once_from_float64(radius, steps):
    drift = Drift(sigma=1.0, dims=8, radius=radius, steps=steps)
    u = direction("random", 8)
    expected = ((radius * (1 / steps)) * u).astype(np.float32)
    expected[np.abs(expected) < 2.0**-103] = 0
    found = displacements(drift, u, 1, 2)
    np.testing.assert_array_equal(found.view(np.uint32), np.stack([expected] * 2).view(np.uint32))


def test_tiny_displacements_become_positive_zero():
    drift = Drift(sigma=1.0, dims=2, radius=1e-31, steps=1)
    found = displacements(drift, np.array([1.0, -1e-3]), 1, 1)
    assert found[0, 0] > 0
    assert found.view(np.uint32)[0, 1] == 0


def test_the_weight_is_rounded_before_the_radius_multiplies_it():
    # 49 * (1/49) is just below 1, so the product falls off a float32 tie; 49/49 stays on it.
    tie = 1 - 5 * 2.0**-25
    drift = Drift(sigma=1.0, dims=1, radius=49 * tie, steps=49)
    assert displacements(drift, np.array([1.0]), 1, 1)[0, 0] == np.float32(1 - 3 * 2.0**-24)
