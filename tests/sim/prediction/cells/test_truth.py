"""Expected counts beside those of 200 simulated clouds, over 30 random drifts."""

import math
from typing import get_args

import numpy as np
import pytest

from drift.sim.errors import BadInput
from drift.sim.prediction.expected import expect
from drift.sim.prediction.onset import onsets
from drift.sim.spec.drift import Drift, Schedule
from tests.support.clouds import COUNTED, count, occupied

CLOUDS, SPECS, TOKENS = 200, 30, 64
QUANTITIES = ("distinct", "singletons", "black_holes", "black_hole_tokens", "pairs")
FORMATS = ("bfloat16", "float16", "float8_e4m3fn", "float8_e5m2", "float4_e2m1fn")


def a_drift(random, number):
    """A random drift near its onset, of the format whose turn it is."""
    while True:
        target = FORMATS[number % len(FORMATS)]
        master = random.choice(["none", "none", "float32"])
        fields = {
            "format": target,
            "master": master,
            "rounding": "nearest"
            if master != "none"
            else random.choice(["nearest", "toward-zero"]),
            "schedule": random.choice(get_args(Schedule)),
            "decay": 0.9,
            "survivors": random.choice([None, 40]),
            "tokens": TOKENS,
            "dims": int(random.integers(3, 9)),
            "steps": int(random.integers(2, 24)),
            "radius": float(random.choice([0.371, 1.5])),
            "direction": random.choice(["random", "random", "diagonal"]),
            "direction_seed": int(random.integers(1000)),
        }
        fields = {
            name: getattr(value, "item", lambda v=value: v)() for name, value in fields.items()
        }
        drift = Drift(sigma=1e-6, **fields)
        try:
            onset = onsets(drift, [drift.steps])[0]
            if onset is None:
                continue
            sigma = onset * 10 ** random.uniform(-1.2, -0.2)
            drift = Drift(sigma=sigma, **fields)
            return drift, expect(drift, [drift.steps], [sigma], spectra=True)[0][0]
        except BadInput:
            continue


@pytest.fixture(scope="module")
def table():
    """Drift, expectation, counts and populations of every spec."""
    random = np.random.default_rng(21)
    found = []
    for number in range(SPECS):
        drift, expected = a_drift(random, number)
        cells = occupied(drift, CLOUDS)
        counted = {name: np.array([count(name, each) for each in cells]) for name in COUNTED}
        found.append((drift, expected, counted, cells))
    return found


def check(scores, name):
    assert len(scores) >= 12, name
    assert abs(np.mean(scores)) < 0.55, (name, scores)
    assert 0.6 < np.std(scores) < 1.4, (name, scores)
    assert np.max(np.abs(scores)) < 5, (name, scores)


@pytest.mark.slow
@pytest.mark.parametrize("name", QUANTITIES)
def test_expected_counts_are_those_of_simulated_clouds(table, name):
    scores = []
    for _, expected, counted, _ in table:
        wanted, seen = getattr(expected, name), counted[name]
        if wanted >= 3 and np.ptp(seen) > 0:
            scores.append((seen.mean() - wanted) / (seen.std(ddof=1) / math.sqrt(CLOUDS)))
    check(scores, name)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["distinct", "pairs"])
def test_errors_are_the_scatter_of_simulated_clouds(table, name):
    scores = []
    for _, expected, counted, _ in table:
        wanted, seen = getattr(expected, f"{name}_error") ** 2, counted[name]
        if getattr(expected, name) < 3 or np.ptp(seen) == 0:
            continue
        squares = (seen - seen.mean()) ** 2
        error = squares.std(ddof=1) / math.sqrt(CLOUDS)
        scores.append((squares.sum() / (CLOUDS - 1) - wanted) / error)
    check(scores, f"{name}_error")


@pytest.mark.slow
def test_spectra_are_those_of_simulated_clouds(table):
    scores = []
    for drift, expected, _, populations in table:
        of = np.array([np.bincount(each, minlength=drift.tokens + 1) for each in populations])
        for first in (2, 4, 8, 16, 32):
            inside = of[:, first : 2 * first].sum(axis=1)
            wanted = sum(cells for k, _, cells in expected.spectrum if first <= k < 2 * first)
            if wanted >= 3 and np.ptp(inside) > 0:
                error = inside.std(ddof=1) / math.sqrt(CLOUDS)
                scores.append((inside.mean() - wanted) / error)
    check(scores, "spectrum")


@pytest.mark.slow
def test_the_largest_is_about_where_it_is_thought(table):
    below = {"largest_5": [], "largest": [], "largest_95": []}
    for _, expected, counted, _ in table:
        if expected.largest_5 == expected.largest_95:
            assert np.mean(counted["largest"] == expected.largest) > 0.85
            continue
        for name, shares in below.items():
            # Half of those at the quantile itself: it is a whole number, and they are many.
            at = getattr(expected, name)
            shares.append(np.mean(counted["largest"] < at) + np.mean(counted["largest"] == at) / 2)
    low, middle, high = (np.array(shares) for shares in below.values())
    assert np.all(low < 0.35)
    assert np.all((middle > 0.2) & (middle < 0.8))
    assert np.all(high > 0.65)
