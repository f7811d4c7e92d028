"""The black holes of a checkpoint's matrices, and the rows that tools made.

black hole  two or more finite rows of one cell: bit for bit alike, -0 and +0 as one
zero row, mean row  sim.made_rows; they may be in black holes
non-finite row      a row with an infinity or a NaN, which is in no cell
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from drift.sim.checkpoint import Checkpoint
from drift.sim.grouped import Grouped
from drift.sim.made_rows import mean_rows, zero_rows


@dataclass(frozen=True)
class Scan:
    """What is in one matrix. Rows are token ids, int64, rising."""

    name: str
    """of the tensor"""
    dtype: str
    """as safetensors name it"""
    shape: tuple[int, int]
    distinct: int
    """occupied cells"""
    black_holes: list[np.ndarray]
    """the rows of each, the largest first, then those of smallest row"""
    zero: np.ndarray
    mean: np.ndarray
    nonfinite: np.ndarray

    @property
    def populations(self) -> list[int]:
        """Rows in each black hole, falling."""
        return [len(rows) for rows in self.black_holes]

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
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
    """Scan one tensor, or the embedding and the unembedding that are there.

    Raises BadInput where one of them cannot be read as a matrix (sim.weights).
    """
    if name is not None:
        return [_scanned(checkpoint, name)]
    checkpoint.default()  # raises where there is neither
    first, second = checkpoint.embedding, checkpoint.unembedding
    if first is None or second is None:
        return [_scanned(checkpoint, first or second or "")]
    found = _scanned(checkpoint, first)
    if checkpoint.tied:
        return [found, replace(found, name=second)]
    return [found, _scanned(checkpoint, second)]


def _scanned(checkpoint: Checkpoint, name: str) -> Scan:
    matrix = checkpoint.matrix(name)
    dtype = checkpoint.weights.tensor(name).dtype
    is_finite = matrix.finite()
    finite = np.flatnonzero(is_finite)
    cells = Grouped.in_matrix(finite, matrix)
    return Scan(
        name=name,
        dtype=dtype,
        shape=(matrix.codes.shape[0], matrix.codes.shape[1]),
        distinct=len(cells),
        black_holes=[cells.of(hole) for hole in cells.holes],
        zero=zero_rows(matrix),
        mean=mean_rows(matrix, finite),
        nonfinite=np.flatnonzero(~is_finite),
    )
