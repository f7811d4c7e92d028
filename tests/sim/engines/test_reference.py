"""Coordinates followed alone: the bits of the whole drift, whatever it is."""

import numpy as np
import pytest

from drift.sim.clouds.initial import initial_cloud
from drift.sim.engines import reference
from drift.sim.engines.reference import walk
from drift.sim.errors import BadInput
from drift.sim.motions.make import motion_of
from drift.sim.spec.drift import Drift

NUMBERS, DIMS = np.array([1, 5, 6, 19]), np.array([0, 3, 11])


def traced_of(drift, steps):
    start = initial_cloud(drift).codes(0, drift.tokens)[NUMBERS][:, DIMS]
    return reference.trace(drift, motion_of(drift), start, (NUMBERS, DIMS), steps)


@pytest.mark.slow
@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"rounding": "toward-zero", "schedule": "linear"},
        {"rounding": "stochastic", "sigma": 1e-3},
        {"jitter": 0.3, "format": "float16", "sigma": 1e-3},
        {"master": "float32"},
        {"format": "float32"},
        {"format": "float4_e2m1fn", "sigma": 0.7, "radius": 4.0, "steps": 60},
        {"steps": 3_000, "at": (0, 1, 1_000, 3_000)},  # at rest long before its end
    ],
)
def test_it_is_the_whole_drift_at_these_coordinates(fields):
    drift = Drift(**{"sigma": 1e-9, "tokens": 20, "dims": 12, "steps": 40, "records": 7, **fields})
    whole = np.stack([codes[NUMBERS][:, DIMS] for codes in walk(drift, motion_of(drift))])
    found = traced_of(drift, drift.record_steps)
    assert found.dtype == drift.target.storage
    np.testing.assert_array_equal(found, whole)
    assert not np.array_equal(found[0], found[-1])


def test_what_would_take_too_long_is_refused_and_what_rests_is_not(monkeypatch):
    monkeypatch.setattr(reference, "MOST_STEPS", 1_500)
    long = {"sigma": 1e-9, "tokens": 20, "dims": 12, "steps": 10**6}
    rested = traced_of(Drift(**long), (0, 10**6))  # a million equal steps, of which few move
    assert rested.shape == (2, 4, 3)
    with pytest.raises(BadInput, match="still moves after 1,500 steps"):
        traced_of(Drift(**long, schedule="linear"), (0, 10**6))
