"""The kinds of cells of a grid, which of them are counted, and in which order.

kind    cells that can be counted at once, by one compiled program: sim.batches.sizing.group_key
cost    of a cell, roughly, in the units of sim.engines.choose
region  chunks of a store whose cells are counted before those of the next one, so
        that what waits in memory to be written stays small
batch   cells of one kind, of one region, that are counted at once

Within a region the cheapest kind comes first: most cells are soon there.
"""

import math
from collections.abc import Callable, Iterator

import numpy as np

from drift.sim.batches import sizing
from drift.sim.engines import choose
from drift.sim.errors import BadInput
from drift.sim.spec.drift import Drift
from drift.sim.sweeps.grid import AXES, Grid
from drift.sim.sweeps.store import NAMES, cells_together

_EACH = 2e6
"""What a cell costs beside its work."""
_DRAWN = 30.0
"""What a coordinate costs before the step engine moves it."""
_ALIKE, _ALIKE_RECORD = 96.0, 6.0
"""What it costs where many drifts are moved by value, and more for each record."""
REGION_BYTES = 128 << 20


class PointGroups:
    """Those of the cells of `grid`, counted by `engine` on a `platform` of JAX's."""

    def __init__(self, grid: Grid, platform: str, engine: str = "auto"):
        self._shape = grid.shape or (1,)
        matters = [not AXES[axis.name].same_program for axis in grid.axes] or [False]
        shape = [n if matter else 1 for n, matter in zip(self._shape, matters, strict=True)]
        self._kinds = np.empty(shape, np.int64)
        costs: list[float] = []
        firsts: list[int] = []
        numbers: dict[object, int] = {}
        for index in np.ndindex(*shape):
            cell = int(np.ravel_multi_index(index, self._shape))
            key, cost = _described(grid, cell, platform, engine)
            number = numbers.setdefault(key, len(numbers))
            if number == len(costs):
                costs.append(cost)
                firsts.append(cell)
            self._kinds[index] = number
        self.costs = np.array(costs)
        """of a cell of each kind, float64"""
        self.firsts = firsts
        """the first cell of each kind"""

    def of(self, cells: np.ndarray) -> np.ndarray:
        """The kind of each of `cells`, int64."""
        whole = np.broadcast_to(self._kinds, self._shape)
        return whole[np.unravel_index(cells, self._shape)]

    def cost(self, cells: np.ndarray) -> float:
        """What `cells` cost together."""
        counts = np.bincount(self.of(cells), minlength=len(self.costs))
        return float(counts @ self.costs)


def _described(grid: Grid, cell: int, platform: str, engine: str) -> tuple[object, float]:
    """What the cells of a kind share, and what one costs."""
    try:
        drift = grid.drift(cell)
        return sizing.group_key(drift), cost_of(drift, platform, engine)
    except BadInput as error:
        return str(error), _EACH  # each of them fails when its turn comes


def cost_of(drift: Drift, platform: str, engine: str = "auto") -> float:
    """What a cell costs. Raises BadInput where the engine does not apply."""
    if choose.choose_engine(drift, engine, platform) == "leap":
        return choose.leap_cost(drift) + _EACH
    coordinates = drift.tokens * drift.dims
    if sizing.by_value(drift, platform, engine):
        return (_ALIKE + _ALIKE_RECORD * len(drift.record_steps)) * coordinates + _EACH
    return choose.step_cost(drift, platform) + _DRAWN * coordinates + _EACH


def to_count(done: np.ndarray, failed: list[int], retry_failed: bool) -> np.ndarray:
    """The cells that are neither `done` nor, unless they are tried again, failed; int64, rising."""
    wanted = ~done.ravel()
    if not retry_failed:
        wanted[failed] = False
    return np.flatnonzero(wanted)


def batches(
    grid: Grid, kinds: PointGroups, cells: np.ndarray, together: Callable[[Drift], int]
) -> Iterator[np.ndarray]:
    """`cells`, rising, in the order in which they are counted, as many as go `together`."""
    for region in _regions(grid, cells):
        found = kinds.of(region)
        for kind in sorted(np.unique(found), key=lambda kind: kinds.costs[kind]):
            mine = region[found == kind]
            size = max(1, together(grid.drift(int(mine[0]))))
            for start in range(0, len(mine), size):
                yield mine[start : start + size]


def _regions(grid: Grid, cells: np.ndarray) -> Iterator[np.ndarray]:
    """`cells` by the region they are in."""
    wanted = np.zeros(len(grid), bool)
    wanted[cells] = True
    shape, sizes = grid.shape or (1,), cells_together(grid) or (1,)
    chunks = tuple(-(-n // size) for n, size in zip(shape, sizes, strict=True))
    chunk_bytes = 8 * len(NAMES) * len(grid.progress) * math.prod(sizes)
    together = max(1, REGION_BYTES // chunk_bytes)
    for first in range(0, math.prod(chunks), together):
        found = []
        for chunk in range(first, min(first + together, math.prod(chunks))):
            starts = np.multiply(np.unravel_index(chunk, chunks), sizes)
            ends = np.minimum(starts + sizes, shape)
            ranges = np.ix_(*map(np.arange, starts, ends))
            found.append(np.ravel_multi_index(ranges, shape).ravel())
        region = np.concatenate(found)
        yield np.sort(region[wanted[region]])
