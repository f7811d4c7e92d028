"""Token vectors from wherever they come, as one matrix of codes.

row       a token's vector: its codes in every dimension, as they are stored
token id  the number a row had in the matrix it was taken from
finite    without an infinity or a NaN; rows that are not are in no cell
"""

from dataclasses import dataclass

import numpy as np

from kernels.formats import Format

_BLOCK_BYTES = 1 << 22
"""Looked at together: it stays in cache, and a file is read in order."""


@dataclass(frozen=True)
class Matrix:
    """Codes (rows, dims), which may lie in a file that is read as it is needed."""

    codes: np.ndarray
    """unsigned, of the format's storage type, (rows, dims); never written to"""
    format: Format
    label: str
    """what and where it is, for people: "model.safetensors, lm_head.weight" """
    token_ids: np.ndarray
    """int64 (rows,), rising"""

    @classmethod
    def whole(cls, codes: np.ndarray, target: Format, label: str) -> "Matrix":
        """All rows of a matrix, numbered from 0."""
        return cls(codes, target, label, np.arange(len(codes)))

    def blocks(self) -> list[slice]:
        """Rows that are looked at together, one slice after another."""
        rows = max(1, _BLOCK_BYTES // max(1, self.codes.itemsize * self.codes.shape[1]))
        return [slice(start, start + rows) for start in range(0, len(self.codes), rows)]

    def finite(self) -> np.ndarray:
        """Which rows are finite, bool (rows,)."""
        found = np.empty(len(self.codes), bool)
        for block in self.blocks():
            found[block] = self.format.finite(self.codes[block]).all(axis=1)
        return found

    def taken(self, rows: np.ndarray) -> "Matrix":
        """Some rows, int64, rising, copied into memory; all of them as they are."""
        if len(rows) == len(self.codes):
            return self
        return Matrix(self.codes[rows], self.format, self.label, self.token_ids[rows])
