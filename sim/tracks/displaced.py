"""The displacements that end at one sample, measured by blocks of rows.

A token that is present at a sample and at the one before has a displacement. Only rows that
changed are looked at: the displacement of the others is 0.

motion   the mean displacement, in values
bulk     |motion|^2;  thermal: the mean of |displacement - motion|^2. Each block is measured from
         its own mean, and the blocks are put together as Chan, Golub and LeVeque do (1983), so
         that nothing cancels where all tokens move alike
"""

import math
from dataclasses import dataclass

import numpy as np

from drift.kernels import displacements
from drift.kernels.displacements import Workspace
from drift.kernels.formats import Format

_MOSTLY = 0.9
"""Share of the squares of displacements that is their mean's, from which they are summed anew."""


@dataclass
class Moved:
    """The displacements that end at a sample, in ranks, all (tokens,); 0 for tokens without one."""

    has: np.ndarray
    """bool: the token has a displacement"""
    sums: np.ndarray
    """float64: the sum of the distances in all dims, L1"""
    squares: np.ndarray
    """float64: the sum of their squares, L2 squared"""
    largest: np.ndarray
    """of the storage type: the largest of them, L∞"""


class TokenDisplacements:
    """The displacements from the sample before, of blocks that may come in any order.

    `codes` are those of the sample and of up to two before it, the last first; `last`
    says how far each token moved before, as `squares` here.
    """

    def __init__(
        self,
        codes: list[np.ndarray],
        target: Format,
        blocks: int,
        last: np.ndarray,
    ):
        self._codes, self._last = codes, last
        tokens, dims = codes[0].shape
        floats = np.zeros((2, tokens))
        has, largest = np.zeros(tokens, bool), np.zeros(tokens, target.storage)
        self.moved = Moved(has, floats[0], floats[1], largest)
        """the displacements, in ranks"""
        self.squares = np.zeros(tokens)
        """float64 (tokens,): the squares of the displacements' lengths, in values"""
        self._cosines, self._both = np.zeros(tokens), np.zeros(tokens, bool)
        self._sums, self._spread = np.zeros((blocks, dims)), np.zeros(blocks)
        self._counts, self._values_moved = np.zeros((2, blocks), np.int64)

    def measure(
        self,
        part: slice,
        k: int,
        space: Workspace,
        changed: np.ndarray,
        has: np.ndarray,
        values: np.ndarray | None,
    ) -> None:
        """Measure block `k`, the rows of `part`.

        `changed` and `has` say whose row is another one, and who has a displacement, bool (rows of
        the block,). `values`, where they are known, are the block's, and are written over.
        """
        self.moved.has[part] = has
        self._counts[k] = count = int(np.count_nonzero(has))
        rows = np.flatnonzero(changed & has)
        if not len(rows):
            return
        every = len(rows) == len(has)
        at: slice | np.ndarray = part if every else rows + part.start
        now, before = self._codes[0][at], self._codes[1][at]
        value = values if every and values is not None else space.values(now, space.reals[0])
        old = space.values(before, space.reals[1])
        moved = np.subtract(value, old, out=value)
        self.squares[at] = displacements.sums_of_squares(moved, space.reals[2])
        self._turn(at, moved, old, space)
        self._sums[k] = displacements.column_sums(moved)
        self._spread[k] = self._from_mean(moved, self._sums[k] / count, count, self.squares[at])
        apart = space.distances(now, before)
        self._values_moved[k] = np.count_nonzero(apart)
        self.moved.sums[at], self.moved.squares[at], self.moved.largest[at] = space.norms(apart)

    def _from_mean(
        self, moved: np.ndarray, mean: np.ndarray, count: int, squares: np.ndarray
    ) -> float:
        """Return the sum of squares about the mean of `count` displacements.

        Those in `moved`, which is written over, are not 0; the others are.
        """
        whole, of_mean = float(np.add.reduce(squares)), count * float(np.add.reduce(mean * mean))
        if of_mean < _MOSTLY * whole:
            return whole - of_mean  # of which nothing to speak of cancels
        displacements.less_row(moved, mean)
        np.multiply(moved, moved, out=moved)
        unmoved = (count - len(moved)) * float(np.add.reduce(mean * mean))
        return float(np.add.reduce(moved.reshape(-1))) + unmoved

    def _turn(
        self, at: slice | np.ndarray, moved: np.ndarray, old: np.ndarray, space: Workspace
    ) -> None:
        """Find the cosine between the last displacement and the one before, where both moved."""
        both = (self._last[at] > 0) & (self.squares[at] > 0)
        if len(self._codes) < 3 or not both.any():
            return
        older = space.values(self._codes[2][at], space.reals[2])
        before = np.subtract(old, older, out=older)
        dots = displacements.row_sums(np.multiply(moved, before, out=before))
        lengths = np.sqrt(self.squares[at]) * np.sqrt(self._last[at])
        self._both[at] = both
        self._cosines[at] = np.divide(dots, lengths, out=np.zeros(len(dots)), where=both)

    @property
    def motion(self) -> np.ndarray:
        """The mean displacement, float64 (dims,); NaN where no token has one."""
        count = int(self._counts.sum())
        if not count:
            return np.full(self._sums.shape[1], math.nan)
        return self._sums.sum(axis=0) / count + 0.0  # which leaves no -0

    @property
    def values_moved(self) -> int:
        """The number of values that moved."""
        return int(self._values_moved.sum())

    def numbers(self) -> dict[str, float]:
        """Return the numbers on the displacements, by their names in the JSON."""
        motion, count, both = self.motion, int(self._counts.sum()), int(self._both.sum())
        spread = float(np.add.reduce(self._spread))
        for of, total in zip(self._counts.tolist(), self._sums, strict=True):
            if of and count:
                from_all = total / of - motion
                spread += of * float(np.add.reduce(from_all * from_all))
        bulk = float(np.add.reduce(motion * motion))
        return {
            "moved_tokens": int(np.count_nonzero(self.moved.largest)),
            "moved_values": self.values_moved,
            "centroid_step": math.sqrt(bulk),
            "bulk": bulk,
            "thermal": spread / count if count else math.nan,
            "mover_cosine": float(np.add.reduce(self._cosines)) / both if both else math.nan,
        }
