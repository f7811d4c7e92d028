"""The cloud at one step, of which only rows that can still differ are carried.

row  the state of one token or more, which share whatever is found of it
"""

from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np


class RowsOfTokens(Protocol):
    """The codes of a cloud by its rows."""

    @property
    def row(self) -> np.ndarray:
        """The row of each token, int64 (tokens,)."""


Rows = TypeVar("Rows", bound=RowsOfTokens)


@dataclass(frozen=True)
class CarriedObservation(Generic[Rows]):
    """The cloud at one step, as an engine finds it that carries rows."""

    rows: Rows
    """the codes in the view format, which are counted"""
    state_rows: Rows
    """the codes in the state format, from which the next step starts"""
    present: np.ndarray
    """bool (tokens,): true for the tokens that are observed"""
    stalled: int
    """coordinates that the last step left where they were"""
    limbs: np.ndarray
    """int64 (LIMBS, dims), the exact sum over present tokens: kernels.exact_sum"""
    moved: bool
    """true where any token may be elsewhere than at the observation before"""
    cells: np.ndarray
    """int64 (rows,): the first row that shares a cell with each"""
    kept: int | None = None
    """coordinates that the last step left where they were, displaced or not; None where only what
    is displaced can move"""

    def representatives(self, tokens: np.ndarray) -> np.ndarray:
        """Return the representatives of `tokens`, int64, as sim.counting.coalesce does."""
        cell = self.cells[self.rows.row[tokens]]
        first = np.empty(len(self.cells), np.int64)
        first[cell[::-1]] = tokens[::-1]  # of several tokens of a cell the first is written last
        return first[cell]
