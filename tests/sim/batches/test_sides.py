"""Cells found from the sides of boundaries, against looking at every token at every record."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drift.sim.batches import sides
from drift.sim.batches.sides import Boundaries, count_cells
from drift.sim.counting.cells import CellCounts


@st.composite
def clouds(draw):
    """Values of tokens at each record, int (records, dims, tokens), of some clouds."""
    records, tokens, count = (draw(st.integers(1, most)) for most in (7, 25, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    made = []
    for _ in range(count):
        dims, values = int(rng.integers(1, 6)), int(rng.integers(1, 40))
        history = [rng.integers(0, values, (dims, tokens))]
        for _ in range(records - 1):  # neighbours meet, and stay together
            history.append(history[-1] // rng.integers(1, 4))
        made.append(np.stack(history))
    return made


def boundaries_of(made):
    """The boundaries between all values of a dimension, and the positions of tokens in it."""
    every, positions = [], []
    for cloud, history in enumerate(made):
        for at in history.swapaxes(0, 1):
            order = np.argsort(at[0], kind="stable")
            where = np.empty(len(order), np.int16)
            where[order] = np.arange(len(order))
            rising = at[:, order]
            for place in np.flatnonzero(rising[0, 1:] != rising[0, :-1]) + 1:
                apart = rising[:, place] != rising[:, place - 1]
                every.append((cloud, len(positions), place, apart))
            positions.append(where)
    numbers = np.array([each[:3] for each in every], np.int64).reshape(-1, 3).T
    apart = np.array([each[3] for each in every], bool).reshape(-1, len(made[0])).T
    return Boundaries(*numbers, apart), np.array(positions)


@settings(max_examples=150)
@given(clouds(), st.booleans(), st.sampled_from(["", "thin", "no hash"]), st.integers(0, 2**32))
def test_cells_are_those_of_all_tokens(made, leave, cut, seed):
    boundaries, positions = boundaries_of(made)
    records, _, tokens = made[0].shape
    rng = np.random.default_rng(seed)
    alive, leaving = np.full(records, tokens), None
    if leave:
        alive = np.sort(rng.integers(1, tokens + 1, records))[::-1]
        leaving = np.array([rng.permutation(tokens) for _ in made])
    with pytest.MonkeyPatch.context() as patch:
        if cut == "thin":  # few boundaries tell at first; little is done at a time
            patch.setattr(sides, "_THIN", 1 / 64)
            patch.setattr(sides, "_SIDES", 1)
            patch.setattr(sides, "_MASKED", 1)
        if cut == "no hash":  # it takes all tokens for one
            patch.setattr(sides, "_MULTIPLIER", 0)
        found = count_cells(boundaries, positions, len(made), alive, leaving)
    for k, history in enumerate(made):
        for record, at in enumerate(history):
            there = np.ones(tokens, bool) if leaving is None else leaving[k] < alive[record]
            _, cell = np.unique(at.T[there], axis=0, return_inverse=True)
            wanted = CellCounts.of_representatives(cell.ravel()).counts()
            assert {name: counts[k, record] for name, counts in found.items()} == wanted


@pytest.mark.parametrize("words", [1, 2, 3])
def test_two_tokens_of_one_hash_are_told_apart(words, monkeypatch):
    # One bit of difference in each word, and a base that keeps the tokens' column bits alone.
    monkeypatch.setattr(sides, "_MULTIPLIER", 1)
    sixty_four, tokens = 64 * words, 4
    place = np.tile([1, 2, 3], sixty_four)[:sixty_four]
    rows = np.zeros(sixty_four, np.int64)
    boundaries = Boundaries(rows, rows, place, np.ones((2, sixty_four), bool))
    found = count_cells(boundaries, np.arange(tokens)[None], 1, np.array([4, 4]), None)
    assert found["distinct"].tolist() == [[4, 4]]
