"""What `drift sweep` does with its grid, and what it says of it."""

import hashlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from drift.experiments.crew import Crew
from drift.experiments.numbers import spent
from drift.experiments.place import Place
from drift.experiments.screen import say
from drift.sim.stores.location import LocalLocation, StoreLocation

if TYPE_CHECKING:
    from drift.sim.sweeps.grid import Grid
    from drift.sim.sweeps.store import SweepStore

_SHOWN = 12
"""Failed cells that are listed."""


def seeds_of(seed: tuple[Any, ...] | None, seeds: int | None) -> tuple[Any, ...] | None:
    """The seeds of --seed, or of --seeds. Raises BadInput where both are given, or too many."""
    from drift.sim.errors import BadInput
    from drift.sim.sweeps.grid import check_size

    if seeds is None:
        return seed
    if seed is not None:
        raise BadInput("seed and seeds are both given; --seeds 5 is --seed 0,1,2,3,4")
    if seeds < 1:
        raise BadInput(f"seeds is {seeds}; it must be 1 or more")
    check_size([seeds])
    return tuple(range(seeds))


def default_store(grid: "Grid") -> StoreLocation:
    """Where a sweep goes that names no place: one path for each grid."""
    digest = hashlib.sha256(json.dumps(grid.as_json(), sort_keys=True).encode()).hexdigest()[:8]
    names = "-".join(("sweep", *(axis.name for axis in grid.axes)))
    return LocalLocation(Path("results") / f"{names}-{digest}.zarr")


def swept(
    grid: "Grid",
    place: Place,
    out: StoreLocation,
    overwrite: bool,
    retry_failed: bool,
    as_json: bool,
    crew: Crew,
) -> None:
    """Sweep, and say how it went; exit status 1 where a cell failed."""
    from drift.experiments.halting import halting
    from drift.experiments.progress import Cells
    from drift.sim.devices import device
    from drift.sim.sweeps.store import SweepStore
    from drift.sim.sweeps.sweep import sweep

    gathering = crew.gathering()
    if crew.alone:
        place.make_ready()
    else:
        device.only_cpu()  # the accelerators are the workers'
    with halting(), Cells(f"drift to {out}", sys.stderr) as progress:
        result = sweep(
            grid,
            out,
            on=place.device,
            engine=place.engine,
            devices=place.devices,
            memory=place.memory,
            overwrite=overwrite,
            retry_failed=retry_failed,
            progress=progress.session,
            by=gathering,
        )
    if as_json:
        print(json.dumps(result))
    else:
        for line in (*_told(grid, result), *failures(SweepStore(out))):
            say(line)
    if result["failed"]:
        sys.stdout.flush()
        raise typer.Exit(1)


def _told(grid: "Grid", result: dict[str, Any]) -> list[str]:
    seconds = result["seconds"]
    share = seconds["compute"] / seconds["total"]
    return [
        described(grid),
        f"{result['done']:,} of {result['cells']:,} cells done, {result['failed']:,} failed",
        f"{spent(seconds['total'])}, {share:.0%} of it computing and"
        f" {spent(seconds['compile'])} compiling",
        f"store: {result['store']}",
    ]


def described(grid: "Grid") -> str:
    """The axes in a line."""
    if not grid.axes:
        return "1 cell"
    return " × ".join(f"{len(axis.values):,} {axis.name}" for axis in grid.axes)


def failures(store: "SweepStore") -> list[str]:
    """The first cells that failed, and why."""
    failed = store.failed
    lines = []
    for cell in list(failed)[:_SHOWN]:
        values = store.grid.values(cell)
        where = ", ".join(f"{name} {value}" for name, value in values.items())
        lines.append(f"failed: {where or 'the cell'}: {failed[cell]}")
    if len(failed) > _SHOWN:
        lines.append(f"failed: {len(failed) - _SHOWN:,} more")
    return lines
