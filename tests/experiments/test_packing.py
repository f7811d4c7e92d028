"""Boxes on a page."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.packing import GAP, packed


@given(st.lists(st.tuples(st.floats(1, 300), st.floats(1, 200)), max_size=30))
def test_boxes_stand_apart_in_reading_order(sizes):
    corners, height = packed(sizes, 250)
    assert len(corners) == len(sizes)
    boxes = [(x, y, x + w, y + h) for (x, y), (w, h) in zip(corners, sizes, strict=True)]
    for a, b in itertools.combinations(boxes, 2):
        gap = max(b[0] - a[2], a[0] - b[2], b[1] - a[3], a[1] - b[3])
        assert gap >= GAP - 1e-6
    for a, b in itertools.pairwise(boxes):  # below it, right of it, or on a shelf below
        assert b[1] > a[1] or b[0] > a[0]
    assert all(right <= 250 or left == 0 for left, _, right, _ in boxes)
    assert height == pytest.approx(max((bottom for *_, bottom in boxes), default=0))


def test_boxes_of_falling_size_fill_columns():
    corners, height = packed([(100, 100), (50, 40), (50, 40), (50, 40)], 500)
    column, next_column = 100 + GAP, 150 + 2 * GAP
    expected = [(0, 0), (column, 0), (column, 40 + GAP), (next_column, 0)]
    np.testing.assert_allclose(corners, expected)
    assert height == 100
