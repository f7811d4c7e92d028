"""The tokens around one token: all their coordinates have about the size of its coordinates.

exponent field  the exponent bits of a code: 0 for zeros and subnormals
near            the token around which others are selected: a token id, or "largest", the token
                of smallest id in the largest black hole
exponents       the largest distance of an exponent field from that of `near`, in any dimension

Rows that are not finite are in no cell, and are never selected.
"""

import itertools

import numpy as np

from drift.sim.counting.cells import CellCounts
from drift.sim.counting.coalesce import representatives
from drift.sim.errors import BadInput
from drift.sim.matrix import Matrix

_STAGES = (0, 32, 256)
"""Dimensions after which rows that are out are dropped, so that few are read completely."""
_BLOCK_BYTES = 1 << 22


def select(matrix: Matrix, near: str | int, exponents: int) -> Matrix:
    """Return the selected tokens of `matrix`, copied unless all are selected.

    Raises BadInput as `selected` does.
    """
    return matrix.select_rows(selected(matrix, near, exponents))


def selected(matrix: Matrix, near: str | int, exponents: int) -> np.ndarray:
    """Return the selected rows of `matrix`, int64, rising; the row of `near` is one of them.

    Raises BadInput for an empty matrix, for negative `exponents`, for a `near` that
    is not there or not finite, and for "largest" where no two tokens share a cell.
    """
    if exponents < 0:
        raise BadInput(f"exponents is {exponents}; it must be 0 or more")
    if not matrix.codes.size:
        raise BadInput(f"{matrix.label} is empty; nothing can be selected from it")
    row = _largest(matrix) if near == "largest" else _row(matrix, str(near))
    lowest, span = _bounds(matrix, row, exponents)
    magnitude = matrix.codes.dtype.type(matrix.format.sign - 1)
    rows = np.arange(len(matrix.codes))
    edges = sorted({min(edge, len(lowest)) for edge in (*_STAGES, len(lowest))})
    for first, last in itertools.pairwise(edges):
        inside = np.empty(len(rows), bool)
        block = max(1, _BLOCK_BYTES // (matrix.codes.itemsize * (last - first)))
        for start in range(0, len(rows), block):
            part = slice(start, start + block)
            above = (matrix.codes[rows[part], first:last] & magnitude) - lowest[first:last]
            inside[part] = np.all(
                above <= span[first:last], axis=1
            )  # magnitudes below the lowest wrap around
        rows = rows[inside]
    return rows


def _bounds(matrix: Matrix, row: int, exponents: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the lowest selected magnitude in each dimension, and how many follow it."""
    target, kind = matrix.format, matrix.codes.dtype.type
    fraction = target.precision - 1
    fields = (matrix.codes[row].astype(np.int64) & (target.sign - 1)) >> fraction
    most = (target.sign - 1) >> fraction
    lowest = np.maximum(fields - min(exponents, most), 0) << fraction
    highest = ((fields + min(exponents, most) + 1) << fraction) - 1
    highest = np.minimum(highest, target.largest_magnitude)
    return lowest.astype(kind), (highest - lowest).astype(kind)


def _largest(matrix: Matrix) -> int:
    """Return the first row of the largest black hole."""
    rows = np.arange(len(matrix.codes))
    cells = CellCounts.of_representatives(representatives(rows, matrix.codes, matrix.format))
    falling = np.argsort(-cells.occupancy, kind="stable")
    for row in cells.representative[falling[: np.count_nonzero(cells.occupancy > 1)]]:
        if _finite(matrix, row):
            return int(row)
    raise BadInput(
        f"near is largest, but no two tokens of {matrix.label} share a cell; name a token id"
    )


def _row(matrix: Matrix, near: str) -> int:
    """Return the row of a token id."""
    if not (near.isascii() and near.isdecimal()):
        raise BadInput(f"near is {near!r}; it must be largest or a token id")
    ids = matrix.token_ids
    token = int(near) if len(near) < 19 else int(ids[-1]) + 1
    row = int(np.searchsorted(ids, min(token, int(ids[-1]))))
    if ids[row] != token:
        raise BadInput(
            f"near is {near}; {matrix.label} has no such token; its ids are {ids[0]} ... {ids[-1]}"
        )
    if not _finite(matrix, row):
        raise BadInput(f"near is {near}; that row of {matrix.label} is not finite")
    return row


def _finite(matrix: Matrix, row: int) -> bool:
    magnitudes = matrix.codes[row] & matrix.codes.dtype.type(matrix.format.sign - 1)
    return int(magnitudes.max()) <= matrix.format.largest_magnitude
