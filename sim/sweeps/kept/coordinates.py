"""The coordinates of a sweep's store: its axes, progress, and the steps of records."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import zarr

from drift.sim.spec.axis import AXES
from drift.sim.spec.rules import recorded
from drift.sim.stores import arrays_at_once, integrity
from drift.sim.sweeps.grid import Grid

LAYOUT = 2
"""The version of a sweep's store: in version 1 the values of a named axis were only numbered."""


class Coordinate(NamedTuple):
    """A small array that is there from the start."""

    name: str
    """of the array"""
    dims: tuple[str, ...]
    """the names of its dimensions"""
    values: np.ndarray
    """float64, int64 or texts, of as many dimensions"""
    attributes: dict[str, Any]
    """its own: long_name and units"""

    @property
    def made_by(self) -> dict[str, Any]:
        """Return what it is made by: chunks are a million values at most."""
        shape = self.values.shape
        room = max(1, (1 << 20) // int(np.prod(shape[1:], dtype=int)))
        kind = self.values.dtype.kind
        return {
            "shape": shape,
            "chunks": (min(shape[0], room), *shape[1:]),
            "dtype": "string" if kind == "O" else self.values.dtype,
            "fill_value": {"f": float("nan"), "O": ""}.get(kind, -1),
            "dimension_names": self.dims,
            "attributes": self.attributes,
            "compressors": integrity.CHECKED,
        }


def add(
    group: zarr.Group, some: Iterable[Coordinate], overwrite: bool = False
) -> dict[str, zarr.Array]:
    """Write coordinates; where `overwrite`, what is left of them goes. Return their arrays."""
    told = {each.name: (each.made_by, each.values) for each in some}
    return arrays_at_once.create_filled(group, told, overwrite)


def coordinates(grid: Grid, layout: int = LAYOUT) -> Iterator[Coordinate]:
    """The axes, progress, and the steps at which points are counted, as a `layout` has them."""
    for axis in grid.axes:
        row, about = AXES[axis.name], dict[str, Any]()
        values = axis.coordinates
        if axis.named and layout > 1:
            values = np.array(axis.meanings, object)
        elif axis.named:
            words = (meaning.replace(" ", "_") for meaning in axis.meanings)
            about = {
                "meanings": axis.meanings,
                "flag_values": axis.coordinates.tolist(),
                "flag_meanings": " ".join(words),
            }
        about = {"long_name": row.meaning, "units": row.units, **about}
        yield Coordinate(axis.name, (axis.name,), values, about)
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
