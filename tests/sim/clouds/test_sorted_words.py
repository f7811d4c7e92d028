"""Places among sorted words, against the cloud that is drawn from them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drift.sim.clouds import sorted_words
from drift.sim.clouds.drawn import draw_cloud
from drift.sim.clouds.sorted_words import SortedWords
from drift.sim.sampling.thresholds import thresholds
from drift.sim.spec.drift import Drift

SIGMAS = {
    **{"bfloat16": (1e-29, 1e-7, 0.02), "float16": (1e-9, 1e-3), "float8_e4m3fn": (1e-4, 1.0)},
    **{"float8_e5m2": (1.0,), "float4_e2m1fn": (0.5,)},
}
CASES = [(name, sigma) for name, sigmas in SIGMAS.items() for sigma in sigmas]


def check(drift, words, rng, number=0):
    """Compare places and ends with the codes that are drawn; the seed has that number in words."""
    first = number * drift.dims
    mine = slice(first, first + drift.dims)
    table = thresholds(drift.sigma, drift.target, drift.smallest_drawn)
    at = drift.target.coordinate(draw_cloud(drift, 0, drift.tokens))
    np.testing.assert_array_equal(
        np.array(words.ends(table))[:, mine], [at.min(axis=0), at.max(axis=0)]
    )
    np.testing.assert_array_equal(
        np.sort(words.tokens[mine], axis=1), [range(drift.tokens)] * drift.dims
    )
    assert np.all(np.diff(np.take_along_axis(at.T, words.tokens[mine], axis=1), axis=1) >= 0)
    np.testing.assert_array_equal(np.argsort(words.positions, axis=1), words.tokens)
    dims = rng.integers(0, drift.dims, 200)
    near = at[rng.integers(0, drift.tokens, 200), dims] + rng.integers(-1, 2, 200)
    far = rng.integers(at.min() - 3, at.max() + 4, 200)
    for asked in (near, far):
        below = [np.count_nonzero(at[:, d] < a) for d, a in zip(dims, asked, strict=True)]
        np.testing.assert_array_equal(words.places(first + dims, *table.first_keys(asked)), below)


@settings(max_examples=25)
@given(st.sampled_from(CASES), st.integers(1, 40), st.integers(1, 9), st.integers(0, 2**64 - 1))
def test_places_count_the_tokens_below(case, tokens, dims, seed):
    name, sigma = case
    drift = Drift(sigma=sigma, format=name, tokens=tokens, dims=dims, seed=seed)
    words = SortedWords([seed, seed ^ 1, seed], tokens, dims)
    for number in (0, 2):
        check(drift, words, np.random.default_rng(0), number)


@pytest.mark.parametrize("case", CASES[:2])
def test_lower_halves_decide_where_upper_ones_are_equal(case, monkeypatch):
    # With words whose upper halves are few, most tokens tie with each other and with thresholds.
    name, sigma = case
    drift = Drift(sigma=sigma, format=name, tokens=60, dims=4)
    table = thresholds(sigma, drift.target, drift.smallest_drawn)
    upper = np.unique(table._ascending >> np.uint64(32))
    few = np.random.default_rng(1).choice(upper, 3).astype(np.uint32)
    real = sorted_words.words32

    def words32(seed, stream, start, count):
        words = real(seed, stream, start, count)
        if stream != sorted_words.Stream.CLOUD:
            return words
        return few[words % 3] | (words & np.uint32(1 << 31))

    monkeypatch.setattr(sorted_words, "words32", words32)
    monkeypatch.setattr("drift.sim.clouds.drawn.words32", words32)
    words = SortedWords([0], 60, 4)
    assert len(np.unique(words._keyed >> words._shift)) < 40
    check(drift, words, np.random.default_rng(0))
