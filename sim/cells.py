"""Cells counted on the devices of this process, a batch at a time.

A batch that fails is counted again cell by cell, so that only the cells that are to
blame fail; the others go on.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple, TypeVar

import numpy as np

from drift.sim import batch, check, compilation, engines, exhausted
from drift.sim.counts import Counts
from drift.sim.errors import BadInput, Unfinished
from drift.sim.grid import Grid
from drift.sim.legible import legible
from drift.sim.shards import Shards
from drift.sim.spec import Drift

_MOST_REASON = 500
"""Characters of why a cell failed."""

Outcome = list[Counts] | str
"""The records of a cell, or why it failed."""

_Value = TypeVar("_Value")


class Counted(NamedTuple):
    """What has become of a batch."""

    cells: np.ndarray
    """int64"""
    outcomes: list[Outcome]
    """one for each cell"""
    seconds: float
    """spent on it"""
    compiling: float
    """of them, spent compiling"""


class Here:
    """The devices of this process, to count the cells of `grid` on."""

    def __init__(self, grid: Grid, shards: Shards, pool: ThreadPoolExecutor, engine: str = "auto"):
        self._grid, self._shards, self._engine = grid, shards, engine
        self._counted = partial(batch.counted, on=shards, pool=pool, engine=engine)
        self.together = partial(batch.together, on=shards, engine=engine)
        """How many drifts of a kind are counted at once"""

    def __call__(self, batches: Iterable[np.ndarray]) -> Iterator[Counted]:
        """Count each of `batches` when it is asked for."""
        return map(self.count, batches)

    def count(self, cells: np.ndarray) -> Counted:
        """Count one batch. Raises RuntimeError where the device does not round as it must."""
        compilation.let_go()
        began, compiled = time.monotonic(), compilation.seconds()
        found = [attempt(partial(self._grid.drift, cell)) for cell in cells.tolist()]
        counted = iter(self._each([drift for drift in found if isinstance(drift, Drift)]))
        outcomes = [each if isinstance(each, str) else next(counted) for each in found]
        seconds = time.monotonic() - began
        compiling = min(seconds, compilation.seconds() - compiled)
        return Counted(cells, outcomes, seconds, compiling)

    def _each(self, drifts: list[Drift]) -> list[Outcome]:
        for motion in {drift.motion for drift in drifts}:
            check.trust(self._shards, motion)
        if len(drifts) > 1:
            found = attempt(partial(self._counted, drifts))
            if not isinstance(found, str):
                return list(found)
        return [attempt(partial(self._alone, drift)) for drift in drifts]

    def _alone(self, drift: Drift) -> list[Counts]:
        name = engines.choose(drift, self._engine, self._shards.platform, len(self._shards))
        with exhausted.told(drift, self._shards, None, name):
            return self._counted([drift])[0]


def attempt(work: Callable[[], _Value]) -> _Value | str:
    """What `work` returns, or why it failed, in a line."""
    try:
        return work()
    except (BadInput, Unfinished) as error:
        reason = str(error)
    except MemoryError:
        reason = "out of memory"
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
    return legible(" ".join(reason.split()), _MOST_REASON)
