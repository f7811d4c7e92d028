"""The counts of many clouds at once, from tokens that stand cell by cell.

segment  the tokens of one cloud at one record; several of them are as many rows of an array
"""

from typing import NamedTuple

import numpy as np


class Segments(NamedTuple):
    """Some segments of equally many tokens, one or more."""

    new: np.ndarray
    """bool (segments, tokens): whether a cell begins with the token; so does the first one"""
    present: np.ndarray | None
    """bool (segments, tokens): whether the token is counted; None where all are"""


def cell_counts(every: list[Segments]) -> dict[str, np.ndarray]:
    """Return the counts of the cells of each segment, int64 (segments,), by their JSON names."""
    if not every:
        names = ("distinct", "black_holes", "black_hole_tokens", "singletons", "largest", "pairs")
        return {name: np.zeros(0, np.int64) for name in names}
    sizes = np.concatenate([np.full(len(each.new), each.new.shape[1]) for each in every])
    new = np.concatenate([each.new.ravel() for each in every])
    begin = np.cumsum(sizes) - sizes
    starts = np.flatnonzero(new)
    if every[0].present is None:
        occupancy = np.diff(starts, append=len(new))
    else:
        present = np.concatenate(
            [each.present.ravel() for each in every if each.present is not None]
        )
        occupancy = np.add.reduceat(present, starts, dtype=np.int64)
    firsts = np.searchsorted(starts, begin)
    hole = occupancy > 1

    def total(numbers: np.ndarray) -> np.ndarray:
        return np.add.reduceat(numbers, firsts, dtype=np.int64)

    holes, singles = total(hole), total(occupancy == 1)
    return {
        "distinct": holes + singles,
        "black_holes": holes,
        "black_hole_tokens": total(occupancy * hole),
        "singletons": singles,
        "largest": np.maximum.reduceat(occupancy, firsts),
        "pairs": total(occupancy * (occupancy - 1) // 2),
    }
