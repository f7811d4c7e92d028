"""Distances that rows of codes have moved between two clouds, block by block, on the host.

distance  of two values: the absolute difference of their lattice coordinates; 0 between -0 and +0
moved     of a value: its distance is not 0
norms     of a row: the sum of its distances, of their squares, and the largest

Sums of distances and of squares are exact: a distance is below 2**(width + 1), so for formats up
to 16 bits float64 holds the sums of 2**20 dims. Squares of float32's distances do not fit; they
are summed in halves of 16 bits, and rounded when the halves are put together.

Everything is written into arrays of a workspace, one for each thread, since at this size new
memory would cost more than the arithmetic. Sums over tokens run row by row, and sums over dims
pairwise, as NumPy's reductions do on every machine; what a library sums in an order of its own
(einsum, BLAS) is only used where sums are exact.
"""

import numpy as np

from drift.kernels.formats import Format

_HALF = 16
_MANY, _FEW = 16, 8
"""Share of codes, one in so many, and words of a row, up to which each is looked at by itself."""
_FOLD = 8
"""Rows that are added as one long row first: a row of few dims costs more than its additions."""


class Workspace:
    """Arrays for blocks of up to `rows` rows of `dims` codes of a format."""

    def __init__(self, rows: int, dims: int, target: Format):
        self.target = target
        self._kind = kind = target.storage
        self._codes = [np.empty((rows, dims), kind) for _ in range(2)]
        self._single = np.empty((rows, dims), np.uint32)
        self.reals = [np.empty((rows, dims)) for _ in range(4)]
        """float64 (rows, dims) each, for whoever needs them between two calls"""

    def values(self, codes: np.ndarray, out: np.ndarray) -> np.ndarray:
        """Return the values of `codes`, float64, in the first rows of `out`."""
        found = out[: len(codes)]
        if self.target.width == 16 and self.target.precision == 8:
            # A bfloat16 is the upper half of a float32, whose conversion is the fastest there is.
            single = self._single[: len(codes)]
            np.copyto(single, codes)
            np.left_shift(single, _HALF, out=single)
            np.copyto(found, single.view(np.float32))
        else:
            found[...] = codes.view(self.target.dtype)
        return found

    def distances(self, codes: np.ndarray, before: np.ndarray) -> np.ndarray:
        """Return the distances of finite codes, in the storage type, in an array of this space."""
        apart, least = (each[: len(codes)] for each in self._codes)
        differing = np.bitwise_xor(codes, before, out=apart) >= self._kind.type(self.target.sign)
        # Codes of one sign are as far apart as their coordinates; through zero, both sizes count.
        np.minimum(codes, before, out=least)
        np.subtract(np.maximum(codes, before, out=apart), least, out=apart)
        if many := np.count_nonzero(differing):
            size = self._kind.type(self.target.sign - 1)
            if many > codes.size // _MANY or not codes.flags.c_contiguous:
                through = np.add(codes & size, np.bitwise_and(before, size, out=least), out=least)
                np.copyto(apart, through, where=differing)
            else:
                at = np.flatnonzero(differing)
                sizes = (each.reshape(-1)[at] & size for each in (codes, before))
                apart.reshape(-1)[at] = np.add(*sizes)
        return apart

    def norms(self, apart: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return sums of `apart` and of their squares, float64, and the largest, of each row."""
        largest = _by_row(np.maximum, apart)
        most = int(largest.max(initial=0))
        # float32 holds whole numbers up to 2**24, and takes half the time.
        single = most * most * apart.shape[1] <= 1 << 24
        real = (self._single.view(np.float32) if single else self.reals[3])[: len(apart)]
        np.copyto(real, apart, casting="unsafe")
        sums = np.einsum("ij->i", real).astype(np.float64)
        if most < 1 << _HALF:
            return sums, np.einsum("ij,ij->i", real, real).astype(np.float64), largest
        low = (apart & np.uint32((1 << _HALF) - 1)).astype(np.float64)
        high = (apart >> np.uint32(_HALF)).astype(np.float64)
        of_high, of_both, of_low = (
            np.einsum("ij,ij->i", a, b) for a, b in ((high, high), (high, low), (low, low))
        )
        squares = of_high * 2.0 ** (2 * _HALF) + (of_both * 2.0 ** (_HALF + 1) + of_low)
        return sums, squares, largest


def sums_of_squares(values: np.ndarray, scratch: np.ndarray) -> np.ndarray:
    """Return the sum of squares of each row of `values`, float64 (rows,)."""
    return row_sums(np.multiply(values, values, out=scratch[: len(values)]))


def row_sums(values: np.ndarray) -> np.ndarray:
    """Return the sum of each row of `values`, float64 (rows,), pairwise."""
    return _by_row(np.add, values)


def _by_row(reduction: np.ufunc, values: np.ndarray) -> np.ndarray:
    """Return a reduction of each row; as one long row it takes three quarters of the time."""
    rows, dims = values.shape
    if not values.flags.c_contiguous:
        return reduction.reduce(values, axis=1)
    return reduction.reduceat(values.reshape(-1), np.arange(rows) * dims)


def column_sums(values: np.ndarray) -> np.ndarray:
    """Return the sum of each column of float64 `values`, (dims,): an order that shapes decide."""
    rows, dims = values.shape
    folded = rows - rows % _FOLD
    long = np.add.reduce(values[:folded].reshape(-1, _FOLD * dims), axis=0)
    first = np.add.reduce(long.reshape(_FOLD, dims), axis=0)
    return first if folded == rows else first + np.add.reduce(values[folded:], axis=0)


def less_row(values: np.ndarray, row: np.ndarray) -> np.ndarray:
    """Return `values` less a `row`, (dims,), in their place; some rows at once, as column_sums."""
    rows, dims = values.shape
    folded = rows - rows % _FOLD
    long = values[:folded].reshape(-1, _FOLD * dims)
    np.subtract(long, np.tile(row, _FOLD), out=long)
    np.subtract(values[folded:], row, out=values[folded:])
    return values


def differing_rows(codes: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Return whether any bit differs in each row of two arrays of codes, bool (rows,)."""
    if codes.shape[1] * codes.itemsize % 8 == 0 and codes.strides[1] == codes.itemsize:
        codes, before = codes.view(np.uint64), before.view(np.uint64)
    differing = codes != before
    if differing.shape[1] % 8 == 0 and 0 < differing.shape[1] <= 8 * _FEW:
        words = differing.view(np.uint64)  # eight at a time, since a row of few costs a call
        found = words[:, 0]
        for k in range(1, words.shape[1]):
            found = found | words[:, k]
        return found != 0
    return differing.any(axis=1) if differing.any() else np.zeros(len(codes), bool)


def finite_rows(codes: np.ndarray, target: Format) -> np.ndarray:
    """Return whether each row of `codes` holds finite values alone, bool (rows,)."""
    magnitudes = codes & target.storage.type(target.sign - 1)
    if not magnitudes.size or int(magnitudes.max()) <= target.largest_magnitude:
        return np.ones(len(codes), bool)
    return np.maximum.reduce(magnitudes, axis=1) <= target.largest_magnitude
