"""`drift run`: one drift, from its options to its table."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from experiments.addresses import Out, Overwrite, path
from experiments.clouds import drift_of
from experiments.numbers import kept, real, whole, wholes
from experiments.place import DISTRIBUTED, Device, Devices, Engine, Memory, Place, default_store

_FORMATS = "bfloat16, float16, float8_e4m3fn, float8_e5m2, float4_e2m1fn or float32."

EXAMPLE = "Example: drift run --sigma 1e-9 --radius 0.371 --steps 100 --out results/first.zarr"


def command(
    sigma: Annotated[
        float | None,
        typer.Option(parser=real, metavar="REAL", help="Standard deviation of a drawn cloud."),
    ] = None,
    tokens: Annotated[
        int | None,
        typer.Option(parser=whole, metavar="N", help="Tokens drawn.", show_default="2212"),
    ] = None,
    dims: Annotated[
        int | None,
        typer.Option(parser=whole, metavar="D", help="Their dimensions.", show_default="2560"),
    ] = None,
    from_: Annotated[
        Path | None,
        typer.Option(
            "--from", parser=path, metavar="CHECKPOINT", help="Take its rows; nothing is drawn."
        ),
    ] = None,
    tensor: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Its tensor.", show_default="the unembedding"),
    ] = None,
    near: Annotated[
        str | None,
        typer.Option(metavar="WHICH", help="Only rows near that of the largest hole, or of an id."),
    ] = None,
    exponents: Annotated[
        int | None,
        typer.Option(parser=whole, metavar="K", help="How near, in powers of 2.", show_default="5"),
    ] = None,
    radius: Annotated[
        float, typer.Option(parser=real, metavar="R", help="How far the cloud is to go.")
    ] = 0.371,
    steps: Annotated[
        int, typer.Option(parser=whole, metavar="X", help="In how many steps of R/X.")
    ] = 100,
    direction: Annotated[
        str,
        typer.Option(metavar="NAME", help="random, diagonal, axis, centroid, or a FILE.npy."),
    ] = "random",
    direction_seed: Annotated[
        int, typer.Option(parser=whole, metavar="SEED", help="Seed of a random direction.")
    ] = 0,
    seed: Annotated[int, typer.Option(parser=whole, metavar="SEED", help="Seed of the cloud.")] = 0,
    format_: Annotated[
        str | None,
        typer.Option(
            "--format", metavar="NAME", help=_FORMATS, show_default="bfloat16, or the tensor's"
        ),
    ] = None,
    rounding: Annotated[
        str, typer.Option(metavar="NAME", help="nearest, toward-zero or stochastic.")
    ] = "nearest",
    schedule: Annotated[
        str, typer.Option(metavar="NAME", help="constant, linear, cosine or exponential.")
    ] = "constant",
    decay: Annotated[
        float, typer.Option(parser=real, metavar="REAL", help="Of the exponential schedule.")
    ] = 0.99,
    master: Annotated[
        str, typer.Option(metavar="NAME", help="float32 master weights, or none.")
    ] = "none",
    jitter: Annotated[
        float, typer.Option(parser=real, metavar="REAL", help="Spread of the tokens' strengths.")
    ] = 0.0,
    survivors: Annotated[
        int | None,
        typer.Option(
            parser=kept, metavar="K", help="Tokens present at the end.", show_default="all"
        ),
    ] = None,
    records: Annotated[
        int, typer.Option(parser=whole, metavar="K", help="Count at K + 1 steps, 0 to X.")
    ] = 50,
    at: Annotated[
        tuple | None,
        typer.Option(parser=wholes, metavar="STEP,…", help="Count at these steps instead."),
    ] = None,
    snapshots: Annotated[
        str, typer.Option(metavar="WHICH", help="Clouds to keep: none, ends or records.")
    ] = "ends",
    engine: Engine = "auto",
    device: Device = "auto",
    devices: Devices = 1,
    memory: Memory = None,
    distributed: Annotated[str | None, typer.Option(metavar="WHERE", help=DISTRIBUTED)] = None,
    out: Out = None,
    overwrite: Overwrite = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document on stdout.")
    ] = False,
) -> None:
    """Move one cloud and count its black holes.

    Draws TOKENS vectors of DIMS coordinates from N(0, SIGMA), or takes those of a
    checkpoint, moves them RADIUS along a unit direction in STEPS float32 steps,
    rounded to FORMAT after each, and counts which share a cell. The same command
    resumes a run that was interrupted.
    """
    drift = drift_of(
        from_,
        tensor,
        near,
        exponents,
        sigma=sigma,
        tokens=tokens,
        dims=dims,
        radius=radius,
        steps=steps,
        direction=direction,
        direction_seed=direction_seed,
        seed=seed,
        format=format_,
        rounding=rounding,
        schedule=schedule,
        decay=decay,
        master=master,
        jitter=jitter,
        survivors=survivors,
        records=records,
        at=at,
        snapshots=snapshots,
    )
    place = Place(engine, device, devices, memory, distributed)
    result = place.run(drift, out or default_store(drift), overwrite)
    if result is None:
        return
    if zeroed := result.get("cloud", {}).get("zeroed"):
        print(
            f"drift: {zeroed:,} values of {result['cloud']['matrix']} became +0, being smaller"
            f" than {drift.smallest_drawn:.3g}",
            file=sys.stderr,
        )
    if as_json:
        print(json.dumps(result))
    else:
        from experiments.tables import show_run

        show_run(result)
