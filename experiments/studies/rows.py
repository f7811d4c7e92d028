"""Grid points of a sweep as rows: their axis values, and the counts at the end of each drift.

start  distinct cells before the first step; all other counts are of the last record
"""

from collections.abc import Iterable, Sequence
from itertools import takewhile
from typing import Any

import numpy as np

from drift.sim.stores.run_layout import COUNTS
from drift.sim.sweeps.store import SweepStore


def spread(low: float, high: float, count: int) -> tuple[float, ...]:
    """Return values evenly spaced in their logarithm, rounded to three digits."""
    return tuple(float(f"{value:.3g}") for value in np.geomspace(low, high, count))


Row = dict[str, Any]


def rows(store: SweepStore) -> list[Row]:
    """Return a row for each grid point, in order: axis values, `start`, and every count.

    The radius reached is called `reached` as in the store, since `radius` may be an axis.
    """
    counts = {name: store.read(name).reshape(len(store.grid), -1) for name in COUNTS}
    counts["reached"] = counts.pop("radius")
    return [
        {
            **store.grid.values(point),
            "start": counts["distinct"][point, 0].item(),
            **{name: found[point, -1].item() for name, found in counts.items()},
        }
        for point in range(len(store.grid))
    ]


def where(found: Iterable[Row], **values: Any) -> list[Row]:
    """Return the rows that have these values."""
    return [row for row in found if all(row[name] == value for name, value in values.items())]


def values(found: Iterable[Row], name: str) -> list[Any]:
    """Return the different values of a column, in the order they come."""
    return list(dict.fromkeys(row[name] for row in found))


def mean(found: Iterable[Row], name: str) -> float:
    """Return the mean of a column."""
    taken = [row[name] for row in found]
    return float(sum(taken)) / len(taken)


def limits(there: Sequence[Row], by: str = "sigma") -> Row:
    """Return the largest values of `by` with certain outcomes; None where there is none.

    one    all tokens end in one cell, for this value and every lower one
    half   fewer than half as many cells as tokens are left, for this value and every lower one
    lone   all tokens start in one cell, for this value and every lower one
    holes  a black hole is left
    """
    rising = sorted(values(there, by))

    def up_to(holds: Any) -> Any:
        kept = takewhile(lambda value: all(map(holds, where(there, **{by: value}))), rising)
        return max(kept, default=None)

    holed = [row[by] for row in there if row["black_holes"]]
    return {
        "one": up_to(lambda row: row["distinct"] == 1),
        "half": up_to(lambda row: 2 * row["distinct"] < row["alive"]),
        "holes": max(holed, default=None),
        "lone": up_to(lambda row: row["start"] == 1),
    }
