"""The partition of tokens into cells at several times, with as few comparisons as possible.

Where equal tokens move alike for ever (one deterministic function for all), those that share a
cell go on sharing one: the partition is monotone. So a count asks about the representatives of
the cells found so far alone, and pairs that share a cell are never compared again. And where two
records find as many cells, all records between them find the same ones; where they do not, only
tokens that the later one finds together have to be told apart in between.

representative  the token that stands for all tokens of its cell: sim.counting.coalesce
record          one of several steps, in turn, at which tokens can be compared
"""

from collections.abc import Callable

import numpy as np

from drift.sim.counting.cells import CellCounts


class Partition:
    """The cells of a cloud's tokens, record by record.

    `monotone` is true where tokens that share a cell go on sharing one.
    """

    def __init__(self, tokens: int, monotone: bool):
        self._representatives = np.arange(tokens)
        self._monotone = monotone

    def cells(
        self, present: np.ndarray, representatives: Callable[[np.ndarray], np.ndarray], moved: bool
    ) -> CellCounts:
        """Count the cells of the tokens that are `present`, bool (tokens,).

        `representatives` gives those of the tokens it is asked about, as sim.counting.coalesce
        does. Tokens may leave from one call to the next but not come back. `moved`
        is false where all are where they were at the call before.
        """
        before = self._representatives
        if self._monotone and not moved:
            return CellCounts.of_representatives(before[present])
        asked = np.zeros(len(before), bool)
        asked[before[present]] = True
        among = np.flatnonzero(asked)
        into = np.arange(len(before))
        into[among] = representatives(among)
        after = into[before]
        if self._monotone:
            self._representatives = after
        return CellCounts.of_representatives(after[present])


Representatives = Callable[[int, np.ndarray], np.ndarray]
"""Gives the representatives, int64 (n,), of tokens, int64 (n,), rising, at a record."""


def bisected_partitions(
    tokens: int, records: int, representatives: Representatives
) -> list[np.ndarray]:
    """Return the representative of each token at every record, int64 (tokens,) each.

    A partition that stays the same from one record to the next is the same array.
    """
    found = [representatives(0, np.arange(tokens))] * records
    if records > 1:
        found[1] = _later(found[0], representatives, 1)  # most of it happens at the first step
        found[-1] = _later(found[1], representatives, records - 1) if records > 2 else found[1]
        _fill(found, 1, records - 1, representatives)
    return found


def _later(before: np.ndarray, representatives: Representatives, record: int) -> np.ndarray:
    """Return the partition at a record, given one before it."""
    among = np.flatnonzero(before == np.arange(len(before)))
    return _merged(before, among, representatives(record, among))


def _fill(found: list[np.ndarray], first: int, last: int, representatives: Representatives) -> None:
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
    # Representatives that end up in no cell with another have not met one in between either.
    open_ = among[np.bincount(into)[into] > 1]
    found[middle] = _merged(before, open_, representatives(middle, open_))
    _fill(found, first, middle, representatives)
    _fill(found, middle, last, representatives)


def _merged(before: np.ndarray, among: np.ndarray, representatives: np.ndarray) -> np.ndarray:
    """Return the partition `before` after its representatives `among` got `representatives`."""
    if np.array_equal(representatives, among):
        return before
    into = np.arange(len(before))
    into[among] = representatives
    return into[before]
