"""Reading the store of a sweep; sim.grid_layout says what it holds.

A cell is done once its data are there. Of one that failed the store keeps why; what
has happened in each session stands in the attribute `sessions`.
"""

from functools import cached_property
from typing import Any

import numpy as np

from drift.sim import grid_layout
from drift.sim.errors import BadInput
from drift.sim.grid import Grid
from drift.sim.grid_layout import NAMES
from drift.sim.locate import locate
from drift.sim.opened import Opened
from drift.sim.places import Given


class SweepStore(Opened):
    """The store of a sweep, opened."""

    kind, verb, wanted = grid_layout.KIND, "sweep", "the store of a sweep"
    layout, last = grid_layout.LAYOUT, grid_layout.LAST

    @cached_property
    def grid(self) -> Grid:
        """The grid that is swept."""
        return grid_layout.grid_of(self.attrs[self.last], self.values)

    @property
    def progress(self) -> np.ndarray:
        """The fractions of a cell's steps at which it is counted, float64 (records + 1,)."""
        return self.grid.progress

    @property
    def done(self) -> np.ndarray:
        """Which cells are done, bool (grid.shape)."""
        return self.values("done", there=self.complete)

    @property
    def failed(self) -> dict[int, str]:
        """Why, for each cell that failed, rising."""
        found = {
            cell: each["reason"] for each in self.attrs.get("failed", ()) for cell in each["cells"]
        }
        return dict(sorted(found.items()))

    def read(self, name: str, cells: Any = ..., record: Any = slice(None)) -> np.ndarray:
        """A count of `cells`, (their shape …, progress), or in one `record`, (their shape …).

        `name` is one of sim.layout.COUNTS; radius is the radius reached. It is -1 or NaN in
        cells that are not done. Raises Damaged where a chunk is damaged, or missing.
        """
        cells = cells if isinstance(cells, tuple) else (cells,)
        done = self.values("done", cells, there=self.complete)  # what is done by then is there
        there = done if isinstance(record, int) else done[..., None]
        return self.values(NAMES[name], (*cells, record), there)


def is_sweep(place: Given) -> bool:
    """Whether the store of a sweep is at `place`, of whatever layout."""
    at = locate(place)
    if not at.holds_group():
        return False
    try:
        return bool(at.group().attrs.get("kind") == grid_layout.KIND)
    except BadInput:
        return False
