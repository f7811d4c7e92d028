"""Counts as tables: each record of a run, each cell of a sweep."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from drift.experiments.report.blocks import Table
from drift.sim.stores.run_store import COUNTS
from drift.sim.sweeps.store import SweepStore

MOST = 200
"""Lines of a table."""
_NAMES = {"radius": "radius reached", "pairs": "coalesced pairs"}


def whole(value: int) -> str:
    """A count."""
    return f"{value:,}"


def share(value: float) -> str:
    """A share, in per cent."""
    return f"{value:.1%}"


def evenly(rows: Sequence[Any], most: int = MOST) -> list[Any]:
    """The first, the last, and as many between as make `most`."""
    last = len(rows) - 1
    if last < most:
        return list(rows)
    return [rows[round(k * last / (most - 1))] for k in range(most)]


def columns() -> list[str]:
    """The names of all counts."""
    return [_NAMES.get(name, name.replace("_", " ")) for name in COUNTS]


def cells(counts: dict[str, Any]) -> list[str]:
    """All counts of a record, as they are shown."""
    return [_shown(name, counts[name]) for name in COUNTS]


def _shown(name: str, value: Any) -> str:
    if name == "stalled":
        return share(value)
    return f"{value:.6g}" if name == "radius" else whole(value)


def records(counted: Sequence[dict[str, Any]]) -> Table:
    """The records of a run."""
    shown = evenly(counted)
    rows = [[whole(counts["step"]), *cells(counts)] for counts in shown]
    cut = f"{len(shown):,} of {len(counted):,} records; drift export writes all."
    note = cut if len(shown) < len(counted) else "drift export writes them with all digits."
    return Table("What was counted, step by step", ["step", *columns()], rows, note=note)


def ends(store: SweepStore) -> Table:
    """The last record of the cells of a sweep that are done."""
    grid, done = store.grid, np.flatnonzero(store.done).tolist()
    shown = evenly(done)
    counts = {name: store.read(name, record=-1).ravel() for name in COUNTS}
    names = [axis.name.replace("_", " ") for axis in grid.axes] or ["cell"]
    rows = [
        [
            *(map(brief, grid.values(cell).values()) if grid.axes else ["1"]),
            *cells({name: counts[name][cell].item() for name in COUNTS}),
        ]
        for cell in shown
    ]
    cut = f"{len(shown):,} of {len(done):,} cells; " if len(shown) < len(done) else ""
    note = f"{cut}drift export writes all records with all digits."
    return Table("Each cell at its end", [*names, *columns()], rows, note=note)


def brief(value: Any) -> str:
    """A value of an axis, with as many digits as a reader needs."""
    return f"{value:.6g}" if isinstance(value, float) else "none" if value is None else str(value)
