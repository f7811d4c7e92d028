"""Tokens that only ever merge, looked at as seldom as possible.

Once two tokens share a cell they do so for good. So where two looks find as many cells,
all looks between them find the same ones; and where they do not, only tokens that the
later one finds together have to be told apart in between.

leader   the token that stands for all tokens of its cell: sim.coalescence
look     one of several times, in turn, at which tokens can be looked at
"""

from collections.abc import Callable

import numpy as np

Leaders = Callable[[int, np.ndarray], np.ndarray]
"""Given a look and tokens, int64 (n,), rising: their leaders at that look, int64 (n,)."""


def partitions(tokens: int, looks: int, leaders: Leaders) -> list[np.ndarray]:
    """The leader of each token at every look, int64 (tokens,) each.

    What stays the same from one look to the next is the same array.
    """
    found = [leaders(0, np.arange(tokens))] * looks
    if looks > 1:
        found[1] = _later(found[0], leaders, 1)  # most of it happens at the first step
        found[-1] = _later(found[1], leaders, looks - 1) if looks > 2 else found[1]
        _fill(found, 1, looks - 1, leaders)
    return found


def _later(before: np.ndarray, leaders: Leaders, look: int) -> np.ndarray:
    """The partition at a look, given one before it."""
    among = np.flatnonzero(before == np.arange(len(before)))
    return _merged(before, among, leaders(look, among))


def _fill(found: list[np.ndarray], first: int, last: int, leaders: Leaders) -> None:
    """Find the partitions between the looks `first` and `last`, whose own are found."""
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
