"""The executor of a sweep in this process: its devices count the points, a batch at a time.

executor  what counts batches of points, here or elsewhere (sim.sweeps.dask), and what has
          to be known of it before a sweep is begun

A batch that fails is counted again point by point, so that only the points that are to
blame fail; the others go on.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import fields
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np

from drift.sim import interrupts
from drift.sim.batches import batch
from drift.sim.counting.cells import Counts
from drift.sim.devices import compilation, device
from drift.sim.devices.host import Host
from drift.sim.engines import choose
from drift.sim.errors import BadInput, Unfinished, printable
from drift.sim.runs import memory
from drift.sim.runs.prepare import provenance
from drift.sim.spec.drift import Drift
from drift.sim.sweeps.grid import Grid
from drift.sim.sweeps.plan import plan
from drift.sim.sweeps.point_order import PointGroups

if TYPE_CHECKING:
    from drift.sim.devices.shards import Shards

_MOST_REASON = 500
"""Characters of why a point failed."""

PointResult = list[Counts] | str
"""The records of a point, or why it failed."""

_Value = TypeVar("_Value")


class BatchResult(NamedTuple):
    """The result of a batch."""

    points: np.ndarray
    """int64"""
    outcomes: list[PointResult]
    """one for each point"""
    seconds: float
    """spent on it"""
    compiling: float
    """of them, spent compiling"""

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle records as tuples, which takes a third of the time."""
        rows = [each if isinstance(each, str) else [*map(_VALUES, each)] for each in self.outcomes]
        return _batch_result, (self.points, rows, self.seconds, self.compiling)


_VALUES = attrgetter(*(each.name for each in fields(Counts)))


def _batch_result(
    points: np.ndarray, rows: list[list[tuple[Any, ...]] | str], seconds: float, compiling: float
) -> BatchResult:
    """Return what was pickled."""
    outcomes: list[PointResult] = [
        each if isinstance(each, str) else [Counts(*values) for values in each] for each in rows
    ]
    return BatchResult(points, outcomes, seconds, compiling)


NOTHING = BatchResult(np.zeros(0, np.int64), [], 0.0, 0.0)
"""The result where nothing was counted, so that whoever waits can hear a signal."""


class LocalExecutor:
    """The devices of this process, to count the points of `grid` on."""

    def __init__(
        self, grid: Grid, shards: "Shards | Host", pool: ThreadPoolExecutor, engine: str = "auto"
    ):
        self._grid, self._shards, self._engine = grid, shards, engine
        self._pool = pool

    def together(self, drift: Drift) -> int:
        """Return how many drifts of its kind are counted at once."""
        return batch.batch_size(drift, self._shards, self._engine)

    def __call__(self, batches: Iterable[np.ndarray]) -> Iterator[BatchResult]:
        """Count each of `batches` when it is asked for; one given up for a signal once more."""
        for points in batches:
            while True:
                try:
                    yield self.count(points)
                    break
                except interrupts.GivenUp:
                    yield NOTHING

    def count(self, points: np.ndarray) -> BatchResult:
        """Count one batch. Raises RuntimeError where the device does not round as it must."""
        compilation.release_programs()
        began, compiled = time.monotonic(), compilation.seconds()
        found = [attempt(partial(self._grid.drift, point)) for point in points.tolist()]
        counted = iter(self._each([drift for drift in found if isinstance(drift, Drift)]))
        outcomes = [each if isinstance(each, str) else next(counted) for each in found]
        seconds = time.monotonic() - began
        compiling = min(seconds, compilation.seconds() - compiled)
        return BatchResult(points, outcomes, seconds, compiling)

    def _each(self, drifts: list[Drift]) -> list[PointResult]:
        self._shards = batch.devices_for(drifts, self._shards, self._engine)
        if not isinstance(self._shards, Host):
            from drift.sim.device_check import check_quickly

            for arithmetic in {drift.arithmetic for drift in drifts}:
                check_quickly(self._shards, arithmetic)
        if len(drifts) > 1:
            found = attempt(partial(self._counted, drifts))
            if not isinstance(found, str):
                return list(found)
        return [attempt(partial(self._alone, drift)) for drift in drifts]

    def _counted(self, drifts: list[Drift]) -> list[list[Counts]]:
        return batch.count_batch(drifts, on=self._shards, pool=self._pool, engine=self._engine)

    def _alone(self, drift: Drift) -> list[Counts]:
        name = choose.choose_engine(drift, self._engine, self._shards.platform, len(self._shards))
        with memory.as_out_of_memory(drift, self._shards, None, name):
            return self._counted([drift])[0]


def attempt(work: Callable[[], _Value]) -> _Value | str:
    """Return what `work` returns, or why it failed, in a line."""
    try:
        return work()
    except (BadInput, Unfinished) as error:
        reason = str(error)
    except MemoryError:
        reason = "out of memory"
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
    return printable(" ".join(reason.split()), _MOST_REASON)


class Executor(NamedTuple):
    """An executor that is ready, and the groups of points, `kinds`, as it counts them."""

    inputs: dict[str, str]
    """what the grid rests on beside the spec: sim.sweeps.plan"""
    kinds: PointGroups
    about: dict[str, Any]
    """what a store's attributes say of who made it"""
    workers: int
    """who count side by side"""
    together: Callable[[Drift], int]
    """how many drifts of a kind are best counted at once"""
    counted: Callable[[Iterable[np.ndarray]], Iterator[BatchResult]]
    """counts batches of points as it is asked for them, in any order"""


OpenExecutor = Callable[[Grid, str, str, int, int | None], AbstractContextManager[Executor]]
"""Called with a grid, and `on`, `engine`, `devices` and `memory` of sim.sweeps.sweep."""


@contextmanager
def local_executor(
    grid: Grid, on: str, engine: str, devices: int, memory: int | None
) -> Iterator[Executor]:
    """The devices of this process. Raises BadInput as sim.sweeps.plan does."""
    made = plan(grid, on, engine, devices, memory)
    with ThreadPoolExecutor(device.threads(made.shards)) as pool:
        counting = LocalExecutor(grid, made.shards, pool, engine)
        about = provenance(engine, made.shards)
        yield Executor(made.inputs, made.kinds, about, 1, counting.together, counting)
