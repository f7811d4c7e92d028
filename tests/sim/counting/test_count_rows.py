"""Counting the rows of a matrix, and partitions that last from count to count."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift.kernels import row_hash
from drift.kernels.formats import BFLOAT16, FORMATS
from drift.sim.counting import coalesce
from drift.sim.counting.cells import CellCounts, count_rows
from drift.sim.counting.partition import Partition


def assert_counted(codes, target):
    merged = np.where(codes == target.sign, 0, codes).astype(target.storage)
    expected = Counter(row.tobytes() for row in merged)
    cells = count_rows(codes, target)
    found = {
        merged[r].tobytes(): n for r, n in zip(cells.representative, cells.occupancy, strict=True)
    }
    assert found == dict(expected)


@st.composite
def matrices(draw):
    """Clouds of any width: few cells, cells that differ in one column, or unrelated ones."""
    target = FORMATS[draw(st.sampled_from(list(FORMATS)))]
    tokens, dims = draw(st.integers(1, 300)), draw(st.sampled_from([1, 3, 4, 5, 33, 64, 70]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    values = np.array([0, target.sign, 1, target.largest_magnitude])
    kind = draw(st.sampled_from(["few", "one column", "unrelated", "distinct"]))
    if kind == "few":
        codes = rng.choice(values, (tokens, dims), p=[0.97, 0.01, 0.01, 0.01])
    elif kind == "one column":
        codes = np.full((tokens, dims), 1)
        codes[np.arange(tokens), rng.integers(0, dims, tokens)] = rng.choice(values, tokens)
    elif kind == "unrelated":
        cells = rng.choice(values, (20, dims))
        codes = cells[rng.integers(0, 20, tokens)]
        codes[(codes == 0) & (rng.random(codes.shape) < 0.1)] = target.sign
    else:
        codes = rng.integers(0, target.largest_magnitude + 1, (tokens, dims))
    return codes.astype(target.storage), target


@given(matrices())
def test_a_matrix_has_the_cells_of_a_set_of_byte_strings(matrix):
    assert_counted(*matrix)


@pytest.mark.parametrize("thin", [True, False])
@given(matrix=matrices())
def test_fingerprints_that_all_collide_merge_nothing_that_differs(thin, matrix):
    with pytest.MonkeyPatch.context() as patch:
        constant = lambda first, some, *rest: np.zeros(len(some), np.uint64)  # noqa: E731
        patch.setattr(row_hash, "hashes", constant)
        if thin:
            patch.setattr(coalesce, "thin", constant)
        assert_counted(*matrix)


def test_rows_in_several_blocks_and_views_are_counted_alike():
    rng = np.random.default_rng(2)
    cells = rng.integers(0, 0x7F00, (700, 2560)).astype(np.uint16)
    codes = cells[rng.integers(0, 700, 3000)]
    codes[17, 5], codes[17] = 0x8000, np.where(np.arange(2560) == 5, 0x8000, codes[17])
    assert_counted(codes, BFLOAT16)
    wide = np.zeros((3000, 2600), np.uint16)
    wide[:, 7:2567] = codes
    assert_counted(wide[:, 7:2567], BFLOAT16)
    assert_counted(codes[::3], BFLOAT16)


@given(st.lists(st.lists(st.integers(0, 11), min_size=12, max_size=12), min_size=1, max_size=6))
def test_settled_tokens_are_never_asked_about_again(steps):
    partition, cell = Partition(12, monotone=True), np.arange(12)
    for into in steps:
        before, cell = cell, np.array(into)[cell]  # a function of the cell: merging for ever

        def representatives(tokens, before=before, cell=cell):
            assert len(set(before[tokens])) == len(tokens), "two of one cell were asked about"
            _, first, member = np.unique(cell[tokens], return_index=True, return_inverse=True)
            return tokens[first][member]

        cells = partition.cells(np.ones(12, bool), representatives, moved=True)
        assert sorted(cells.occupancy.tolist()) == sorted(Counter(cell.tolist()).values())


def test_tokens_that_left_may_lead_those_that_are_there():
    partition = Partition(4, monotone=True)
    together = lambda tokens: np.full(len(tokens), tokens[0])  # noqa: E731
    assert partition.cells(np.ones(4, bool), together, moved=True).occupancy.tolist() == [4]
    there = np.array([False, True, False, True])
    assert partition.cells(there, together, moved=True).occupancy.tolist() == [2]
    assert partition.cells(there, None, moved=False).occupancy.tolist() == [2]


def test_a_partition_that_does_not_last_starts_anew():
    partition = Partition(3, monotone=False)
    partition.cells(np.ones(3, bool), lambda tokens: np.zeros(3, int), moved=True)
    apart = partition.cells(np.ones(3, bool), lambda tokens: tokens, moved=False)
    assert apart.occupancy.tolist() == [1, 1, 1]
    assert CellCounts.of_representatives(np.array([2, 2, 0])).counts()["pairs"] == 1
