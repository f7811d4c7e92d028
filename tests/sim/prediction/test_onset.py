"""Where one pair is expected, and where coordinates stall."""

from dataclasses import replace

import numpy as np
import pytest

from drift.sim.clouds.direction import direction
from drift.sim.errors import BadInput
from drift.sim.prediction.expected import expect
from drift.sim.prediction.onset import onsets
from drift.sim.prediction.stalling import stall_steps
from drift.sim.spec.drift import Drift
from tests.support import oracle

SMALL = Drift(sigma=1.0, tokens=60, dims=16, steps=30)


@pytest.mark.parametrize(
    "drift",
    [
        SMALL,
        replace(SMALL, schedule="cosine", survivors=9),
        replace(SMALL, master="float32"),
        replace(SMALL, dims=2, direction="axis"),  # far from the first guess
        replace(SMALL, format="float8_e4m3fn"),
        replace(SMALL, format="float4_e2m1fn", tokens=2000, radius=4.0, steps=2),
    ],
    ids=str,
)
def test_one_pair_is_expected_at_the_onset(drift):
    steps = [1, drift.steps]
    for step, sigma in zip(steps, onsets(drift, steps), strict=True):
        low, here, high = expect(drift, [step], [sigma * 0.99, sigma, sigma * 1.01])
        assert here[0].pairs == pytest.approx(1, abs=5e-4)
        assert low[0].pairs > 1 > high[0].pairs


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_it_takes_no_longer_where_steps_are_many(schedule):
    drift = replace(SMALL, steps=2**62, schedule=schedule)
    assert onsets(drift, [drift.steps])[0] > 0


@pytest.mark.slow
def test_there_is_none_where_no_sigma_does_it():
    assert onsets(replace(SMALL, tokens=2), [30]) == [None]  # one pair, never certain
    assert onsets(replace(SMALL, dims=1), [1, 30]) == [None, None]  # more than one, always
    assert onsets(SMALL, [0]) == [None]  # before the first step sigma is but a scale
    assert onsets(replace(SMALL, radius=0.0), [30]) == [None]
    last = onsets(replace(SMALL, survivors=2), [1, 30])
    assert last[0] is not None
    assert last[1] is None
    with pytest.raises(BadInput, match="no exact form"):
        onsets(replace(SMALL, jitter=1.0), [30])


@pytest.mark.parametrize(
    "fields",
    [
        {"steps": 600},
        {"steps": 600, "schedule": "linear", "rounding": "toward-zero"},
        {"steps": 100},
        {"steps": 40, "format": "float8_e4m3fn", "master": "float32", "direction": "axis"},
        {"steps": 40, "format": "float8_e5m2", "schedule": "exponential", "decay": 0.5},
    ],
    ids=str,
)
def test_stalls_are_where_the_oracle_leaves_a_zero(fields):
    d = replace(SMALL, dims=8, **fields)
    u = direction(d.direction, d.dims, 0)
    held, _ = oracle.walk(d, u, np.zeros((1, d.dims), oracle.dtype(d.format)))
    expected = [None] * d.dims
    for step in range(d.steps, 0, -1):
        same = held[step].astype(np.float64) == held[step - 1].astype(np.float64)
        still = same[0] & (oracle.displacement(d, u, step) != 0)
        expected = [step if now else then for now, then in zip(still, expected, strict=True)]
    assert stall_steps(d) == expected
    assert any(expected) == (d.steps != 100 and d.master == "none")
