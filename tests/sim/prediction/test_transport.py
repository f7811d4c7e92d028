"""The distribution of a drawn coordinate against that of SciPy, and against draws."""

import numpy as np
import pytest
from scipy.special import ndtr

from drift.kernels.formats import BFLOAT16
from drift.sim.clouds.drawn import draw_cloud
from drift.sim.prediction.transport import ValueDistribution
from drift.sim.sampling.thresholds import drawn_magnitudes
from drift.sim.spec.drift import Drift


def test_masses_are_right_in_both_tails_and_in_the_centre():
    edges = np.array([1e-20, 1e-3, 0.5, 1.2, 2.0, 9.9, 10.0, 10.1])
    distribution = ValueDistribution(2.0, 2 * edges)
    first, stop = np.array([0, 1, 7, 8, 9, 16, 15, 0]), np.array([1, 2, 8, 9, 10, 17, 16, 17])
    tail = ndtr(-edges)
    expected = [
        tail[7], tail[6] - tail[7], tail[0] - tail[1], 2 * (0.5 - tail[0]), tail[0] - tail[1],
        tail[7] - 0.0, tail[6] - tail[7], 1.0,
    ]  # fmt: skip
    expected[3] = 2 * 1e-20 / np.sqrt(2 * np.pi)  # which ndtr can't tell from 0
    mass, rest = distribution.of(first, stop, first)
    np.testing.assert_allclose(mass, expected, rtol=1e-12)
    np.testing.assert_allclose(mass + rest, 1, rtol=1e-15)
    assert rest[7] == 0
    inner = distribution.of(np.array([1]), np.array([16]), np.array([0]))
    assert inner[1][0] == pytest.approx(2 * tail[7], rel=1e-12, abs=0)


def test_draws_follow_it():
    d = Drift(sigma=1e-3, tokens=4000, dims=10)
    magnitudes, midpoints = drawn_magnitudes(d.sigma, BFLOAT16, d.smallest_drawn)
    count = len(magnitudes)
    every = np.arange(2 * count + 1)
    mass, _ = ValueDistribution(d.sigma, midpoints).of(every, every + 1, every)
    drawable = np.concatenate([-magnitudes[::-1], [0], magnitudes])
    codes = BFLOAT16.coordinate(draw_cloud(d, 0, d.tokens)).ravel()
    for low, high in ((-20000, -15100), (-15100, -14000), (-200, 14900), (14900, 15200)):
        p = mass[(drawable >= low) & (drawable < high)].sum()
        seen = np.mean((codes >= low) & (codes < high))
        assert abs(seen - p) < 5 * np.sqrt(p * (1 - p) / codes.size)
