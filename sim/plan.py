"""What a sweep is about to do: its grid, checked, and the devices that will count it."""

from typing import NamedTuple

import numpy as np

from drift.sim import batch, batch_size, device, engines, fit, grid_check, grid_claim
from drift.sim.grid import Grid
from drift.sim.grid_layout import NAMES
from drift.sim.grid_store import SweepStore
from drift.sim.kinds import REGION_BYTES, Kinds
from drift.sim.places import Address
from drift.sim.shards import Shards


class Plan(NamedTuple):
    """A grid that makes sense and fits."""

    grid: Grid
    engine: str
    shards: Shards
    kinds: Kinds
    inputs: dict[str, str]
    """what it rests on beside the spec: sim.grid_check"""
    memory: int
    """bytes of the host that it takes, roughly"""

    @property
    def disk(self) -> int:
        """Bytes of the store at most, which is compressed."""
        return len(self.grid) * (8 * len(NAMES) * len(self.grid.progress) + 1)

    def standing(self, out: Address, overwrite: bool = False) -> tuple[np.ndarray, list[int]]:
        """Which cells of the store `out` are done, bool (cells,), and which failed.

        Raises BadInput where it is in the way.
        """
        if not grid_claim.resumable(self.grid, self.inputs, out, overwrite):
            return np.zeros(len(self.grid), bool), []
        store = SweepStore(out)
        return store.done.ravel(), list(store.failed)


def plan(
    grid: Grid,
    on: str = "auto",
    engine: str = "auto",
    devices: int = 1,
    memory: int | None = None,
    worker: int = 0,
) -> Plan:
    """Look at everything that can be known before a cell is counted; writes nothing.

    The options are those of drift.run; `worker` is that of sim.device.several. Raises
    BadInput for a grid of which a cell makes no sense or does not fit, and a device or
    an engine that can't be had.
    """
    device.prepare(devices)
    inputs = grid_check.check(grid)
    shards = Shards(device.several(on, devices, worker))
    kinds = Kinds(grid, shards.platform, engine)
    needed = 0
    for cell in kinds.firsts:
        drift = grid.drift(cell)
        name = engines.choose(drift, engine, shards.platform, len(shards))
        fit.check_memory(drift, shards, memory, name)
        together = batch_size.memory(drift, batch.together(drift, shards, engine))
        needed = max(needed, fit.memory_needed(drift, shards, name), together)
    found = Plan(grid, engine, shards, kinds, inputs, needed)
    return found._replace(memory=needed + min(found.disk, REGION_BYTES))
