"""Strengths and ranks of tokens."""

import math

import numpy as np

from drift.sim.clouds import drawn
from drift.sim.spec.drift import Drift
from tests.support import oracle


def test_strengths_are_the_oracles_and_gaussian():
    drift = Drift(sigma=1.0, tokens=20_000, jitter=0.25, seed=9)
    g = drawn.strengths(drift)
    assert g.dtype == np.float32
    expected = [1 + 0.25 * oracle.normal(w, 53) for w in oracle.words(9, oracle.JITTER, 50)]
    np.testing.assert_array_equal(g[:50], np.array(expected).astype(np.float32))
    xi = (g.astype(np.float64) - 1) / 0.25
    assert abs(xi.mean()) < 5 / math.sqrt(len(xi))
    assert abs(xi.var() - 1) < 5 * math.sqrt(2 / len(xi))
    assert np.all(drawn.strengths(Drift(sigma=1.0, tokens=5)) == 1)


def test_ranks_are_a_permutation_that_the_seed_chooses():
    drift = Drift(sigma=1.0, tokens=500, survivors=100, steps=7)
    ranks = drawn.survivor_ranks(drift)
    assert sorted(ranks) == list(range(500))
    assert not np.array_equal(ranks, np.arange(500))
    other = drawn.survivor_ranks(Drift(sigma=1.0, tokens=500, survivors=100, seed=1))
    assert not np.array_equal(ranks, other)
    for step in range(8):
        alive = 500 - math.floor(400 * step / 7)
        assert drift.alive(step) == alive
        there = oracle.present(drift, step)
        np.testing.assert_array_equal(ranks < alive, there)
    assert drift.alive(7) == 100
