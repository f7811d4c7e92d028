"""Tokens that merge, looked at seldom, against looking at every one every time."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from drift.sim.counting.partition import bisected_partitions


@st.composite
def histories(draw):
    """The cell of each token at every record: tokens only ever merge."""
    tokens, records = draw(st.integers(1, 12)), draw(st.integers(1, 9))
    cells = [draw(st.lists(st.integers(0, 30), min_size=tokens, max_size=tokens))]
    for _ in range(records - 1):
        into = draw(st.dictionaries(st.integers(0, 30), st.integers(0, 30), max_size=3))
        cells.append([into.get(cell, cell) for cell in cells[-1]])
    return np.array(cells)


@given(histories())
def test_every_look_finds_what_all_tokens_tell(cells):
    asked = []

    def representatives(record, tokens):
        assert np.all(np.diff(tokens) > 0)
        asked.append((record, len(tokens)))
        here = cells[record, tokens]
        return tokens[[int(np.argmax(here == cell)) for cell in here]]

    found = bisected_partitions(cells.shape[1], len(cells), representatives)
    for here, mine in zip(cells, found, strict=True):
        np.testing.assert_array_equal(mine, [int(np.argmax(here == cell)) for cell in here])
    assert len({record for record, _ in asked}) == len(asked), "no record is asked twice"
    counts = [len(set(here)) for here in cells.tolist()]
    if len(counts) > 2 and counts[1] == counts[-1]:
        assert len(asked) <= 3, "nothing happens in between"
