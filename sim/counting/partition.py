"""The partition of tokens into cells at several times, with as few comparisons as possible.

Where equal tokens move alike for ever (one deterministic function for all), those that share a
cell go on sharing one. So a count asks about the leaders of the cells found so far alone, and
pairs once settled are never compared again. And where two records find as many cells, all records
between them find the same ones; where they do not, only tokens that the later one finds
together have to be told apart in between.

leader   the token that stands for all tokens of its cell: sim.counting.coalesce
record   one of several times, in turn, at which tokens can be compared
"""

from collections.abc import Callable

import numpy as np

from drift.sim.counting.cells import Cells


class Partition:
    """Which tokens share a cell; `lasting` where they go on doing so."""

    def __init__(self, tokens: int, lasting: bool):
        self._leaders = np.arange(tokens)
        self._lasting = lasting

    def cells(
        self, present: np.ndarray, leaders: Callable[[np.ndarray], np.ndarray], moved: bool
    ) -> Cells:
        """The cells of the tokens that are `present`, bool (tokens,).

        `leaders` gives those of the tokens it is asked about, as sim.counting.coalesce
        does. Tokens may leave from one call to the next but not come back. `moved`
        is false where all are where they were at the call before.
        """
        before = self._leaders
        if self._lasting and not moved:
            return Cells.led_by(before[present])
        asked = np.zeros(len(before), bool)
        asked[before[present]] = True
        among = np.flatnonzero(asked)
        into = np.arange(len(before))
        into[among] = leaders(among)
        after = into[before]
        if self._lasting:
            self._leaders = after
        return Cells.led_by(after[present])


Leaders = Callable[[int, np.ndarray], np.ndarray]
"""Given a record and tokens, int64 (n,), rising: their leaders at that record, int64 (n,)."""


def bisected_partitions(tokens: int, records: int, leaders: Leaders) -> list[np.ndarray]:
    """The leader of each token at every record, int64 (tokens,) each.

    What stays the same from one record to the next is the same array.
    """
    found = [leaders(0, np.arange(tokens))] * records
    if records > 1:
        found[1] = _later(found[0], leaders, 1)  # most of it happens at the first step
        found[-1] = _later(found[1], leaders, records - 1) if records > 2 else found[1]
        _fill(found, 1, records - 1, leaders)
    return found


def _later(before: np.ndarray, leaders: Leaders, record: int) -> np.ndarray:
    """The partition at a record, given one before it."""
    among = np.flatnonzero(before == np.arange(len(before)))
    return _merged(before, among, leaders(record, among))


def _fill(found: list[np.ndarray], first: int, last: int, leaders: Leaders) -> None:
    """Find the partitions between the records `first` and `last`, whose own are found."""
    before, after = found[first], found[last]
    among = np.flatnonzero(before == np.arange(len(before)))
    into = after[among]
    if np.array_equal(into, among):
        found[first + 1 : last + 1] = [before] * (last - first)
        return
    middle = (first + last) // 2
    if middle == first:
        return
    open_ = among[np.bincount(into)[into] > 1]
    found[middle] = _merged(before, open_, leaders(middle, open_))
    _fill(found, first, middle, leaders)
    _fill(found, middle, last, leaders)


def _merged(before: np.ndarray, among: np.ndarray, leaders: np.ndarray) -> np.ndarray:
    """The partition `before` where leaders `among` have found `leaders`."""
    if np.array_equal(leaders, among):
        return before
    into = np.arange(len(before))
    into[among] = leaders
    return into[before]
