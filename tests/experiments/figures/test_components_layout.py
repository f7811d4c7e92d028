"""Where cells are drawn: apart, near their neighbours, always in the same place."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift.experiments.figures.components_layout import layout, pack_in_rows


def distances(cells):
    cells = np.array(cells)
    return np.abs(cells[:, None] - cells).max(axis=2)


def joined(seed, count, dims):
    """Random cells that hang together."""
    random = np.random.default_rng(seed)
    cells = [(0,) * dims]
    while len(cells) < count:
        near = np.array(cells[random.integers(len(cells))]) + random.integers(-1, 2, dims)
        if tuple(near.tolist()) not in cells:
            cells.append(tuple(near.tolist()))
    return cells


CLOUDS = {
    "a chain": [(k, 0) for k in range(30)],
    "a grid": list(itertools.product(range(8), range(8))),
    "a bent chain": [(k, 0) for k in range(12)] + [(11, k) for k in range(1, 12)],
    "a crowd": joined(0, 60, 8),
    "a tangle": joined(1, 80, 3),
}


@pytest.mark.parametrize("name", CLOUDS)
def test_neighbours_are_near(name):
    distance = distances(CLOUDS[name])
    reach = np.random.default_rng(0).uniform(1, 12, len(distance))
    positions = layout(distance, reach)
    apart = np.linalg.norm(positions[:, None] - positions, axis=2)
    assert apart[distance == 1].mean() < 0.8 * apart[distance > 1].mean()
    assert (apart >= reach[:, None] + reach - 0.1)[distance > 0].all()


def test_a_chain_stays_a_chain_and_a_grid_a_grid():
    positions = layout(distances(CLOUDS["a chain"]), np.full(30, 3.0))
    steps = np.diff(positions[:, 0])
    assert (steps > 0).all() or (steps < 0).all()
    distance = distances(CLOUDS["a grid"])
    positions = layout(distance, np.full(64, 3.0))
    apart = np.linalg.norm(positions[:, None] - positions, axis=2)
    assert np.corrcoef(apart.ravel(), distance.ravel())[0, 1] > 0.95


@pytest.mark.slow
@given(st.integers(0, 1000), st.integers(2, 40), st.integers(1, 12), st.floats(1, 40))
def test_discs_never_overlap_and_begin_at_the_corner(seed, count, dims, largest):
    distance = distances(joined(seed, count, dims))
    reach = np.random.default_rng(seed).uniform(1, largest, count)
    positions = layout(distance, reach)
    np.testing.assert_array_equal(positions, layout(distance, reach))
    apart = np.linalg.norm(positions[:, None] - positions, axis=2)
    assert (apart >= reach[:, None] + reach - 0.1)[~np.eye(count, dtype=bool)].all()
    np.testing.assert_allclose((positions - reach[:, None]).min(axis=0), 0, atol=0.02)


def test_cells_that_are_all_adjacent_fill_a_plane():
    positions = layout(1 - np.eye(50, dtype=int), np.full(50, 4.0))
    wide, high = np.ptp(positions, axis=0)
    assert 0.5 < wide / high < 2


@given(st.lists(st.tuples(st.floats(1, 300), st.floats(1, 200)), max_size=30))
def test_boxes_stand_apart_in_reading_order(sizes):
    corners, height = pack_in_rows(sizes, 250, 16.0)
    assert len(corners) == len(sizes)
    boxes = [(x, y, x + w, y + h) for (x, y), (w, h) in zip(corners, sizes, strict=True)]
    for a, b in itertools.combinations(boxes, 2):
        assert max(b[0] - a[2], a[0] - b[2], b[1] - a[3], a[1] - b[3]) >= 16 - 1e-6
    for a, b in itertools.pairwise(boxes):  # right of it, or in a row below
        assert b[0] > a[0] or b[1] > a[1]
    assert all(right <= 250 or left == 0 for left, _, right, _ in boxes)
    assert height == pytest.approx(max((bottom for *_, bottom in boxes), default=0))
