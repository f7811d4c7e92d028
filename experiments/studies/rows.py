"""The cells of a sweep as rows: what they are, and what was counted at their end.

start  distinct cells before the first step; all else is of the last one
"""

from collections.abc import Iterable, Sequence
from itertools import takewhile
from typing import Any

import numpy as np

from drift.sim.stores.run_store import COUNTS
from drift.sim.sweeps.store import SweepStore


def spread(low: float, high: float, count: int) -> tuple[float, ...]:
    """From `low` to `high`, of three digits each."""
    return tuple(float(f"{value:.3g}") for value in np.geomspace(low, high, count))


Row = dict[str, Any]


def rows(store: SweepStore) -> list[Row]:
    """A row for each cell, in order: the values of the axes, `start`, and every count.

    `radius` is the radius reached, and called `reached` as in the store.
    """
    counts = {name: store.read(name).reshape(len(store.grid), -1) for name in COUNTS}
    counts["reached"] = counts.pop("radius")
    return [
        {
            **store.grid.values(cell),
            "start": counts["distinct"][cell, 0].item(),
            **{name: found[cell, -1].item() for name, found in counts.items()},
        }
        for cell in range(len(store.grid))
    ]


def where(found: Iterable[Row], **values: Any) -> list[Row]:
    """The rows that have these values."""
    return [row for row in found if all(row[name] == value for name, value in values.items())]


def values(found: Iterable[Row], name: str) -> list[Any]:
    """The different values of a name, in the order they come."""
    return list(dict.fromkeys(row[name] for row in found))


def mean(found: Iterable[Row], name: str) -> float:
    """The mean of a count."""
    taken = [row[name] for row in found]
    return float(sum(taken)) / len(taken)


def limits(there: Sequence[Row], by: str = "sigma") -> Row:
    """Up to which value everything is one, half the cells are gone, there are black holes.

    `one` and `half` hold for every value up to it as well; None where there is none.
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
