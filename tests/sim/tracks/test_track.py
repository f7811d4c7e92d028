"""A track equals brute force over small random trajectories, for every quantity and format."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import drift
from drift.kernels.formats import FORMATS
from tests.support import track_oracle as oracle

FEW = st.sampled_from(sorted(FORMATS))


def codes_of(seed, samples, tokens, dims, target, spread, strange=0.0):
    """A random walk in ranks, with tokens that rest, meet, part, cross zero and are not finite."""
    rng = np.random.default_rng(seed)
    most = min(target.largest_magnitude, 1 << 20)
    ranks = rng.integers(-min(2, most), min(2, most) + 1, (tokens, dims))
    if seed % 2:
        ranks = rng.integers(-most, most + 1, (tokens, dims))
    found = []
    for _ in range(samples):
        moves = rng.integers(-spread, spread + 1, (tokens, dims))
        moves[rng.random(tokens) < 0.5] = 0
        moves = moves * (rng.random() < 0.8)
        ranks = np.clip(ranks + moves, -most, most)
        if rng.random() < 0.4:
            ranks[rng.integers(tokens)] = ranks[rng.integers(tokens)]
        codes = target.code_at(ranks)
        zeros = (codes == 0) & (rng.random(codes.shape) < 0.3)
        codes[zeros] = target.sign
        if target.largest_magnitude < target.sign - 1:
            codes[rng.random(tokens) < strange, 0] = target.sign - 1
        found.append(codes)
    return np.array(found, target.storage)


def assert_close(found, expected, where=""):
    """Equal whole numbers; numbers within what float64 sums lose."""
    if isinstance(expected, dict):
        assert isinstance(found, dict), where
        assert set(expected) <= set(found), where
        for name in expected:
            assert_close(found[name], expected[name], f"{where}.{name}")
    elif isinstance(expected, list):
        assert len(found) == len(expected), where
        for k, (one, other) in enumerate(zip(found, expected, strict=True)):
            assert_close(one, other, f"{where}[{k}]")
    elif isinstance(expected, float):
        assert found is not None, where
        assert math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-13), (where, found, expected)
    else:
        assert found == expected, (where, found, expected)


@given(
    seed=st.integers(0, 10**6),
    name=FEW,
    samples=st.integers(2, 6),
    tokens=st.integers(1, 7),
    dims=st.integers(1, 5),
    spread=st.sampled_from([0, 1, 2, 40]),
    strange=st.sampled_from([0.0, 0.0, 0.2, 1.0]),
)
def test_every_number_is_that_of_brute_force(seed, name, samples, tokens, dims, spread, strange):
    target = FORMATS[name]
    codes = codes_of(seed, samples, tokens, dims, target, spread, strange)
    found = drift.track(codes, format=name).as_json()
    expected = oracle.track(codes, target)
    scale = max(1e-300, float(np.abs(target.value(codes[:, :, :].astype(int))).max()))
    del scale
    assert_close(found["per_step"], expected["per_step"])
    assert_close(found["per_token"], expected["per_token"])
    assert found["all_still"] == expected["all_still"]
