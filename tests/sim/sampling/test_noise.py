"""The noise of steps: its table, its law over steps, tokens and dimensions, and its amplitude."""

import math
from statistics import NormalDist

import numpy as np
import pytest
from scipy import stats

from drift.sim.engines import reference
from drift.sim.motions.make import motion_of
from drift.sim.sampling.noise import noise_table
from drift.sim.sampling.philox import Stream
from drift.sim.spec.drift import Drift
from drift.sim.spec.schedule import keys

STEPS, TOKENS, DIMS = 24, 60, 40


@pytest.fixture(scope="module")
def xi():
    """The numbers of all coordinates at all steps, (steps, tokens, dims)."""
    drift = Drift(sigma=1.0, tokens=TOKENS, dims=DIMS, seed=5)
    numbers = np.arange(TOKENS, dtype=np.uint32)
    each = [
        noise_table()[reference.words(key, numbers, DIMS) >> np.uint32(16)]
        for key in keys(drift, 1, STEPS, Stream.NOISE)
    ]
    return np.stack(each).astype(np.float64)


def test_the_table_is_the_inverse_of_the_normal_distribution():
    table = noise_table()
    assert table.dtype == np.float32
    assert (np.diff(table) > 0).all()
    np.testing.assert_array_equal(table, -table[::-1])
    for i in (0, 1, 77, 32767, 32768, 65535):
        assert table[i] == np.float32(NormalDist().inv_cdf((i + 0.5) / 65536))
    # The table's own moments: 16 bits leave out what is beyond 4.3, and little else.
    assert np.mean(table.astype(float) ** 2) == pytest.approx(1, abs=2e-4)


def test_its_moments_are_those_of_the_table(xi):
    table = noise_table().astype(np.float64)
    for k in range(1, 5):
        mean, second = np.mean(table**k), np.mean(table ** (2 * k))
        error = math.sqrt((second - mean**2) / xi.size)
        assert np.mean(xi**k) == pytest.approx(mean, abs=5 * error)
    assert stats.kstest(xi.ravel(), "norm").pvalue > 1e-5


@pytest.mark.parametrize("axis", [0, 1, 2], ids=["steps", "tokens", "dims"])
def test_neighbours_and_strangers_are_independent(xi, axis):
    for lag in (1, 2, 7):
        a, b = (np.moveaxis(xi, axis, 0)[part] for part in (slice(lag, None), slice(None, -lag)))
        # Products of independent normal numbers have variance 1, and so have those of squares - 1,
        # but for a factor of 2 each.
        error = 1 / math.sqrt(a.size)
        assert abs(np.mean(a * b)) < 5 * error
        assert abs(np.mean((a * a - 1) * (b * b - 1))) < 5 * 2 * error


def test_sums_over_any_two_axes_vary_as_independent_numbers_do(xi):
    for axes in ((0, 1), (0, 2), (1, 2)):
        sums = xi.sum(axis=axes)
        count = xi.size / sums.size
        spread = np.mean(sums**2) / count
        assert spread == pytest.approx(1, abs=5 * math.sqrt(2 / sums.size))


def test_other_seeds_and_streams_have_other_numbers(xi):
    numbers = np.arange(TOKENS, dtype=np.uint32)
    for seed, stream in ((6, Stream.NOISE), (5, Stream.ROUNDING)):
        key = keys(Drift(sigma=1.0, seed=seed), 1, 1, stream)[0]
        other = noise_table()[reference.words(key, numbers, DIMS) >> np.uint32(16)]
        assert abs(np.mean(other * xi[0])) < 5 / math.sqrt(other.size)


MOTIONS = [
    {},
    {"schedule": "cosine"},
    {"direction": "axis"},
    {"motion": "adamw", "gradient": 1.0, "weight_decay": 0.1},
]


@pytest.mark.parametrize("fields", MOTIONS, ids=str)
def test_an_amplitude_is_its_share_of_the_root_mean_square(fields):
    drift = Drift(sigma=1e-3, tokens=3, dims=50, steps=300, noise=0.7, **fields)
    motion = motion_of(drift)
    found = motion.amplitudes(1, 300)
    for t in (1, 2, 255, 257, 300):
        c = motion.displacements(t, t)[0].astype(np.float64)
        assert found[t - 1] == np.float32(0.7 * math.sqrt(math.fsum(c * c) / 50))
        assert motion.amplitudes(t, t)[0] == found[t - 1]
    assert motion.noise_reach >= found.astype(float).sum() * noise_table()[-1] * (1 - 1e-12)


def test_a_noise_of_a_step_has_its_standard_deviation():
    drift = Drift(sigma=1e-3, tokens=200, dims=100, steps=3, noise=2.0, seed=3)
    motion = motion_of(drift)
    found = reference.noise_at(motion, 2, np.arange(200, dtype=np.uint32), 100).astype(float)
    c = motion.displacements(2, 2)[0].astype(float)
    deviation = 2 * math.sqrt(np.mean(c * c))
    assert np.std(found) == pytest.approx(deviation, rel=5 / math.sqrt(2 * found.size))


def test_noise_too_small_for_a_drift_is_zero_of_its_sign():
    found = reference.noise(np.float32(2.0**-103), np.zeros(2, "u4"), np.arange(50, dtype="u4"), 8)
    small = found == 0
    assert 0 < small.mean() < 1
    assert (np.abs(found[~small]) >= 2.0**-103).all()
    assert 0 < np.signbit(found[small]).mean() < 1
