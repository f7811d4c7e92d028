"""`drift sweep`: a grid of drifts, from its options to its store."""

import hashlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from drift.experiments.cli.execution import (
    SCHEDULER,
    WORKERS,
    Device,
    Devices,
    Engine,
    ExecutionOptions,
    Memory,
    WorkerOptions,
)
from drift.experiments.cli.fields import with_fields
from drift.experiments.cli.options import AsJson, Out, Overwrite
from drift.experiments.cli.sources import (
    clouds_of,
    missing_parent,
    say_collapsed,
    say_complete,
    say_made,
)
from drift.experiments.console.terminal import say
from drift.experiments.console.values import format_duration, parse_whole, spell_out
from drift.sim.spec.drift import FIELDS
from drift.sim.stores.location import LocalLocation, StoreLocation

if TYPE_CHECKING:
    from drift.sim.sweeps.grid import Grid


def default_store(grid: "Grid") -> StoreLocation:
    """Return the store of a sweep that names none: one path for each grid."""
    digest = hashlib.sha256(json.dumps(grid.as_json(), sort_keys=True).encode()).hexdigest()[:8]
    names = "-".join(("sweep", *(axis.name for axis in grid.axes)))
    return LocalLocation(Path("results") / f"{names}-{digest}.zarr")


def swept(
    grid: "Grid",
    execution: ExecutionOptions,
    out: StoreLocation,
    overwrite: bool,
    retry_failed: bool,
    as_json: bool,
    worker_options: WorkerOptions,
) -> None:
    """Sweep, and say how it went; exit with 1 where a grid point failed."""
    from drift.experiments.console.progress import SweepBar, stop_at_second_signal
    from drift.sim.devices import device
    from drift.sim.sweeps.sweep import executor, sweep

    executor(*worker_options)  # raises BadInput before anything else is done
    if worker_options.alone:
        device.configure(execution.device, execution.devices)
    else:
        device.only_cpu()  # the accelerators are the workers'
    made = missing_parent(out)
    with stop_at_second_signal(), SweepBar(f"drift to {out}", sys.stderr) as progress:
        found = sweep(
            grid,
            out,
            on=execution.device,
            engine=execution.engine,
            devices=execution.devices,
            memory=execution.memory,
            overwrite=overwrite,
            retry_failed=retry_failed,
            progress=progress.session,
            workers=worker_options.workers,
            scheduler=worker_options.scheduler,
        )
    result = found.as_json()
    say_made(made)
    if found.was_complete:
        say_complete(found.store.address, "sweep")
    if as_json:
        print(json.dumps(result))
    else:
        for line in (*_told(grid, result), *found.store.failures()):
            say(line)
    if result["failed"]:
        sys.stdout.flush()
        raise typer.Exit(1)


def _told(grid: "Grid", result: dict[str, Any]) -> list[str]:
    seconds = result["seconds"]
    share = seconds["compute"] / seconds["total"] if seconds["total"] else 0.0
    return [
        str(grid),
        f"{result['done']:,} of {result['cells']:,} grid points done, {result['failed']:,} failed",
        f"{format_duration(seconds['total'])}, {share:.0%} of it computing and"
        f" {format_duration(seconds['compile'])} compiling",
        f"store: {result['store']}",
    ]


EXAMPLE = "drift sweep --sigma 1e-7:1e-5:9 --steps 1:10000:5 --dims 64 --out grid.zarr"


@with_fields(without=("at", "snapshots"), several=[n for n, row in FIELDS.items() if row.axis])
def command(
    fields: dict[str, Any],
    seeds: Annotated[
        int | None,
        typer.Option(
            parser=parse_whole,
            metavar="N",
            help="Seeds 0 to N-1 of the cloud.",
            rich_help_panel=FIELDS["seed"].panel,
        ),
    ] = None,
    engine: Engine = "auto",
    device: Device = "auto",
    devices: Devices = 1,
    memory: Memory = None,
    workers: Annotated[
        int | None, typer.Option(parser=parse_whole, metavar="N", help=WORKERS, show_default="none")
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help=SCHEDULER, show_default="none")
    ] = None,
    out: Out = None,
    overwrite: Overwrite = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Try failed grid points again.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Estimate memory, disk and time; write nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Run every combination of the given values.

    Most options take a list, 0.1,0.371,1, or a range: 1e-10:1e-6:25 stands for 25
    values evenly spaced in the logarithm, 0:1:11:lin for 11 evenly spaced ones.
    The same command resumes an interrupted sweep.
    """
    from drift.experiments.cli.dry_run import dry
    from drift.sim.spec.rules import check_used
    from drift.sim.sweeps.grid import Grid, seeds_of

    given = {
        name: found if isinstance(found, tuple) and FIELDS[name].axis else (found,)
        for name, found in fields.items()
    }
    if (found := seeds_of(given.get("seed"), seeds)) is not None:
        given["seed"] = found
    spelled = spell_out(given)
    check_used(spelled)
    grid = Grid.given(spelled)
    execution, store = ExecutionOptions(engine, device, devices, memory), out or default_store(grid)
    worker_options = WorkerOptions(workers, scheduler)
    if dry_run:
        dry(grid, execution, store, overwrite, retry_failed, as_json)
        worker_options.leave_out()
    else:
        swept(grid, execution, store, overwrite, retry_failed, as_json, worker_options)
    say_collapsed(clouds_of(grid))
