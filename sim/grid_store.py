"""Reading the store of a sweep; sim.grid_layout says what it holds.

A cell is done once its data are there. Of one that failed the store keeps why; what
has happened in each session stands in the attribute `sessions`.
"""

from functools import cached_property
from typing import Any

import numpy as np
import zarr

from sim import grid_layout
from sim.errors import BadInput, NotBegun
from sim.grid import Grid
from sim.grid_layout import NAMES
from sim.places import Given, address

_WANTED = "the store of a sweep"


class GridStore:
    """The store at an address; raises BadInput where there is none that can be read."""

    def __init__(self, place: Given, writing: bool = False):
        self.address = at = address(place)
        self._arrays: dict[str, zarr.Array] = {}
        self.group = at.group(writing, _WANTED)
        if self.group.attrs.get("kind") != grid_layout.KIND:
            raise BadInput(f"{at} is not {_WANTED}: drift sweep did not write it")
        if self.attrs.get("layout") != grid_layout.LAYOUT:
            found = self.attrs.get("layout")
            raise BadInput(f"{at} has layout {found}; this version reads {grid_layout.LAYOUT}")
        if grid_layout.LAST not in self.attrs:
            raise NotBegun(f"{at} is the mere beginning of a store; sweep it again")

    @cached_property
    def grid(self) -> Grid:
        """The grid that is swept."""
        return grid_layout.grid_in(self.group)

    @property
    def attrs(self) -> dict[str, Any]:
        """The attributes as a plain dictionary, as they were when the store was opened."""
        return dict(self.group.attrs)

    @property
    def complete(self) -> bool:
        """Whether all cells are done."""
        return bool(self.attrs["complete"])

    @property
    def progress(self) -> np.ndarray:
        """The fractions of a cell's steps at which it is counted, float64 (records + 1,)."""
        return self.grid.progress

    @property
    def done(self) -> np.ndarray:
        """Which cells are done, bool (grid.shape)."""
        return np.asarray(self.array("done")[...])

    @property
    def failed(self) -> dict[int, str]:
        """Why, for each cell that failed, rising."""
        found = {
            cell: each["reason"] for each in self.attrs.get("failed", ()) for cell in each["cells"]
        }
        return dict(sorted(found.items()))

    def array(self, name: str) -> zarr.Array:
        """One of the arrays, unread."""
        if name not in self._arrays:
            found = self.group[name]
            assert isinstance(found, zarr.Array)
            self._arrays[name] = found
        return self._arrays[name]

    def read(self, name: str) -> np.ndarray:
        """A count of every cell, (*grid.shape, progress); -1 or NaN in cells that are not done.

        `name` is one of sim.layout.COUNTS; radius is the radius reached.
        """
        return np.asarray(self.array(NAMES[name])[...])

    def update(self, **attributes: Any) -> None:
        """Set attributes."""
        self.group.attrs.update(attributes)


def is_sweep(place: Given) -> bool:
    """Whether the store of a sweep is at `place`, of whatever layout."""
    at = address(place)
    if not at.holds_group():
        return False
    try:
        return bool(at.group().attrs.get("kind") == grid_layout.KIND)
    except BadInput:
        return False
