"""The plan of a sweep: its grid, checked, and the devices that will count it.

Every rule of a spec ties two fields at most, and accepts an interval of numbers: so
the outermost values of every two axes stand for all combinations. What depends on
the cloud that is drawn is found when the point's turn comes.
"""

import hashlib
import json
from collections.abc import Iterator
from itertools import combinations, islice, product
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from drift.sim import forks
from drift.sim.batches import batch, sizing
from drift.sim.clouds.direction import direction
from drift.sim.clouds.initial import initial_cloud
from drift.sim.devices import device
from drift.sim.devices.host import Host
from drift.sim.displacements.sizes import SizeTable
from drift.sim.displacements.table import DisplacementTable
from drift.sim.engines import choose
from drift.sim.runs.memory import check_memory, memory_needed
from drift.sim.spec.axis import Axis
from drift.sim.spec.drift import FIELDS, Drift
from drift.sim.stores.location import StoreLocation
from drift.sim.sweeps import resume
from drift.sim.sweeps.grid import Grid, drift_of
from drift.sim.sweeps.point_order import REGION_BYTES, PointGroups
from drift.sim.sweeps.store import MOTION_NAMES, NAMES, SweepStore

if TYPE_CHECKING:
    from drift.sim.devices.shards import Shards

_MOST_COMBINATIONS = 10_000
"""Combinations of two axes of names that are checked; more are left to their turn."""


def check_grid(grid: Grid) -> dict[str, str]:
    """Raise BadInput, naming what is wrong, for a grid of which a point makes no sense.

    Returns the SHA-256 of what it rests on beside the spec: the vectors of
    direction files, and the rows of checkpoints.
    """
    inputs: dict[str, str] = {}
    seen: set[tuple[str, int]] = set()
    for drift in _outermost(grid):
        name = drift.direction
        if name not in FIELDS["direction"].choices and (name, drift.dims) not in seen:
            seen.add((name, drift.dims))
            u = direction(name, drift.dims)
            inputs[name] = hashlib.sha256(u.tobytes()).hexdigest()
        if isinstance(drift.motion, DisplacementTable):
            inputs[str(drift.motion)] = drift.motion.survey(drift.motion_tensor).sha256
        if isinstance(drift.gradient, SizeTable):
            told = json.dumps(drift.gradient.rows).encode()
            inputs[str(drift.gradient)] = hashlib.sha256(told).hexdigest()
        if drift.origin is not None:
            rows = " ".join(str(each) for each in drift.origin.as_json().values())
            held = f"{rows} {drift.format}"
            if drift.master != "none":
                held += f" as {drift.master} masters"
            if held not in inputs:
                facts = initial_cloud(drift).facts
                assert facts is not None, "rows of a checkpoint have facts"
                inputs[held] = facts["sha256"]
    return inputs


def _outermost(grid: Grid) -> Iterator[Drift]:
    """The drifts of the outermost values of every two axes, the others at their first."""
    first = {**grid.base, **grid.values(0)}
    yield drift_of(first)
    for axis in grid.axes:
        for value in _ends(axis):
            yield drift_of({**first, axis.name: value})
    for one, other in combinations(grid.axes, 2):
        ends = _ends(one), _ends(other)
        if len(ends[0]) * len(ends[1]) <= _MOST_COMBINATIONS:
            for a, b in product(*ends):
                yield drift_of({**first, one.name: a, other.name: b})


def _ends(axis: Axis) -> list[Any]:
    """The values of an axis that stand for all."""
    if axis.named:
        return list(axis.values)
    return sorted({axis.values[0], min(axis.values), max(axis.values)})


class Plan(NamedTuple):
    """A `grid` that is possible and fits, with its `kinds` of points.

    `engine` is the one that was asked for, `shards` are the devices.
    """

    grid: Grid
    engine: str
    shards: "Shards | Host"
    kinds: PointGroups
    inputs: dict[str, str]
    """what it rests on beside the spec, by name: SHA-256"""
    memory: int
    """bytes of the host that it takes, roughly"""

    @property
    def disk(self) -> int:
        """Bytes of the store at most, which is compressed."""
        return len(self.grid) * (8 * (len(NAMES) + len(MOTION_NAMES)) * len(self.grid.progress) + 1)

    def standing(self, out: StoreLocation, overwrite: bool = False) -> tuple[np.ndarray, list[int]]:
        """Return which points of the store `out` are done, bool (points,), and which failed.

        Raises BadInput where it is in the way.
        """
        if not resume.resumable(self.grid, self.inputs, out, overwrite):
            return np.zeros(len(self.grid), bool), []
        store = SweepStore(out)
        return store.done.ravel(), list(store.failed)


def _devices(grid: Grid, on: str, engine: str, devices: int, worker: int) -> "Shards | Host":
    """Return what counts the points: JAX's devices only where some point needs them."""
    if devices == 1 and on in ("auto", "cpu"):
        drifts = islice(_outermost(grid), _MOST_COMBINATIONS)
        if all(sizing.by_value(drift, "cpu", engine) for drift in drifts):
            return Host()  # others, if there are any, load JAX when their turn comes
    from drift.sim.devices.shards import Shards

    return Shards(device.find_devices(on, devices, worker))


def plan(
    grid: Grid,
    on: str = "auto",
    engine: str = "auto",
    devices: int = 1,
    memory: int | None = None,
    worker: int = 0,
) -> Plan:
    """Look at everything that can be known before a point is counted; writes nothing.

    The options are those of drift.run; `worker` is that of sim.devices.device.find_devices. Raises
    BadInput for a grid of which a point makes no sense or does not fit, and a device or
    an engine that can't be had.
    """
    device.request_devices(devices)
    inputs = check_grid(grid)
    shards = _devices(grid, on, engine, devices, worker)
    kinds = PointGroups(grid, shards.platform, engine)
    needed = 0
    for point in kinds.firsts:
        drift = grid.drift(point)
        name = choose.choose_engine(drift, engine, shards.platform, len(shards))
        check_memory(drift, shards, memory, name)
        processes = forks.processes() if isinstance(shards, Host) else 1
        together = sizing.batch_bytes(drift, batch.batch_size(drift, shards, engine), processes)
        needed = max(needed, memory_needed(drift, shards, name), together)
    found = Plan(grid, engine, shards, kinds, inputs, needed)
    return found._replace(memory=needed + min(found.disk, REGION_BYTES))
