"""The coordinates of a sweep's store: its axes, progress, and the steps of records."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import zarr

from drift.sim.spec.axis import AXES
from drift.sim.spec.rules import recorded
from drift.sim.stores import integrity
from drift.sim.sweeps.grid import Grid


class Coordinate(NamedTuple):
    """A small array that is there from the start."""

    name: str
    """of the array"""
    dims: tuple[str, ...]
    """the names of its dimensions"""
    values: np.ndarray
    """float64 or int64, of as many dimensions"""
    attributes: dict[str, Any]
    """its own: long_name, units, and of words their meanings"""

    def add(self, group: zarr.Group, overwrite: bool = False) -> None:
        """Write it, in chunks of a million at most; where `overwrite`, what is left of it goes."""
        shape = self.values.shape
        room = max(1, (1 << 20) // int(np.prod(shape[1:], dtype=int)))
        array = group.create_array(
            self.name,
            shape=shape,
            chunks=(min(shape[0], room), *shape[1:]),
            dtype=self.values.dtype,
            fill_value=float("nan") if self.values.dtype.kind == "f" else -1,
            dimension_names=self.dims,
            attributes=self.attributes,
            compressors=integrity.CHECKED,
            overwrite=overwrite,
        )
        array[...] = self.values


def coordinates(grid: Grid) -> Iterator[Coordinate]:
    """The axes, progress, and the steps at which points are counted."""
    for axis in grid.axes:
        row, about = AXES[axis.name], dict[str, Any]()
        if axis.named:
            words = (meaning.replace(" ", "_") for meaning in axis.meanings)
            about = {
                "meanings": axis.meanings,
                "flag_values": axis.coordinates.tolist(),
                "flag_meanings": " ".join(words),
            }
        about = {"long_name": row.meaning, "units": row.units, **about}
        yield Coordinate(axis.name, (axis.name,), axis.coordinates, about)
    about = {"long_name": "share of the steps done", "units": "1"}
    yield Coordinate("progress", ("progress",), grid.progress, about)
    about = {"long_name": "steps done", "units": "1"}
    for axis in grid.axes:
        if axis.name == "steps":
            steps = np.array([recorded(steps, grid.records) for steps in axis.values])
            yield Coordinate("step", ("steps", "progress"), steps, about)
            return
    steps = np.array(recorded(grid.base["steps"], grid.records))
    yield Coordinate("step", ("progress",), steps, about)
