"""The class of each token in each dimension: tokens told apart by their classes.

class   some values of one dimension, kernels.value_map.classes. The classes of all dimensions are
        numbered along one row, those of dimension d from bounds[d] on
number  a number for each class, such as the rank of its value. Tokens whose classes have
        equal numbers in all dimensions are one
"""

from collections.abc import Iterator

import numpy as np

_KEY = 0x636F6C756D6E73
_FEW = 8
"""Classes of a dimension, up to which they are sooner counted one by one."""


class TokenClasses:
    """`columns` (dims, tokens): the class of each token, counted from its dimension's first."""

    def __init__(self, columns: np.ndarray, bounds: np.ndarray):
        self._columns, self._bounds = columns, bounds
        self._weights = np.random.Philox(key=_KEY).random_raw(len(columns)) | np.uint64(1)

    def populations(self, groups: int) -> np.ndarray:
        """Count the tokens in each class, int64 (groups, classes).

        A group is as many tokens as every other, one after another.
        """
        found = np.empty((groups, self._bounds[-1]), np.int64)
        every = np.arange(self._columns.shape[1])
        of = every // (len(every) // groups)
        for dim, size in enumerate(np.diff(self._bounds).tolist()):
            here = slice(*self._bounds[dim : dim + 2])
            if size > _FEW:
                found[:, here] = self._counted(dim, size, of, groups, every)
                continue
            column = self._columns[dim].reshape(groups, -1)
            for k, counts in enumerate(found[:, here].T):
                counts[:] = np.add.reduce((column == k).view(np.uint8), axis=1, dtype=np.uint32)
        return found

    def populations_of(self, tokens: np.ndarray, of: np.ndarray, groups: int) -> np.ndarray:
        """Count `tokens`, int64 (n,), rising, in each class; each is `of` a group, int64 (n,)."""
        sizes = enumerate(np.diff(self._bounds).tolist())
        counts = [self._counted(dim, size, of, groups, tokens) for dim, size in sizes]
        return np.concatenate(counts, axis=1)

    def _counted(
        self, dim: int, size: int, of: np.ndarray, groups: int, tokens: np.ndarray
    ) -> np.ndarray:
        """Count tokens in the classes of one dimension, int64 (groups, size)."""
        counts = np.bincount(of * size + self._of(dim, tokens), minlength=groups * size)
        return counts.reshape(groups, size)

    def fingerprints(self, numbers: np.ndarray, tokens: np.ndarray) -> np.ndarray:
        """Return fingerprints, uint64, of `tokens`, int64 (n,), rising; `numbers` (classes,)."""
        found = np.zeros(len(tokens), np.uint64)
        for dim, here in self._varying(numbers):
            weighted = here.astype(np.uint64) * self._weights[dim]
            found += weighted.take(self._of(dim, tokens), mode="clip")
        return found

    def equal(self, numbers: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Return whether tokens a[i] and b[i] are one, bool; `numbers` (classes,)."""
        same = np.ones(len(a), bool)
        for dim, here in self._varying(numbers):
            column = self._columns[dim]
            theirs = here.take(column.take(a)), here.take(column.take(b))
            same &= theirs[0] == theirs[1]
        return same

    def _varying(self, numbers: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
        """Give the dimensions in which numbers differ, and the numbers of their classes."""
        firsts, lasts = numbers[self._bounds[:-1]], numbers[self._bounds[1:] - 1]
        for dim in np.flatnonzero(firsts != lasts).tolist():  # numbers rise
            yield dim, numbers[slice(*self._bounds[dim : dim + 2])]

    def _of(self, dim: int, tokens: np.ndarray) -> np.ndarray:
        """Return the classes of `tokens`, which rise."""
        column = self._columns[dim]
        return column if len(tokens) == len(column) else column.take(tokens)
