"""The black holes of a checkpoint's matrices, and degenerate rows, which tools produce.

black hole      two or more finite rows in one cell: bit-identical, with -0 equal to +0
zero row        a row of zeros
mean row        a row made as the mean of all other finite rows but zero rows, which are padding.
                In every dimension that mean is not beyond the lattice values next to the row's
                own, but for what summing in float32 may add, and for noise: the common library
                draws new rows around the mean with 1e-9 of the covariance of the others
non-finite row  a row with an infinity or a NaN, which is in no cell

Zero, mean and non-finite rows are degenerate; zero and mean rows may be in black holes. Few rows
are still candidates after their first dimensions, so few are read completely.
"""

import math
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from drift.kernels.formats import Format
from drift.sim.checkpoints.checkpoint import Checkpoint
from drift.sim.counting.cells import Cells
from drift.sim.devices.host_memory import check_memory
from drift.sim.matrix import Matrix
from drift.sim.results.equality import ComparedByFields

_FIRST_LOOKS = (8, 64)
"""Dimensions after which rows that are out are dropped."""
_BLOCK_BYTES = 1 << 22
_PER_ROW = 200
"""Bytes of memory for each row, measured where all rows are in pairs."""
_NOISE = 1e-9
"""Covariance of rows that a library draws around the mean, over that of the others."""
_TELLING = 8
"""Dimensions from which no row of another kind is within that noise of the mean by chance."""


def zero_rows(matrix: Matrix) -> np.ndarray:
    """Return the zero rows, int64, rising."""
    magnitude = matrix.codes.dtype.type(matrix.format.sign - 1)
    rows = np.arange(len(matrix.codes))
    for columns in _looks(matrix):
        rows = _kept(matrix, rows, columns, lambda codes: (codes & magnitude) == 0)
    return rows


def mean_rows(matrix: Matrix, rows: np.ndarray) -> np.ndarray:
    """Return the mean rows among `rows`, int64, rising; none where there is only one.

    `rows` are finite, and not zero. The mean of the others is (S - x) / (n - 1), with S summed
    in float64 in an order that only the matrix's shape decides.
    """
    count, dims = len(rows), matrix.codes.shape[1]
    noise = 6 * math.sqrt(_NOISE) if dims >= _TELLING else 0.0
    rows_left = rows if count > 1 else rows[:0]
    for columns in _looks(matrix):
        if not len(rows_left):
            break
        total, squares = _sums(matrix, rows, columns)
        spread = np.sqrt(np.maximum(squares / count - (total / count) ** 2, 0))
        # A float32 sum of n values strays like a random walk: about 2**-24 max |s_k| / sqrt(n)
        # of the mean, s_k being its partial sums, which end at S and stray from it by sigma.
        summing = 2.0**-24 * (4 * np.abs(total) / math.sqrt(count) + 16 * spread)
        slack = summing + noise * spread

        def near(
            codes: np.ndarray, total: np.ndarray = total, slack: np.ndarray = slack
        ) -> np.ndarray:
            coordinate = matrix.format.coordinate(codes)
            rest = total - matrix.format.value(codes)
            below = (_value_at(matrix.format, coordinate - 1) - slack) * (count - 1)
            above = (_value_at(matrix.format, coordinate + 1) + slack) * (count - 1)
            return (below <= rest) & (rest <= above)

        rows_left = _kept(matrix, rows_left, columns, near)
    return rows_left


def _value_at(target: Format, coordinate: np.ndarray) -> np.ndarray:
    """Return float64 values at lattice coordinates, infinite beyond the largest."""
    inside = np.abs(coordinate) <= target.largest_magnitude
    values = target.value(target.code_at(np.where(inside, coordinate, 0)))
    return np.where(inside, values, np.copysign(np.inf, coordinate))


def _looks(matrix: Matrix) -> list[slice]:
    """Return slices of dimensions that are tested one after another."""
    dims = matrix.codes.shape[1]
    edges = [0, *(edge for edge in _FIRST_LOOKS if edge < dims), dims]
    return [slice(a, b) for a, b in pairwise(edges)]


def _kept(
    matrix: Matrix,
    rows: np.ndarray,
    columns: slice,
    test: Callable[[np.ndarray], np.ndarray],
) -> np.ndarray:
    """Return those of `rows` whose codes in `columns` all pass the test."""
    width = matrix.codes[:0, columns].shape[1]
    # A test makes a few float64 arrays of the size of its argument.
    many = max(1, _BLOCK_BYTES // (8 * width))
    parts = [rows[start : start + many] for start in range(0, len(rows), many)]
    kept = [part[test(_taken(matrix, part, columns)).all(axis=1)] for part in parts]
    return np.concatenate(kept) if kept else rows


def _taken(matrix: Matrix, rows: np.ndarray, columns: slice) -> np.ndarray:
    """Return codes of rising rows in some columns; a view where the rows are consecutive."""
    if rows[-1] - rows[0] == len(rows) - 1:
        return matrix.codes[rows[0] : rows[-1] + 1, columns]
    return matrix.codes[rows, columns]


def _sums(matrix: Matrix, rows: np.ndarray, columns: slice) -> np.ndarray:
    """Return the sums of values and of squares over `rows`, which are finite, float64 (2, …)."""
    values = _decoder(matrix.format)

    def one(block: slice) -> np.ndarray:
        first, last = np.searchsorted(rows, (block.start, block.stop))
        if first == last:
            return np.zeros((2, matrix.codes[:0, columns].shape[1]))
        found = values(_taken(matrix, rows[first:last], columns)).astype(np.float64)
        return np.stack([found.sum(axis=0), np.einsum("ij,ij->j", found, found)])

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return np.sum(list(pool.map(one, matrix.blocks())), axis=0)


def _decoder(target: Format) -> Callable[[np.ndarray], np.ndarray]:
    """Return a fast function from finite codes to values."""
    if target.width == 32:
        return lambda codes: codes.view(np.float32)
    return target.value(np.arange(2**target.width)).take


@dataclass(frozen=True, eq=False, repr=False)
class Scan(ComparedByFields):
    """The scan of one matrix, whose rows are token ids."""

    name: str
    """name of the tensor"""
    dtype: str
    """its type as safetensors names it"""
    shape: tuple[int, int]
    """number of rows and of dimensions"""
    distinct: int
    """number of occupied cells"""
    black_holes: list[np.ndarray]
    """rows of each black hole, int64, rising; the largest first, then by first row"""
    zero: np.ndarray
    """zero rows, int64, rising"""
    mean: np.ndarray
    """mean rows, int64, rising"""
    nonfinite: np.ndarray
    """non-finite rows, int64, rising"""

    def __repr__(self) -> str:
        holes = f"{len(self.black_holes):,} black holes"
        return f"<Scan: {self.name}, {self.shape[0]:,} rows, {self.distinct:,} distinct, {holes}>"

    @property
    def populations(self) -> list[int]:
        """Number of rows in each black hole, falling."""
        return [len(rows) for rows in self.black_holes]

    def as_json(self) -> dict[str, Any]:
        """Return the JSON of `drift scan` for this matrix."""
        return {
            "name": self.name,
            "shape": list(self.shape),
            "dtype": self.dtype,
            "distinct": self.distinct,
            "black_holes": len(self.black_holes),
            "black_hole_tokens": sum(self.populations),
            "populations": self.populations,
            "zero_rows": len(self.zero),
            "mean_rows": len(self.mean),
            "nonfinite_rows": len(self.nonfinite),
        }


def scan(checkpoint: Checkpoint, name: str | None = None) -> list[Scan]:
    """Scan one tensor, or all matrices that have a row for each token, those alike once.

    Raises BadInput where one of them cannot be read as a matrix (sim.checkpoints.weights).
    """
    if name is not None:
        return [_scanned(checkpoint, name)]
    names = checkpoint.matrices or [checkpoint.default()]  # which raises where there is none
    found: list[Scan] = []
    for each in names:
        alike = (one for one in found if checkpoint.identical(one.name, each))
        twin = next(alike, None)
        found.append(replace(twin, name=each) if twin else _scanned(checkpoint, each))
    return found


def _scanned(checkpoint: Checkpoint, name: str) -> Scan:
    matrix = checkpoint.matrix(name)
    dtype = checkpoint.weights.tensor(name).dtype
    if matrix.note and matrix.note not in checkpoint.notes:
        checkpoint.notes.append(matrix.note)
    check_memory(_PER_ROW * matrix.codes.shape[0], matrix.label)
    is_finite = matrix.finite()
    finite = np.flatnonzero(is_finite)
    zero = zero_rows(matrix)
    cells = Cells.in_matrix(finite, matrix)
    return Scan(
        name=name,
        dtype=dtype,
        shape=(matrix.codes.shape[0], matrix.codes.shape[1]),
        distinct=len(cells),
        black_holes=[cells.of(hole) for hole in cells.holes],
        zero=zero,
        mean=mean_rows(matrix, np.setdiff1d(finite, zero, assume_unique=True)),
        nonfinite=np.flatnonzero(~is_finite),
    )
