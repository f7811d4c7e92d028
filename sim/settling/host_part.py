"""The part of a cloud that is carried on the host: rows of states, in dimensions that are open.

row      the state of one token or more, in the open dimensions
settled  a dimension in which all tokens hold one state; the others are open
"""

from dataclasses import dataclass

import numpy as np

from drift.kernels import row_hash
from drift.kernels.formats import Compensated, Format
from drift.sim.counting.coalesce import representatives

_ELEMENTS = 1 << 17
"""Values compared at a time: they stay in a core's second-level cache."""
_LOOKED_AT = 16
"""Rows that are compared before all are."""
WORTHWHILE = 0.9
"""The share of what is carried that may be left for cutting it down to be worth it."""


@dataclass(frozen=True)
class Carried:
    """The part of a cloud that is carried, at one step; given away it never changes."""

    codes: np.ndarray
    """(rows, open dims), in the storage type"""
    row: np.ndarray
    """int64 (tokens,): the row of each token"""
    open: np.ndarray
    """int64 (open dims,), rising"""
    settled: np.ndarray
    """int64 (settled dims,), in no order"""
    values: np.ndarray
    """(settled dims,), in the storage type: the code that all tokens have there"""

    def cells(self, target: Format) -> np.ndarray:
        """Return the first row that shares a cell with each row, int64 (rows,)."""
        if not self.codes.shape[1]:
            return np.zeros(len(self.codes), np.int64)
        return representatives(np.arange(len(self.codes)), self.codes, target)

    def cut_down(self, cells: np.ndarray) -> "Carried":
        """Return the part that has to be carried on, given the `cells` of the rows.

        Only rows that share a cell can hold one state.
        """
        codes, (rows, dims) = self.codes, self.codes.shape
        alike = _agreeing(codes)
        kept = np.delete(np.arange(dims), alike)
        others = np.flatnonzero(cells != np.arange(rows))
        others = others[row_hash.equal_bits(codes, others, cells[others])]
        staying = np.delete(np.arange(rows), others)
        if len(kept) * len(staying) > WORTHWHILE * rows * dims:
            return self
        left = codes if len(staying) == rows else codes[staying]
        into = np.empty(rows, np.int64)
        into[staying] = np.arange(len(staying))
        into[others] = into[cells[others]]
        return Carried(
            left.take(kept, axis=1, mode="clip"),  # no index is out of bounds: the fastest mode
            into[self.row],
            self.open[kept],
            np.concatenate([self.settled, self.open[alike]]),
            np.concatenate([self.values, codes[0, alike]]),
        )


def _agreeing(codes: np.ndarray) -> np.ndarray:
    """Return the columns of `codes` (rows, dims) in which all rows agree, int64."""
    rows, dims = codes.shape
    # Few dimensions agree in some rows and not in all.
    some = codes[np.linspace(0, rows - 1, _LOOKED_AT).astype(int)]
    alike = np.flatnonzero((some == some[0]).all(axis=0))
    size = max(1, _ELEMENTS // max(1, dims))
    for start in range(0, rows if len(alike) else 0, size):
        part = codes[start : start + size]
        # To pick columns out takes longer than to compare them, where they are not few.
        if 4 * len(alike) < dims:
            agree = (part.take(alike, axis=1) == codes[0, alike]).all(axis=0)
        else:
            agree = (part == codes[0]).all(axis=0)[alike]
        alike = alike[agree]
    return alike


@dataclass(frozen=True)
class CarriedRows:
    """The codes of all tokens, put together where they are asked for."""

    carried: Carried
    """its codes are those of `format`"""
    format: Format | Compensated
    """the format of the codes"""

    @property
    def row(self) -> np.ndarray:
        """The row of each token, int64 (tokens,)."""
        return self.carried.row

    @property
    def shape(self) -> tuple[int, int]:
        """The shape of the cloud: (tokens, dims)."""
        return len(self.carried.row), len(self.carried.open) + len(self.carried.settled)

    def span(self, start: int, stop: int) -> np.ndarray:
        """Return codes of tokens start ... stop - 1 as they are, (stop - start, dims)."""
        carried, dims = self.carried, self.shape[1]
        # Where there are as many rows as tokens, they stand in their order: nothing is copied.
        whole = len(carried.codes) == len(carried.row)
        rows = carried.codes[start:stop] if whole else carried.codes[carried.row[start:stop]]
        if not len(carried.settled):
            return rows
        # All tokens' values once, and then as whole rows: to place each takes ten times as long.
        settled = np.zeros(dims, self.format.storage)
        settled[carried.settled] = carried.values
        found = np.empty((len(rows), dims), self.format.storage)
        found[...] = settled
        found[:, carried.open] = rows
        return found
