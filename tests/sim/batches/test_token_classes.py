"""Cells found from classes, against looking at every token at every record."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift.sim.batches import token_classes
from drift.sim.batches.token_classes import TokenClasses, cell_counts
from drift.sim.counting.cells import CellCounts


@st.composite
def clouds(draw):
    """Classes of tokens in each dimension, int (dims, tokens), and their ranks at each record."""
    dims, tokens, records = (draw(st.integers(1, most)) for most in (6, 25, 7))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    sizes = rng.integers(1, 6, dims)
    bounds = np.concatenate([[0], np.cumsum(sizes)])
    classes = (rng.integers(0, 99, (dims, tokens)) % sizes[:, None]) + bounds[:-1, None]
    ranks = np.concatenate([np.sort(rng.choice(99, size, replace=False)) for size in sizes])
    history = [ranks]
    for _ in range(records - 1):  # neighbours meet, and stay together
        history.append(history[-1] // rng.integers(1, 4))
    return bounds, classes, np.stack(history).astype(np.uint16)


@given(clouds(), st.booleans(), st.integers(0, 2**32))
def test_cells_are_those_of_all_tokens(cloud, cut, seed):
    bounds, classes, ranks = cloud
    tokens = classes.shape[1]
    order = np.argsort(classes, axis=1, kind="stable")
    counts = np.bincount(classes.ravel(), minlength=bounds[-1])
    made = TokenClasses(order, counts, bounds, ranks)
    rng = np.random.default_rng(seed)
    leaves = rng.permutation(tokens)
    alive = np.sort(rng.integers(1, tokens + 1, len(ranks)))[::-1]
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        if cut:  # labels of several numbers, few records and dimensions at a time
            patch.setattr(token_classes, "_AT_ONCE", 4)
            patch.setattr(token_classes, "_THIN", 1)
            patch.setattr(token_classes, "_LARGEST", 3)
        for records, among, labels in made.together(tokens):
            here = alive[records]
            present = leaves[among] < here[:, None]
            part = cell_counts(labels, present, here - present.sum(axis=1))
            found |= {
                k: {n: int(c[k - records.start]) for n, c in part.items()}
                for k in range(records.start, records.stop)
            }
    for record, at in enumerate(ranks):
        rows = at[classes[:, leaves < alive[record]]].T
        _, cell = np.unique(rows, axis=0, return_inverse=True)
        assert found[record] == CellCounts.of_representatives(cell.ravel()).counts()
