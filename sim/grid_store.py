"""Reading the store of a sweep; sim.grid_layout says what it holds.

A cell is done once its data are there. Of one that failed the store keeps why; what
has happened in each session stands in the attribute `sessions`.
"""

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import zarr

from sim import grid_layout
from sim.errors import BadInput
from sim.grid import Grid
from sim.grid_layout import NAMES


class GridStore:
    """The store at a path; raises BadInput where there is none that can be read."""

    def __init__(self, path: Path, writing: bool = False):
        self.path = path
        self._arrays: dict[str, zarr.Array] = {}
        try:
            self.group = zarr.open_group(path, mode="r+" if writing else "r", zarr_format=3)
        except (OSError, ValueError) as error:
            raise BadInput(f"{path} is not the store of a sweep: {_instead(path)}") from error
        if self.group.attrs.get("kind") != grid_layout.KIND:
            raise BadInput(f"{path} is not the store of a sweep: drift sweep did not write it")
        if self.attrs.get("layout") != grid_layout.LAYOUT:
            found = self.attrs.get("layout")
            raise BadInput(f"{path} has layout {found}; this version reads {grid_layout.LAYOUT}")

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


def is_sweep(path: Path) -> bool:
    """Whether the store of a sweep is at `path`, of whatever layout."""
    try:
        group = zarr.open_group(path, mode="r", zarr_format=3)
    except (OSError, ValueError):
        return False
    return group.attrs.get("kind") == grid_layout.KIND


def _instead(path: Path) -> str:
    if not path.exists():
        return "there is nothing"
    return "no Zarr v3 group is there" if path.is_dir() else "it is a file"
