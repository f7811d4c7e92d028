"""A track equals brute force over small random trajectories, for every quantity and format."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import drift
from drift.kernels.formats import BFLOAT16, FLOAT16, FORMATS
from drift.sim.matrix import Matrix
from tests.support import track_oracle as oracle


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
        codes[(codes == 0) & (rng.random(codes.shape) < 0.3)] = target.sign
        if target.largest_magnitude < target.sign - 1:
            codes[rng.random(tokens) < strange, 0] = target.sign - 1
        found.append(codes)
    return np.array(found, target.storage)


def assert_close(found, expected, where=""):
    """Equal whole numbers, and numbers within what sums in float64 lose."""
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
    name=st.sampled_from(sorted(FORMATS)),
    samples=st.integers(2, 6),
    tokens=st.integers(1, 7),
    dims=st.integers(1, 5),
    spread=st.sampled_from([0, 1, 2, 40]),
    strange=st.sampled_from([0.0, 0.0, 0.2, 1.0]),
)
@pytest.mark.slow
def test_every_number_is_that_of_brute_force(seed, name, samples, tokens, dims, spread, strange):
    target = FORMATS[name]
    codes = codes_of(seed, samples, tokens, dims, target, spread, strange)
    found = drift.track(codes, format=name).as_json()
    expected = oracle.track(codes, target)
    assert_close(found["per_step"], expected["per_step"])
    assert_close(found["per_token"], expected["per_token"])
    assert found["all_still"] == expected["all_still"]


@pytest.mark.parametrize("seed", range(6))
def test_events_are_those_of_compare(seed):
    codes = codes_of(2 * seed, 6, 9, 2, BFLOAT16, 1, strange=0.1)
    expected = []
    for t in range(1, len(codes)):
        pair = (Matrix.whole(each, BFLOAT16, "") for each in codes[t - 1 : t + 1])
        events = drift.compare(*pair).lineage_events
        expected += [(t, each.what, each.before, each.after) for each in events]
    found = drift.track(codes, format="bfloat16").events
    assert [(each.step, each.what, each.before, each.after) for each in found] == expected
    for each in found:
        told = each.as_json()
        assert told["tokens_before"] == sum(each.before.tokens)
        assert told["tokens_after"] == sum(each.after.tokens)
        assert told["first_token"] == min(each.before.token_ids + each.after.token_ids)


@pytest.mark.parametrize("target", [BFLOAT16, FORMATS["float32"]], ids=lambda each: each.name)
@pytest.mark.parametrize("share", [0.05, 1.0])
def test_neither_blocks_nor_threads_change_a_bit(share, target, monkeypatch):
    rng = np.random.default_rng(4)
    base = rng.integers(0, target.largest_magnitude, (300, 8)).astype(target.storage)
    codes = [base]
    for _ in range(4):
        moves = rng.integers(0, 3, base.shape) * (rng.random((300, 1)) < share)
        codes.append((codes[-1] + moves).astype(target.storage) % target.largest_magnitude)
    codes = np.array(codes, target.storage)
    one = drift.track(codes, format=target.name).as_json()
    expected = oracle.track(codes, target)
    assert_close(one["per_step"], expected["per_step"])
    monkeypatch.setattr("drift.sim.tracks.meter._BLOCK_VALUES", 256)
    several = drift.track(codes, format=target.name).as_json()
    assert_close(several["per_step"], expected["per_step"])
    monkeypatch.setattr("drift.sim.tracks.track.cores", lambda: 7)
    assert drift.track(codes, format=target.name).as_json() == several


def test_phases_end_where_they_are_known_to_end():
    """Token 0 is early up to 2, 1 midlife up to 3, 2 moves one step up to 4, 3 never moves."""
    ranks = np.zeros((6, 4, 4), int) + np.arange(4)[:, None] * 1000 + 0x3F80
    ranks[1:, 0] += 2  # L2 is 4, above sqrt(4)
    ranks[2:, 0] += 2
    ranks[3:, 1, 0] += 2  # L2 is 2, and not above it
    ranks[4:, 2, 3] -= 1
    found = drift.track(BFLOAT16.code_at(ranks), format="bfloat16")
    assert found.per_token["last_early"].tolist() == [2, -1, -1, -1]
    assert found.per_token["last_midlife"].tolist() == [2, 3, -1, -1]
    assert found.per_token["last_motion"].tolist() == [2, 3, 4, -1]
    assert found.per_token["path"].tolist() == [8, 2, 1, 0]
    assert found.per_token["net"].tolist() == [8, 2, 1, 0]
    assert found.all_still == [[4, 5]]


def test_a_token_leaves_a_black_hole_and_comes_back():
    here, away = [1.0, 2.0], [1.0, 2.5]
    w = np.array([[here] * 3, [here, away, here], [here] * 3], np.float16)
    found = drift.track(w)
    assert found.per_token["first_shared"].tolist() == [0, 0, 0]
    assert found.per_token["last_shared"].tolist() == [2, 2, 2]
    assert [(each.step, each.what) for each in found.events] == [(1, "shrunk"), (2, "grown")]
    w[2, 1] = away
    assert drift.track(w).per_token["last_shared"].tolist() == [2, 0, 2]


def test_minus_zero_is_no_motion_and_no_cell_of_its_own():
    w = np.array([[[0.0, 1.0], [-0.0, 1.0]], [[-0.0, 1.0], [0.0, 1.0]]], np.float16)
    found = drift.track(w).as_json()
    assert found["per_step"]["moved_values"] == [None, 0]
    assert found["per_step"]["distinct"] == [1, 1]
    assert found["all_still"] == [[0, 1]]
    assert found["events"] == []


def test_a_shift_of_all_tokens_has_no_thermal_motion():
    ranks = np.arange(200).reshape(1, 50, 4) % 7 + np.array([0x3F80, 0x3FA0])[:, None, None]
    found = drift.track(BFLOAT16.code_at(ranks), format="bfloat16").as_json()["per_step"]
    assert found["thermal"][1] < 1e-30
    assert found["bulk"][1] == 4 * 0.25**2
    assert found["linf"][1] == {"median": 32.0, "p10": 32.0, "p90": 32.0, "max": 32.0}


def test_tokens_that_are_not_finite_are_absent():
    w = np.ones((3, 3, 2), np.float16)
    w[1, 0] = [np.nan, 3]
    w[2, 0] = [4, 4]
    found = drift.track(w).as_json()
    assert found["per_step"]["alive"] == [3, 2, 3]
    assert found["per_step"]["moved_tokens"] == [None, 0, 0]
    assert found["per_token"]["net"][0] == math.sqrt(2) * 2048
    assert found["all_still"] == []  # it went, and it came
    nothing = np.full((2, 2, 2), np.inf, np.float16)
    assert drift.track(nothing).as_json()["per_step"]["mean_radius"] == [None, None]


def test_it_becomes_a_dataset_of_xarray():
    found = drift.track(np.ones((3, 4, 2), FLOAT16.dtype), steps=[5, 10, 20])
    dataset = found.to_xarray()
    assert dict(dataset.sizes) == {"sample": 3, "token": 4, "dim": 2}
    assert dataset.step.values.tolist() == [5, 10, 20]
    assert dataset.pairs.values.tolist() == [6, 6, 6]
    assert found.per_step["l2"]["max"][1:].tolist() == [0, 0]
    assert found.all_still == [[5, 20]]
