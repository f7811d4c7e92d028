"""Predictions against the oracle moving every value that can be drawn, and against simulations."""

import itertools
import math
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pytest
from scipy.special import ndtr

from drift.sim.clouds.direction import direction
from drift.sim.errors import BadInput
from drift.sim.prediction import transport
from drift.sim.prediction.expected import expect
from drift.sim.prediction.supported import unsupported_reason
from drift.sim.spec.drift import Drift
from tests.support import oracle
from tests.support.drifts import states

SMALL = Drift(sigma=1e-3, tokens=50, dims=3, steps=20)
DRIFTS = {
    "bfloat16": SMALL,
    "tiny beside a step": replace(SMALL, sigma=1e-9, dims=4),
    "large beside a step": replace(SMALL, sigma=0.1, radius=1e-3),
    "one step": replace(SMALL, sigma=1e-5, steps=1),
    "toward zero": replace(SMALL, rounding="toward-zero"),
    "linear": replace(SMALL, schedule="linear", direction="diagonal"),
    "survivors": replace(SMALL, survivors=7, schedule="cosine"),
    "motionless": replace(SMALL, radius=0.0),
    "axis": replace(SMALL, direction="axis", rounding="toward-zero", schedule="cosine"),
    "master": replace(SMALL, master="float32"),
    "master, linear": replace(SMALL, master="float32", format="float8_e5m2", schedule="linear"),
    "float16": replace(SMALL, format="float16", schedule="exponential", decay=0.7),
    "float16, leapt": replace(SMALL, format="float16", sigma=1e-7, dims=2),
    "float8_e4m3fn": replace(SMALL, format="float8_e4m3fn", sigma=0.03),
    "float8_e5m2": replace(SMALL, format="float8_e5m2", sigma=0.3, schedule="cosine"),
    "float8 of two zeros": replace(
        SMALL, format="float8_e4m3fn", radius=1e-6, schedule="exponential", decay=0.5
    ),
    "float4_e2m1fn": replace(SMALL, format="float4_e2m1fn", sigma=0.4, radius=2.0, steps=3),
}


def drawn(d):
    """Every value that may be drawn, rising, and its mass, by SciPy's distribution function."""
    every = oracle.magnitudes(d.format)
    p = 24 if d.master == "float32" else oracle.precision(d.format)
    edges = np.append((every[1:] + every[:-1]) / 2, np.inf)
    zero = np.searchsorted(every, 2.0 ** (p - 127))  # smaller ones become +0
    edges, values = edges[max(zero - 1, 0) :], np.append(0.0, every[max(zero, 1) :])
    tails = ndtr(-edges / d.sigma)
    masses = np.append(1 - 2 * tails[0], tails[:-1] - tails[1:])
    near = values < 40 * d.sigma
    values, masses = values[near], masses[near]
    both = np.concatenate([-values[:0:-1], values]), np.concatenate([masses[:0:-1], masses])
    return both[0].astype(oracle.dtype(d.format)), both[1]


def by_the_oracle(d, step):
    """log p, log r, radius and stalled, of every value's own walk."""
    u = direction(d.direction, d.dims, d.direction_seed)
    values, masses = drawn(d)
    held, seen = oracle.walk(d, u, np.repeat(values[:, None], d.dims, axis=1))
    pair = triple = radius = stalled = 0.0
    for dim in range(d.dims):
        at = seen[step][:, dim].astype(np.float64) + 0.0
        _, cell = np.unique(at, return_inverse=True)
        q = np.bincount(cell, masses)
        pair += math.log(np.sum(q**2))
        triple += math.log(np.sum(q**3))
        radius += u[dim] * float(masses @ at)
        if step and oracle.displacement(d, u, step)[dim] != 0:
            before, after = (held[t][:, dim].astype(np.float64) for t in (step - 1, step))
            stalled += float(masses @ (before == after)) / d.dims
    return pair, triple, radius, stalled


@pytest.mark.slow
@pytest.mark.parametrize("name", DRIFTS)
def test_every_value_ends_where_the_oracle_takes_it(name):
    d = DRIFTS[name]
    steps = sorted({0, 1, 2 % d.steps, d.steps // 2, d.steps - 1, d.steps})
    for step, found in zip(steps, expect(d, steps, [d.sigma])[0], strict=True):
        pair, triple, radius, stalled = by_the_oracle(d, step)
        n = d.alive(step)
        p, r = math.exp(pair), math.exp(triple)
        variance = n * (n - 1) / 2 * p * (1 - p) + n * (n - 1) * (n - 2) * (r - p * p)
        assert (found.step, found.alive) == (step, n)
        assert found.log_pair_probability == pytest.approx(pair, rel=1e-11, abs=1e-13)
        assert found.pairs == pytest.approx(n * (n - 1) / 2 * p, rel=1e-11)
        assert found.pairs_error**2 == pytest.approx(variance, rel=1e-8, abs=1e-7)
        assert found.radius == pytest.approx(radius, rel=1e-11, abs=1e-15)
        assert found.stalled == pytest.approx(stalled, rel=1e-11, abs=1e-14)


def test_one_dimension_by_hand():
    # Of float4's values 0 .5 1 1.5 2 3 4 6 and their negatives a step of 1 leads 1.5 to 2
    # (a tie: 2.5 goes to the even code) where 1 goes too, and 4 to 4 (5 likewise) where 3
    # goes too; the others keep apart. A run refuses clouds that hold a 6 or a -6, which
    # has no room for the step; here they count as 4 and -4.
    d = Drift(
        sigma=1.0, tokens=3, dims=1, radius=1.0, steps=1, direction="axis", format="float4_e2m1fn"
    )
    ends = [-3.5, -2.5, -1.75, -1.25, -0.75, -0.25, 0.25, 0.75, 1.75, 2.5]
    values = [-3, -2, -1, -0.5, 0, 0.5, 1, 1.5, 2, 3, 4]
    cdf = [0.0, *map(NormalDist().cdf, ends), 1.0]
    masses = np.diff(cdf)
    found = expect(d, [1], [1.0])[0][0]
    p, r = float(np.sum(masses**2)), float(np.sum(masses**3))
    assert found.log_pair_probability == pytest.approx(math.log(p), rel=1e-12)
    assert found.pairs == pytest.approx(3 * p, rel=1e-12)
    assert found.pairs_error**2 == pytest.approx(3 * p * (1 - p) + 6 * (r - p * p), rel=1e-12)
    assert found.radius == pytest.approx(float(masses @ values), rel=1e-12)
    assert found.stalled == pytest.approx(NormalDist().cdf(-3.5), rel=1e-9)  # that of 4


def test_mean_and_deviation_are_those_of_all_clouds_there_are():
    # Four tokens on the few values of float4: every cloud, with its probability.
    d = Drift(sigma=0.3, tokens=4, dims=1, steps=1, radius=0.0, format="float4_e2m1fn")
    values, masses = drawn(d)
    masses = masses[np.abs(values.astype(float)) <= 2]
    mean = square = 0.0
    for cloud in itertools.product(range(len(masses)), repeat=4):
        chance = math.prod(masses[cell] for cell in cloud)
        pairs = sum(math.comb(n, 2) for n in Counter(cloud).values())
        mean += chance * pairs
        square += chance * pairs**2
    found = expect(d, [1], [0.3])[0][0]
    assert found.pairs == pytest.approx(mean, rel=1e-8)
    assert found.pairs_error == pytest.approx(math.sqrt(square - mean**2), rel=1e-7)


GRID = [
    {"sigma": 1e-6, "dims": 4, "radius": 0.001},
    {"sigma": 1e-5, "dims": 12},
    {"sigma": 1e-5, "dims": 12, "steps": 200, "schedule": "linear"},
    {"sigma": 1e-5, "dims": 12, "rounding": "toward-zero", "schedule": "exponential"},
    {"sigma": 2e-5, "dims": 12, "master": "float32", "survivors": 150},
    {"sigma": 1e-6, "dims": 16, "format": "float16"},
    {"sigma": 0.02, "dims": 4, "format": "float8_e4m3fn", "radius": 1.5},
    {"sigma": 0.02, "dims": 4, "format": "float8_e5m2", "schedule": "cosine"},
    {"sigma": 0.3, "dims": 8, "format": "float4_e2m1fn", "radius": 3.0, "steps": 2},
]


@pytest.mark.slow
@pytest.mark.parametrize("fields", GRID, ids=str)
def test_simulations_agree_within_their_sampling_error(fields):
    d = Drift(**{"tokens": 300, "steps": 30, **fields})
    seeds, last = 6, d.steps
    found = expect(d, [last], [d.sigma])[0][0]
    assert 20 < found.pairs * seeds < seeds * math.comb(d.alive(last), 2) - 20
    pairs, means, variances, stalled = [], [], [], []
    for seed in range(seeds):
        u, [(counts, _, codes)] = states(replace(d, seed=seed), steps=[last])
        along = d.target.value(codes) @ u
        pairs.append(counts.pairs)
        means.append(counts.radius)
        variances.append(along.var(ddof=1) / d.alive(last))
        stalled.append(counts.stalled)
    root = math.sqrt(seeds)
    assert abs(np.mean(pairs) - found.pairs) < 5 * found.pairs_error / root
    assert abs(np.mean(means) - found.radius) < 5 * math.sqrt(np.mean(variances)) / root
    coordinates = d.alive(last) * d.dims
    spread = math.sqrt(found.stalled * (1 - found.stalled) / coordinates) / root
    assert abs(np.mean(stalled) - found.stalled) <= 5 * spread + 1e-12


@pytest.mark.slow
def test_the_counts_scatter_as_much_as_is_said():
    d = Drift(sigma=1e-5, tokens=60, dims=8, steps=10)
    found = expect(d, [10], [d.sigma])[0][0]
    seen = [states(replace(d, seed=s), steps=[10])[1][0][0].pairs for s in range(60)]
    # A sample's variance of n scatters by about sqrt(2 / n); pairs have heavier tails.
    assert np.var(seen, ddof=1) == pytest.approx(found.pairs_error**2, rel=5 * math.sqrt(3 / 60))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bfloat16", "tiny beside a step", "master", "float8_e5m2"])
def test_the_masses_of_every_dimension_sum_to_one(name):
    d = replace(DRIFTS[name], dims=300)  # of several strips
    all_of_them = transport.Transport(d)
    with ThreadPoolExecutor(2) as pool:
        strips = list(all_of_them.strips([1, d.steps], pool))
    for sigma in (d.sigma, d.sigma / 1e3, d.sigma / 1e6):
        distribution = all_of_them.distribution(sigma)
        for moved in itertools.chain(
            [strip for _, strip in all_of_them.initial()], *(each for _, each in strips)
        ):
            mass, rest, _ = moved.masses(distribution)
            sums = np.add.reduceat(mass, moved.classes.bounds[:-1])
            assert np.max(np.abs(sums - 1)) < 1e-12
            assert np.all(mass >= 0)
            np.testing.assert_allclose(mass + rest, 1, rtol=1e-14)


def test_one_motion_serves_all_sigmas_and_all_steps():
    d, sigmas, steps = replace(SMALL, schedule="cosine"), [1e-9, 1e-3, 1e-5], [0, 3, 20]
    together = expect(d, steps, sigmas)
    for sigma, row in zip(sigmas, together, strict=True):
        for step, found in zip(steps, row, strict=True):
            alone = expect(d, [step], [sigma])[0][0]
            assert found.log_pair_probability == pytest.approx(alone.log_pair_probability, 1e-11)
            assert found.radius == pytest.approx(alone.radius, rel=1e-9)
            assert found.stalled == pytest.approx(alone.stalled, rel=1e-11)


@pytest.mark.slow
def test_nearly_all_in_one_cell_and_hardly_any():
    # Of 0 all tokens within half a step of the lattice stay at 0: P(|Z| > 10) = 1.5e-23 do
    # not, for which 1 - p is 0.
    d = Drift(sigma=0.025, tokens=50, dims=2, radius=0.0, format="float4_e2m1fn")
    certain = expect(d, [100], [d.sigma])[0][0]
    apart = 2 * d.dims * 2 * ndtr(-10.0)
    assert certain.log_pair_probability == pytest.approx(-apart, rel=1e-9, abs=0)
    # p (1 - p) for each pair, and r - p**2, which is half of it, for those of three tokens.
    variance = 1225 * apart + 50 * 49 * 48 * (2 * 2 * apart - 3 * apart) / 2
    assert certain.pairs_error**2 == pytest.approx(variance, rel=1e-9, abs=0)
    hardly = expect(Drift(sigma=0.01, dims=400), [100], [0.01])[0][0]
    assert hardly.log_pair_probability < -1500
    assert (hardly.pairs, hardly.pairs_error) == (0.0, 0.0)


REFUSED = {
    "stochastic rounding": {"rounding": "stochastic"},
    "jitter": {"jitter": 0.1},
    "float32": {"format": "float32"},
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_has_no_exact_form_is_refused(what):
    d = replace(SMALL, **REFUSED[what])
    assert unsupported_reason(d) == what
    assert not unsupported_reason(SMALL)
    with pytest.raises(BadInput, match=f"no exact form is implemented for {what}"):
        expect(d, [20], [1e-3])


def test_a_cloud_that_is_likely_to_leave_the_range_is_refused():
    d = Drift(sigma=1.0, tokens=100, dims=16, radius=0.5, steps=2, format="float4_e2m1fn")
    expect(d, [2], [1.0])  # P(|x| = 6) is 6e-7
    for fields, sigma in (({}, 2.0), ({"radius": 50.0}, 1.0)):
        with pytest.raises(BadInput, match="more likely than not leave float4_e2m1fn's range"):
            expect(replace(d, **fields), [2], [1e-3, sigma])
    with pytest.raises(BadInput, match="sigma is -1"):
        expect(d, [2], [1e-3, -1.0])
