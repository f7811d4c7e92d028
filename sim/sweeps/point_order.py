"""The kinds of points of a grid, which of them are counted, and in which order.

kind    points that can be counted at once, by one compiled program: sim.batches.sizing.group_key
cost    of a point, roughly, in the units of sim.engines.choose
region  chunks of a store whose points are counted before those of the next one, so
        that what waits in memory to be written stays small
batch   points of one kind, of one region, that are counted at once

Within a region the cheapest kind comes first: most points are soon there.
"""

import math
from collections.abc import Callable, Iterator

import numpy as np

from drift.sim.batches import sizing
from drift.sim.engines import choose
from drift.sim.errors import BadInput
from drift.sim.spec.axis import AXES
from drift.sim.spec.drift import Drift
from drift.sim.sweeps.grid import Grid
from drift.sim.sweeps.store import MOTION_NAMES, NAMES, points_per_chunk

_EACH = 2e6
"""The cost of a point beside its work."""
_DRAWN = 30.0
"""The cost of a coordinate before the step engine moves it."""
_ALIKE, _ALIKE_RECORD = 96.0, 6.0
"""The cost of one where many drifts are moved by value, and more for each record."""
REGION_BYTES = 128 << 20


class PointGroups:
    """The groups of points of `grid`, counted by `engine` on a `platform` of JAX."""

    def __init__(self, grid: Grid, platform: str, engine: str = "auto"):
        self._shape = grid.shape or (1,)
        matters = [not AXES[axis.name].same_program for axis in grid.axes] or [False]
        shape = [n if matter else 1 for n, matter in zip(self._shape, matters, strict=True)]
        self._kinds = np.empty(shape, np.int64)
        costs: list[float] = []
        firsts: list[int] = []
        numbers: dict[object, int] = {}
        for index in np.ndindex(*shape):
            point = int(np.ravel_multi_index(index, self._shape))
            key, cost = _described(grid, point, platform, engine)
            number = numbers.setdefault(key, len(numbers))
            if number == len(costs):
                costs.append(cost)
                firsts.append(point)
            self._kinds[index] = number
        self.costs = np.array(costs)
        """of a point of each kind, float64"""
        self.firsts = firsts
        """the first point of each kind"""

    def of(self, points: np.ndarray) -> np.ndarray:
        """The kind of each of `points`, int64."""
        whole = np.broadcast_to(self._kinds, self._shape)
        return whole[np.unravel_index(points, self._shape)]

    def cost(self, points: np.ndarray) -> float:
        """Return the cost of `points` together."""
        counts = np.bincount(self.of(points), minlength=len(self.costs))
        return float(counts @ self.costs)


def _described(grid: Grid, point: int, platform: str, engine: str) -> tuple[object, float]:
    """Return the key that the points of a kind share, and the cost of one."""
    try:
        drift = grid.drift(point)
        return sizing.group_key(drift, platform, engine), cost_of(drift, platform, engine)
    except BadInput as error:
        return str(error), _EACH  # each of them fails when its turn comes


def cost_of(drift: Drift, platform: str, engine: str = "auto") -> float:
    """Return the cost of a point. Raises BadInput where the engine does not apply."""
    if choose.choose_engine(drift, engine, platform) == "leap":
        return choose.leap_cost(drift) + _EACH
    coordinates = drift.tokens * drift.dims
    if sizing.by_value(drift, platform, engine):
        return (_ALIKE + _ALIKE_RECORD * len(drift.record_steps)) * coordinates + _EACH
    return choose.step_cost(drift, platform) + _DRAWN * coordinates + _EACH


def to_count(done: np.ndarray, failed: list[int], retry_failed: bool) -> np.ndarray:
    """Return the points, int64, rising, that are not `done`; those that failed on request."""
    wanted = ~done.ravel()
    if not retry_failed:
        wanted[failed] = False
    return np.flatnonzero(wanted)


def batches(
    grid: Grid, kinds: PointGroups, points: np.ndarray, together: Callable[[Drift], int]
) -> Iterator[np.ndarray]:
    """`points`, rising, in the order in which they are counted, as many as go `together`."""
    for region in _regions(grid, points):
        found = kinds.of(region)
        for kind in sorted(np.unique(found), key=lambda kind: kinds.costs[kind]):
            mine = region[found == kind]
            size = max(1, together(grid.drift(int(mine[0]))))
            for start in range(0, len(mine), size):
                yield mine[start : start + size]


def _regions(grid: Grid, points: np.ndarray) -> Iterator[np.ndarray]:
    """`points` by the region they are in."""
    wanted = np.zeros(len(grid), bool)
    wanted[points] = True
    shape, sizes = grid.shape or (1,), points_per_chunk(grid) or (1,)
    chunks = tuple(-(-n // size) for n, size in zip(shape, sizes, strict=True))
    chunk_bytes = 8 * (len(NAMES) + len(MOTION_NAMES)) * len(grid.progress) * math.prod(sizes)
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
