import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift.kernels import neighbours
from drift.kernels.formats import BFLOAT16, FLOAT32, FORMATS
from drift.kernels.neighbours import Crowded, adjacent
from tests.support import oracle


def coordinates(codes, target):
    """Ranks of values among all finite ones, found by looking them up."""
    if target is FLOAT32:
        magnitudes = (codes & 0x7FFFFFFF).astype(np.int64)
        return np.where(codes >> 31, -magnitudes, magnitudes)
    values = codes.view(oracle.dtype(target.name)).astype(np.float64)
    return np.sign(values).astype(int) * np.searchsorted(
        oracle.magnitudes(target.name), abs(values)
    )


def pairs_by_hand(codes, rows, target):
    """All pairs of places in `rows` at distance 1 or less, one after another."""
    x = coordinates(codes[rows], target)
    return [
        [i, j]
        for i in range(len(x))
        for j in range(i + 1, len(x))
        if all(abs(int(a) - int(b)) <= 1 for a, b in zip(x[i], x[j], strict=True))
    ]


@st.composite
def lattices(draw):
    """A small matrix of codes around zero, a binade's edge, or the largest value; with -0."""
    target = draw(st.sampled_from(list(FORMATS.values())))
    rows, dims = draw(st.integers(1, 24)), draw(st.integers(1, 5))
    spread = draw(st.integers(0, 6))
    largest = target.largest_magnitude
    edge = 1 << (target.precision - 1)
    centre = draw(st.sampled_from([0, edge, -edge, largest - spread, spread - largest]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    found = np.clip(centre + rng.integers(-spread, spread + 1, (rows, dims)), -largest, largest)
    codes = target.code_at(found)
    codes[(codes == 0) & (rng.random(codes.shape) < 0.5)] = target.sign
    return target, codes, np.flatnonzero(rng.random(rows) < 0.9)


@pytest.mark.parametrize("way", ["rows", "bits", "bits, then rows", "bits of many blocks"])
def test_pairs_are_those_found_by_hand(way, monkeypatch):
    if way != "rows":  # small clouds would never be a crowd
        monkeypatch.setattr(neighbours, "_FEW", -1)
        monkeypatch.setattr(neighbours, "_FIRST", 1)
        monkeypatch.setattr(neighbours, "_STRIP", 2)
        monkeypatch.setattr(neighbours, "_PER_ROW", 1 if way == "bits, then rows" else 0)
    if way == "bits of many blocks":
        monkeypatch.setattr(neighbours, "_BLOCK", 3)

    @given(lattices())
    def holds(case):
        target, codes, rows = case
        assert adjacent(codes, rows, target).tolist() == pairs_by_hand(codes, rows, target)

    holds()


def gaussian(rng, rows, dims):
    return (rng.normal(0, 0.02, (rows, dims)).astype(np.float32).view(np.uint32) >> 16).astype("u2")


def test_planted_pairs_are_found_among_many_cells_and_none_is_invented():
    rng = np.random.default_rng(1)
    codes = gaussian(rng, 3000, 80)
    far, beside = rng.permutation(3000).reshape(2, -1)[:, :40]
    steps = rng.integers(-1, 2, (40, 80))
    steps[20:, rng.integers(0, 80)] = 2  # and twenty that only seem to be near
    codes[beside] = BFLOAT16.code_at(BFLOAT16.coordinate(codes[far]) + steps)
    told = []
    found = adjacent(codes, np.arange(3000), BFLOAT16, lambda *done: told.append(done))
    assert sorted(map(set, found.tolist()), key=min) == sorted(
        ({int(a), int(b)} for a, b in zip(far[:20], beside[:20], strict=True)), key=min
    )
    assert told[-1] == (3000, 3000)


@pytest.mark.parametrize("spread", [1, 2])
def test_a_crowd_among_strangers_is_joined_as_by_distances(spread):
    rng = np.random.default_rng(spread)
    codes = gaussian(rng, 1500, 90)
    size = np.where(rng.random((500, 90)) < 0.04, spread, 1)
    steps = rng.choice([-1, 0, 1], (500, 90), p=[0.02, 0.96, 0.02]) * size
    crowd = np.unique(BFLOAT16.coordinate(gaussian(rng, 1, 90)) + steps, axis=0)
    rows = rng.permutation(1500)[: len(crowd)]
    codes[rows] = BFLOAT16.code_at(crowd)
    rows = np.sort(rows)
    x = BFLOAT16.coordinate(codes[rows])
    near = (np.abs(x[:, None] - x[None]).max(axis=2) <= 1) & ~np.eye(len(x), dtype=bool)
    expected = np.stack(np.nonzero(np.triu(near)), axis=1)
    assert 0 < len(expected) < len(x) * (len(x) - 1) // 2
    np.testing.assert_array_equal(adjacent(codes, np.arange(1500), BFLOAT16), rows[expected])


def test_more_pairs_than_wanted_are_refused():
    codes = np.unique(np.random.default_rng(0).integers(0, 2, (900, 30)).astype("u2"), axis=0)
    pairs = len(codes) * (len(codes) - 1) // 2
    assert len(adjacent(codes, np.arange(len(codes)), BFLOAT16, most=pairs)) == pairs
    with pytest.raises(Crowded):
        adjacent(codes, np.arange(len(codes)), BFLOAT16, most=pairs - 1)


def test_a_block_with_too_many_pairs_is_refused_before_they_are_listed(monkeypatch):
    codes = np.arange(256, dtype=np.uint16)[:, None] >> np.arange(8, dtype=np.uint16) & 1
    monkeypatch.delattr(neighbours.Partners, "pairs")
    with pytest.raises(Crowded):
        adjacent(codes, np.arange(256), BFLOAT16, most=30_000)


def test_nobody_has_neighbours_in_an_empty_or_a_lonely_cloud():
    for rows in (0, 1):
        assert adjacent(np.zeros((rows, 3), "u2"), np.arange(rows), BFLOAT16).shape == (0, 2)
