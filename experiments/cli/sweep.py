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
    Crew,
    Device,
    Devices,
    Engine,
    Memory,
    Place,
)
from drift.experiments.cli.options import FORMATS, AsJson, Out, Overwrite
from drift.experiments.console.terminal import say
from drift.experiments.console.values import (
    counts,
    option,
    reals,
    spelled,
    spent,
    survivors,
    whole,
    words,
)
from drift.sim.stores.location import LocalLocation, StoreLocation

if TYPE_CHECKING:
    from drift.sim.sweeps.grid import Grid


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
    from drift.experiments.console.progress import SweepBar, stop_at_second_signal
    from drift.sim.devices import device
    from drift.sim.sweeps.store import SweepStore
    from drift.sim.sweeps.sweep import sweep

    gathering = crew.gathering()
    if crew.alone:
        device.configure(place.device, place.devices)
    else:
        device.only_cpu()  # the accelerators are the workers'
    with stop_at_second_signal(), SweepBar(f"drift to {out}", sys.stderr) as progress:
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
        for line in (*_told(grid, result), *SweepStore(out).failures()):
            say(line)
    if result["failed"]:
        sys.stdout.flush()
        raise typer.Exit(1)


def _told(grid: "Grid", result: dict[str, Any]) -> list[str]:
    seconds = result["seconds"]
    share = seconds["compute"] / seconds["total"]
    return [
        str(grid),
        f"{result['done']:,} of {result['cells']:,} cells done, {result['failed']:,} failed",
        f"{spent(seconds['total'])}, {share:.0%} of it computing and"
        f" {spent(seconds['compile'])} compiling",
        f"store: {result['store']}",
    ]


EXAMPLE = "drift sweep --sigma 1e-7:1e-5:9 --steps 1:10000:5 --dims 64 --out grid.zarr"


def command(
    sigma: Annotated[tuple | None, option(reals, "Standard deviations of a drawn cloud.")] = None,
    tokens: Annotated[tuple | None, option(counts, "Tokens drawn.", "2212")] = None,
    dims: Annotated[tuple | None, option(counts, "Their dimensions.", "2560")] = None,
    from_: Annotated[
        tuple | None, option(words, "Take the rows of these checkpoints.", flag="--from")
    ] = None,
    tensor: Annotated[tuple | None, option(words, "Their tensor.", "the unembedding")] = None,
    near: Annotated[
        tuple | None, option(words, "Only rows near that of the largest hole, or of an id.")
    ] = None,
    exponents: Annotated[tuple | None, option(counts, "How near, in powers of 2.", "5")] = None,
    radius: Annotated[tuple | None, option(reals, "How far to go.", "0.371")] = None,
    steps: Annotated[tuple | None, option(counts, "In how many steps of R/X.", "100")] = None,
    direction: Annotated[
        tuple | None, option(words, "random, diagonal, axis, centroid, or a FILE.npy.", "random")
    ] = None,
    direction_seed: Annotated[
        tuple | None, option(counts, "Seed of a random direction.", "0")
    ] = None,
    seed: Annotated[tuple | None, option(counts, "Seed of the cloud.", "0")] = None,
    seeds: Annotated[
        int | None, typer.Option(parser=whole, metavar="N", help="Seeds 0 to N-1 of the cloud.")
    ] = None,
    format_: Annotated[
        tuple | None, option(words, FORMATS, "bfloat16, or the tensor's", "--format")
    ] = None,
    rounding: Annotated[
        tuple | None, option(words, "nearest, toward-zero or stochastic.", "nearest")
    ] = None,
    schedule: Annotated[
        tuple | None, option(words, "constant, linear, cosine or exponential.", "constant")
    ] = None,
    decay: Annotated[tuple | None, option(reals, "Of the exponential schedule.", "0.99")] = None,
    master: Annotated[
        tuple | None, option(words, "float32 master weights, or none.", "none")
    ] = None,
    jitter: Annotated[tuple | None, option(reals, "Spread of the tokens' strengths.", "0")] = None,
    survivors_: Annotated[
        tuple | None, option(survivors, "Tokens present at the end.", "all", "--survivors")
    ] = None,
    records: Annotated[
        int, typer.Option(parser=whole, metavar="K", help="Count at K + 1 steps, 0 to X.")
    ] = 50,
    engine: Engine = "auto",
    device: Device = "auto",
    devices: Devices = 1,
    memory: Memory = None,
    workers: Annotated[
        int | None, typer.Option(parser=whole, metavar="N", help=WORKERS, show_default="none")
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help=SCHEDULER, show_default="none")
    ] = None,
    out: Out = None,
    overwrite: Overwrite = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Try cells that failed again.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what it would take; write nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Run every combination of the values that options are given.

    Most options take a list, 0.1,0.371,1, or a range: 1e-10:1e-6:25 are 25 values
    evenly spaced in their logarithm, 0:1:11:lin are 11 evenly spaced. The same
    command resumes a sweep that was interrupted.
    """
    from drift.experiments.cli.dry_run import dry
    from drift.sim.sweeps.grid import Grid

    asked = {
        "sigma": sigma,
        "tokens": tokens,
        "dims": dims,
        "from": from_,
        "tensor": tensor,
        "near": near,
        "exponents": exponents,
        "radius": radius,
        "steps": steps,
        "direction": direction,
        "direction_seed": direction_seed,
        "seed": seeds_of(seed, seeds),
        "format": format_,
        "rounding": rounding,
        "schedule": schedule,
        "decay": decay,
        "master": master,
        "jitter": jitter,
        "survivors": survivors_,
        "records": (records,),
    }
    grid = Grid.given(spelled({name: found for name, found in asked.items() if found is not None}))
    place, store = Place(engine, device, devices, memory), out or default_store(grid)
    crew = Crew(workers, scheduler)
    if dry_run:
        crew.leave_out()
        dry(grid, place, store, overwrite, retry_failed, as_json)
    else:
        swept(grid, place, store, overwrite, retry_failed, as_json, crew)
