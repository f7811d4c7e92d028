"""The store of a sweep: what it holds, how an empty one is made, how it is read.

A store is a Zarr v3 group that plain xarray.open_zarr opens. Its dimensions are the
axes of the grid, in their order, and progress:

every count          (axes …, progress)   int64; reached and stalled float64
done                 (axes …)             bool, written after the data of a point
step                 (steps, progress)    int64, or (progress) where steps is no axis
an axis, progress    its own              float64 or int64, what to select by

The counts `radius` and `done` of a run are called `reached` and `travelled` here. The
coordinates of a named axis are its values as text; in layout 1 they number them, and the values
stand in its attributes. Fill
values are -1, NaN and false; points that failed keep them. A prediction's store has expected
counts, all float64, and EXPECTED beside them. Shapes, chunks and values
of all arrays depend on the grid alone: attributes hold what has happened. Of a point that
failed they keep why. Checksums are those of sim.stores.run_layout.
"""

import math
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import numpy as np
import zarr

from drift.sim.errors import BadInput, MissingData
from drift.sim.spec.axis import Axis
from drift.sim.stores import arrays_at_once, integrity, run_layout
from drift.sim.stores.locate import locate
from drift.sim.stores.location import AnyLocation
from drift.sim.stores.store import Store
from drift.sim.sweeps.grid import Grid
from drift.sim.sweeps.kept.coordinates import LAYOUT, add, coordinates
from drift.sim.sweeps.kept.shown import ShownGrid

KIND = "drift sweep"
NAMES = {name: "reached" if name == "radius" else name for name in run_layout.COUNTS}
"""The array of each count."""
MOTION_NAMES = {name: "travelled" if name == "done" else name for name in run_layout.MOTION_COUNTS}
"""The arrays of the counts that stores of before lack; `done` says which grid points are done."""
EXPECTED = {
    "distinct_error": "standard deviation of occupied cells over clouds",
    "pairs_error": "standard deviation of coalesced pairs over clouds",
    "largest_5": "quantile of 5 % of the tokens in the fullest cell, nearly",
    "largest_95": "quantile of 95 % of the tokens in the fullest cell, nearly",
}
"""The arrays that a prediction has beside the counts, whose `largest` is a median."""
_CHUNK_VALUES = 1 << 17

FIRST = {"kind": KIND, "layout": LAYOUT, "complete": False}
"""The attributes of a store that is to be begun (sim.stores.location)."""
LAST = "grid"
"""The attribute without which it was not."""


def fill(group: zarr.Group, grid: Grid, predicted: bool = False) -> None:
    """Make a new group the empty store of `grid`; of expectations where `predicted`."""
    points = points_per_chunk(grid)
    names = tuple(axis.name for axis in grid.axes)
    counts = len(grid.progress)
    more = EXPECTED if predicted else run_layout.MOTION_COUNTS
    arrays: dict[str, dict[str, Any]] = {}
    for name, text in {**run_layout.COUNTS, **more}.items():
        real = predicted or name in run_layout.REAL
        # A radius is NaN where displacements lead nowhere; nothing else is.
        unwritten = run_layout.UNWRITTEN if name == "radius" and _may_return(grid) else math.nan
        arrays[_array(name)] = {
            "shape": (*grid.shape, counts),
            "chunks": (*points, counts),
            "dtype": "float64" if real else "int64",
            "fill_value": unwritten if real else -1,
            "dimension_names": (*names, "progress"),
            "attributes": {"long_name": f"expected {text}" if predicted else text, "units": "1"},
            "compressors": integrity.CHECKED,
        }
    arrays["done"] = {
        "shape": grid.shape,
        "chunks": points,
        "dtype": "bool",
        "fill_value": False,
        "dimension_names": names,
        "attributes": {"long_name": "whether the cell is done", "units": "1"},
        "compressors": integrity.CHECKED,
    }
    made = arrays_at_once.create(group, arrays) | add(group, coordinates(grid))
    run_layout.seal(
        group,
        made,
        coordinates=" ".join((*names, "progress", "step")),
        **{LAST: {"base": grid.base, "axes": [_told(axis) for axis in grid.axes]}},
    )


def _may_return(grid: Grid) -> bool:
    """Return whether the displacements of some point may lead nowhere together."""
    return any(str(motion) != "straight" for motion in grid.fields["motion"])


def grid_from(told: dict[str, Any], coordinates: Callable[[str], np.ndarray]) -> Grid:
    """The grid that a store's attribute tells of; its axes have `coordinates`, by name."""
    axes = []
    for axis in told["axes"]:
        values = axis["values"]
        if values is None:
            values = coordinates(axis["name"]).tolist()
        axes.append({**axis, "values": values})
    return Grid.from_json({**told, "axes": axes})


def _told(axis: Axis) -> dict[str, Any]:
    """Return what attributes say of an axis; its numbers, maybe many, are in its coordinates."""
    return {"name": axis.name, "values": list(axis.values) if axis.named else None}


def points_per_chunk(grid: Grid) -> tuple[int, ...]:
    """The points of a chunk along each axis: as many of the last axes as fit."""
    room = max(1, _CHUNK_VALUES // len(grid.progress))
    chunk: list[int] = []
    for length in reversed(grid.shape):
        chunk.append(max(1, min(length, room)))
        room = room // length
    return tuple(reversed(chunk))


class SweepStore(Store, ShownGrid):
    """The store of a sweep, opened. Raises BadInput where there is none that can be read.

    >>> import drift
    >>> cloud = {"tokens": 100, "dims": 32, "records": 1}
    >>> result = drift.sweep(drift.Grid(sigma=[1e-7, 1e-6], **cloud), "grid.zarr")
    >>> store = drift.SweepStore("grid.zarr")
    >>> store.done.tolist(), store.read("distinct").tolist()
    ([True, True], [[100, 4], [100, 27]])
    """

    kind, verb, wanted = KIND, "sweep", "the store of a sweep"
    layout, last = LAYOUT, LAST
    order = (*NAMES.values(), *MOTION_NAMES.values(), *EXPECTED, "done")

    @cached_property
    def grid(self) -> Grid:
        """The grid that is swept."""
        return grid_from(self.attrs[self.last], self.values)

    @property
    def finished(self) -> bool:
        """True where no point is left: also where `complete`, points may have been damaged."""
        return self.complete and bool(self.values("done", there=False).all())

    def asked(self, now: Mapping[str, Any]) -> dict[str, Any]:
        """The values of every field of the grid; of an axis that is missing, those asked now."""

        def values(name: str) -> np.ndarray:
            try:
                return self.values(name)
            except MissingData:
                return np.array(now[name])  # `mend` finds out whether they were these

        return grid_from(self.attrs[self.last], values).fields

    @property
    def more(self) -> tuple[str, ...]:
        """The arrays beside the counts: those of a prediction."""
        return ()

    @property
    def progress(self) -> np.ndarray:
        """The fractions of a point's steps at which it is counted, float64 (records + 1,)."""
        return self.grid.progress

    @property
    def done(self) -> np.ndarray:
        """True for each point that is done, bool (grid.shape)."""
        return self.values("done", there=self.complete)

    @property
    def failed(self) -> dict[int, str]:
        """The reason of each point that failed, by its number, rising."""
        found = {
            point: each["reason"]
            for each in self.attrs.get("failed", ())
            for point in each["cells"]
        }
        return dict(sorted(found.items()))

    def failures(self, most: int = 12) -> list[str]:
        """The first points that failed, `most` at most, and why, each in a line."""
        failed = self.failed
        lines = []
        for point in list(failed)[:most]:
            values = self.grid.values(point)
            where = ", ".join(f"{name} {value}" for name, value in values.items())
            lines.append(f"failed: {where or 'the point'}: {failed[point]}")
        if len(failed) > most:
            lines.append(f"failed: {len(failed) - most:,} more")
        return lines

    def read(self, name: str, points: Any = ..., record: Any = slice(None)) -> np.ndarray:
        """A count of `points`, (their shape …, progress), or in one `record`, (their shape …).

        `name` is one of COUNTS, or of EXPECTED; radius is the radius reached. It is -1 or NaN in
        points that are not done. Raises Damaged where a chunk is damaged, or missing.
        """
        points = points if isinstance(points, tuple) else (points,)
        done = self.values("done", points, there=self.complete)  # what is done by then is there
        there = done if isinstance(record, int) else done[..., None]
        if name in MOTION_NAMES and name not in self.names:
            return np.full(self.values("alive", (*points, record), there).shape, np.nan)
        return self.values(_array(name), (*points, record), there)

    @cached_property
    def names(self) -> dict[str, str]:
        """The array of each count that is there: stores of before lack some."""
        there = {name: array for name, array in MOTION_NAMES.items() if self.has(array)}
        return {**NAMES, **there}


def _array(name: str) -> str:
    return {**NAMES, **MOTION_NAMES}.get(name, name)


class PredictedStore(SweepStore):
    """The store of a predicted grid: expected counts in the place of those of clouds."""

    kind, verb, wanted = "drift prediction", "predict", "the store of a prediction"

    @property
    def more(self) -> tuple[str, ...]:
        """The standard deviations and quantiles."""
        return tuple(EXPECTED)


def open_grid(place: AnyLocation) -> SweepStore:
    """Return the store of a sweep, or of a predicted grid; BadInput where there is neither."""
    at = locate(place)
    predicted = at.holds_group() and at.group().attrs.get("kind") == PredictedStore.kind
    return PredictedStore(at) if predicted else SweepStore(at)


def is_sweep(place: AnyLocation) -> bool:
    """Return whether the store of a sweep, or of a predicted grid, is at `place`."""
    at = locate(place)
    if not at.holds_group():
        return False
    try:
        return at.group().attrs.get("kind") in (KIND, PredictedStore.kind)
    except BadInput:
        return False
