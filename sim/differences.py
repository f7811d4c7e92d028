"""How the values of paired rows differ, looked at block by block.

settled  rows of the same bits, all finite: their values need no look, and are 0 apart
apart    the distance of two rows: the largest of their comparable values (sim.histogram)
"""

from dataclasses import dataclass, field

import numpy as np

from drift.kernels import row_hash
from drift.kernels.formats import Format
from drift.sim.histogram import Histogram, distances
from drift.sim.matrix import Matrix

_BLOCK_BYTES = 1 << 20
"""Rows that are looked at together: few enough to stay in cache with their distances."""


@dataclass(frozen=True)
class Differences:
    """What is known of each pair of rows, and of all values."""

    finite_a: np.ndarray
    """bool (pairs,); finite_b likewise"""
    finite_b: np.ndarray
    same: np.ndarray
    """bool (pairs,): of the same bits"""
    alike: np.ndarray
    """int64 (pairs,): how many values are of the same bits"""
    apart: np.ndarray
    """int64 (pairs,); 0 where nothing is comparable"""
    histogram: Histogram = field(default_factory=Histogram)

    @classmethod
    def between(cls, a: Matrix, rows_a: np.ndarray, b: Matrix, rows_b: np.ndarray) -> "Differences":
        """Of rows_a[i] of `a` and rows_b[i] of `b`, for each i; format and dims are equal."""
        flags, numbers = np.zeros((3, len(rows_a)), bool), np.zeros((2, len(rows_a)), np.int64)
        found = cls(*flags, *numbers)

        def look(part: slice) -> None:
            one, other = (
                row_hash.taken(each.codes, rows[part]) for each, rows in ((a, rows_a), (b, rows_b))
            )
            found._look(part, one, other, a.format)

        row_bytes = a.codes.itemsize * a.codes.shape[1]
        row_hash.side_by_side(look, len(rows_a), _BLOCK_BYTES // row_bytes)
        return found

    def _look(self, part: slice, a: np.ndarray, b: np.ndarray, target: Format) -> None:
        self.same[part] = same = np.all(row_hash.words(a) == row_hash.words(b), axis=1)
        self.finite_a[part] = finite = target.finite(a).all(axis=1)
        self.finite_b[part] = finite if same.all() else target.finite(b).all(axis=1)
        self.alike[part] = a.shape[1]
        settled = same & finite
        self.histogram.add_zeros(int(settled.sum()) * a.shape[1])
        rest = np.flatnonzero(~settled)
        if not len(rest):
            return
        a, b = row_hash.taken(a, rest), row_hash.taken(b, rest)
        steps = distances(a, b, target)
        rest += part.start
        self.alike[rest] = (a == b).sum(axis=1)
        if self.finite_a[rest].all() and self.finite_b[rest].all():
            self.histogram.add(steps)
        else:
            comparable = target.finite(a) & target.finite(b)
            self.histogram.add(steps[comparable])
            steps[~comparable] = 0
        self.apart[rest] = steps.max(axis=1)
