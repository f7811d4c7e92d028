"""The result of a sweep, or of a predicted grid: its store, and what Python users ask of one."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from drift.sim.results.page import ShownAsTable
from drift.sim.sweeps.grid import Grid
from drift.sim.sweeps.store import SweepStore


@dataclass(frozen=True, eq=False, repr=False)
class Swept(ShownAsTable):
    """A grid of drifts that was swept, or predicted, into a store."""

    store: SweepStore
    """the store"""
    seconds: dict[str, float]
    """where the time of this call went: total, and of a sweep compile and compute"""
    was_complete: bool = False
    """True where the store was complete before, so that nothing was counted"""

    @property
    def grid(self) -> Grid:
        """The grid that was swept."""
        return self.store.grid

    @property
    def cells(self) -> int:
        """The number of grid points."""
        return len(self.store.grid)

    @property
    def done(self) -> int:
        """The number of grid points that are done."""
        return int(np.count_nonzero(self.store.done))

    @property
    def failed(self) -> dict[int, str]:
        """The reason of each grid point that failed, by its number."""
        return self.store.failed

    def read(self, name: str) -> np.ndarray:
        """Return a count of all grid points and records, (axes …, progress), as the store does."""
        return self.store.read(name)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Swept):
            return NotImplemented
        return self is other or self.store.same_counts(other.store)

    def __hash__(self) -> int:
        return hash((type(self), str(self.grid)))

    def as_json(self) -> dict[str, Any]:
        """Return what `drift sweep --json` prints."""
        return {
            "store": str(self.store.address),
            "cells": self.cells,
            "done": self.done,
            "failed": len(self.failed),
            "seconds": self.seconds,
        }

    def to_xarray(self) -> Any:
        """Return the store as a dataset, read where it is used.

        Raises BadInput where xarray is not installed.
        """
        return self.store.to_xarray()

    def to_pandas(self) -> Any:
        """Return a DataFrame, a row for each record of each grid point that is done.

        Raises BadInput where pandas is not installed.
        """
        return self.store.to_pandas()

    def title(self) -> str:
        """Return the grid, and how much of it is done."""
        failed = len(self.failed)
        return f"{self.grid}, {self.done:,} of {self.cells:,} grid points done" + (
            f", {failed:,} failed" if failed else ""
        )

    def head(self) -> list[str]:
        """Return the axes, and the counts that the table shows."""
        return self.store.head()

    def body(self) -> list[list[Any]]:
        """Return the last record of each grid point that is done, few of many."""
        return self.store.body()

    def lines(self) -> dict[str, list[float | None]]:
        """Return the distinct cells at the end, point by point."""
        return self.store.lines()

    def last_line(self) -> str:
        """Return the place of the store."""
        return f"store: {self.store.address}"
