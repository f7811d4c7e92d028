"""`drift run`: one drift, from its options to its table."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from experiments.addresses import store
from experiments.numbers import kept, real, size, whole, wholes
from experiments.place import DISTRIBUTED, Place
from sim.places import Address

if TYPE_CHECKING:
    from sim.spec import Drift

_FORMATS = "bfloat16, float16, float8_e4m3fn, float8_e5m2, float4_e2m1fn or float32."
_OUT = "The store: a path, or s3://BUCKET/NAME with the extra s3 (AWS_… variables say where)."
_OVERWRITE = (
    "Replace the store that is there: at a path once the new one is begun; s3:// renames nothing,"
    " and what is there goes first."
)

EXAMPLE = "Example: drift run --sigma 1e-9 --radius 0.371 --steps 100 --out results/first.zarr"


def command(
    sigma: Annotated[
        float, typer.Option(parser=real, metavar="REAL", help="Standard deviation of the cloud.")
    ],
    tokens: Annotated[
        int, typer.Option(parser=whole, metavar="N", help="Tokens in the cloud.")
    ] = 2212,
    dims: Annotated[
        int, typer.Option(parser=whole, metavar="D", help="Dimensions of a token.")
    ] = 2560,
    radius: Annotated[
        float, typer.Option(parser=real, metavar="R", help="How far the cloud is to go.")
    ] = 0.371,
    steps: Annotated[
        int, typer.Option(parser=whole, metavar="X", help="In how many steps of R/X.")
    ] = 100,
    direction: Annotated[
        str, typer.Option(metavar="NAME", help="random, diagonal, axis, or a vector FILE.npy.")
    ] = "random",
    direction_seed: Annotated[
        int, typer.Option(parser=whole, metavar="SEED", help="Seed of a random direction.")
    ] = 0,
    seed: Annotated[int, typer.Option(parser=whole, metavar="SEED", help="Seed of the cloud.")] = 0,
    format_: Annotated[str, typer.Option("--format", metavar="NAME", help=_FORMATS)] = "bfloat16",
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
    engine: Annotated[
        str, typer.Option(metavar="NAME", help="auto, step or leap; all give the same bits.")
    ] = "auto",
    device: Annotated[str, typer.Option(metavar="NAME", help="auto, cpu, gpu or tpu.")] = "auto",
    devices: Annotated[
        int,
        typer.Option(parser=whole, metavar="N", help="Devices, of each process, to share tokens."),
    ] = 1,
    memory: Annotated[
        int | None,
        typer.Option(
            parser=size,
            metavar="SIZE",
            help="Host memory to use at most: bytes, 500M, 8GiB.",
            show_default="what is free",
        ),
    ] = None,
    distributed: Annotated[str | None, typer.Option(metavar="WHERE", help=DISTRIBUTED)] = None,
    out: Annotated[
        Address | None,
        typer.Option(parser=store, metavar="STORE", help=_OUT, show_default="named under results/"),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help=_OVERWRITE)] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document on stdout.")
    ] = False,
) -> None:
    """Move one cloud and count its black holes.

    Draws TOKENS vectors of DIMS coordinates from N(0, SIGMA), moves them RADIUS
    along a unit direction in STEPS float32 steps, rounded to FORMAT after each,
    and counts which share a cell. The same command resumes a run that was
    interrupted.
    """
    from sim.spec import Drift

    drift = Drift(
        sigma=sigma,
        tokens=tokens,
        dims=dims,
        radius=radius,
        steps=steps,
        direction=direction,
        direction_seed=direction_seed,
        seed=seed,
        format=format_,
        rounding=rounding,  # type: ignore[arg-type]  # Drift checks the names
        schedule=schedule,  # type: ignore[arg-type]
        decay=decay,
        master=master,  # type: ignore[arg-type]
        jitter=jitter,
        survivors=survivors,
        records=records,
        at=at,
        snapshots=snapshots,  # type: ignore[arg-type]
    )
    place = Place(engine, device, devices, memory, distributed)
    result = place.run(drift, out or default_store(drift), overwrite)
    if result is None:
        return
    if as_json:
        print(json.dumps(result))
    else:
        from experiments.tables import show_run

        show_run(result)


def default_store(drift: "Drift") -> Address:
    """Where a run goes that names no place: one path for each spec."""
    import hashlib

    spec = json.dumps(drift.as_json(), sort_keys=True)
    digest = hashlib.sha256(spec.encode()).hexdigest()[:8]
    name = f"run-sigma{drift.sigma:g}-R{drift.radius:g}-X{drift.steps}-{digest}.zarr"
    return store(f"results/{name}")
