"""Displacements against the plain formulas of their weights."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift.sim.clouds.direction import direction
from drift.sim.spec.drift import Drift
from drift.sim.spec.schedule import displacements, keys, share, weights
from tests.support import oracle

SCHEDULES = ["constant", "linear", "cosine", "exponential"]


@pytest.mark.parametrize("schedule", SCHEDULES)
@given(steps=st.integers(1, 3000), decay=st.floats(0.01, 0.999))
def test_weights_are_the_formulas_and_sum_to_one(schedule, steps, decay):
    drift = Drift(sigma=1.0, steps=steps, schedule=schedule, decay=decay)
    w = weights(drift, 1, steps)
    np.testing.assert_allclose(w, oracle.weights(drift), rtol=1e-11, atol=1e-16)
    assert abs(math.fsum(w.tolist()) - 1) < 1e-11
    assert np.all(np.diff(w) <= 0)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_the_share_is_the_sum_of_the_weights(schedule):
    drift = Drift(sigma=1.0, steps=1000, schedule=schedule)
    sums = np.cumsum(weights(drift, 1, 1000))
    found = [share(drift, step) for step in range(1, 1001)]
    np.testing.assert_allclose(found, sums, rtol=1e-12)
    assert share(drift, 0) == 0
    # However many they are; each weight is the larger the earlier it is.
    many = Drift(sigma=1.0, steps=2**62, schedule=schedule)
    assert share(many, 2**62) == pytest.approx(1, rel=1e-12)
    assert 0.5 <= share(many, 2**61) <= 1


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_any_part_of_a_schedule_is_that_part_of_the_whole(schedule):
    drift = Drift(sigma=1.0, steps=100, schedule=schedule)
    np.testing.assert_array_equal(weights(drift, 31, 64), weights(drift, 1, 100)[30:64])


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_million_steps_still_sum_to_one(schedule):
    drift = Drift(sigma=1.0, steps=10**6, schedule=schedule, decay=0.99999)
    assert abs(math.fsum(weights(drift, 1, 10**6).tolist()) - 1) < 1e-10


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


def test_keys_are_words_of_their_stream_one_a_step():
    drift = Drift(sigma=1.0, seed=5)
    whole = oracle.words(5, oracle.ROUNDING, 10)
    found = keys(drift, 3, 9)
    assert [int(low) | int(high) << 32 for low, high in found] == whole[3:10]
