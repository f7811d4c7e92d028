"""Which class each token is in, dimension by dimension: tokens that are looked at by class.

class   some values of one dimension, kernels.front. The classes of all dimensions are
        numbered along one row, those of dimension d from bounds[d] on
number  what is said of a class, such as the place of its cell. Tokens whose classes have
        equal numbers in all dimensions are one
"""

from collections.abc import Iterator

import numpy as np

_KEY = 0x636F6C756D6E73


class Columns:
    """`columns` (dims, tokens): the class of each token, counted from its dimension's first."""

    def __init__(self, columns: np.ndarray, bounds: np.ndarray):
        self._columns, self._bounds = columns, bounds
        self._weights = np.random.Philox(key=_KEY).random_raw(len(columns)) | np.uint64(1)

    def populations(self, of: np.ndarray, groups: int, tokens: np.ndarray) -> np.ndarray:
        """How many of `tokens`, which are `of` a group each, are in each class.

        `tokens` and `of` int64 (n,); returns int64 (groups, classes).
        """
        found = np.empty((groups, self._bounds[-1]), np.int64)
        for dim, size in enumerate(np.diff(self._bounds)):
            counts = np.bincount(of * size + self._of(dim, tokens), minlength=groups * size)
            found[:, slice(*self._bounds[dim : dim + 2])] = counts.reshape(groups, size)
        return found

    def fingerprints(self, numbers: np.ndarray, tokens: np.ndarray) -> np.ndarray:
        """Of each of `tokens`, int64 (n,), uint64; `numbers` (classes,)."""
        found = np.zeros(len(tokens), np.uint64)
        for dim, here in self._telling(numbers):
            weighted = here.astype(np.uint64) * self._weights[dim]
            found += weighted.take(self._of(dim, tokens), mode="clip")
        return found

    def equal(self, numbers: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Whether tokens a[i] and b[i] are one, bool; `numbers` (classes,)."""
        same = np.ones(len(a), bool)
        for dim, here in self._telling(numbers):
            theirs = here.take(self._of(dim, a)), here.take(self._of(dim, b))
            same &= theirs[0] == theirs[1]
        return same

    def _telling(self, numbers: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
        """The dimensions in which numbers differ, and the numbers of their classes."""
        firsts, lasts = numbers[self._bounds[:-1]], numbers[self._bounds[1:] - 1]
        for dim in np.flatnonzero(firsts != lasts).tolist():  # numbers rise
            yield dim, numbers[slice(*self._bounds[dim : dim + 2])]

    def _of(self, dim: int, tokens: np.ndarray) -> np.ndarray:
        """The classes of `tokens`, which are all there are or some of them."""
        column = self._columns[dim]
        return column if len(tokens) == len(column) else column.take(tokens)
