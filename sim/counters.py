"""Who counts the cells of a sweep, and what has to be known of them before it is begun."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from typing import Any, NamedTuple

import numpy as np

from drift.sim import device
from drift.sim.cells import Counted, Here
from drift.sim.grid import Grid
from drift.sim.kinds import Kinds
from drift.sim.plan import plan
from drift.sim.ready import made_by
from drift.sim.spec import Drift


class Counters(NamedTuple):
    """Those who count, ready to."""

    inputs: dict[str, str]
    """what the grid rests on beside the spec: sim.grid_check"""
    kinds: Kinds
    about: dict[str, Any]
    """what a store's attributes say of who made it"""
    workers: int
    """who count side by side"""
    together: Callable[[Drift], int]
    """how many drifts of a kind are best counted at once"""
    counted: Callable[[Iterable[np.ndarray]], Iterator[Counted]]
    """counts batches of cells as it is asked for them, in any order"""


Gathering = Callable[[Grid, str, str, int, int | None], AbstractContextManager[Counters]]
"""Called with a grid, and `on`, `engine`, `devices` and `memory` of sim.sweeping."""


@contextmanager
def here(grid: Grid, on: str, engine: str, devices: int, memory: int | None) -> Iterator[Counters]:
    """The devices of this process. Raises BadInput as sim.plan does."""
    made = plan(grid, on, engine, devices, memory)
    with ThreadPoolExecutor(device.workers(made.shards.devices[0])) as pool:
        counting = Here(grid, made.shards, pool, engine)
        about = made_by(engine, made.shards)
        yield Counters(made.inputs, made.kinds, about, 1, counting.together, counting)
