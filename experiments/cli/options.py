"""The options that say what a drift is, and how places are written: a path, or s3://BUCKET/NAME."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from drift.experiments.console.values import kept, real, whole
from drift.sim.errors import BadInput
from drift.sim.stores.locate import locate
from drift.sim.stores.location import LocalLocation, StoreLocation

if TYPE_CHECKING:
    from drift.sim.spec.drift import Drift


def store(text: str) -> StoreLocation:
    """Where a store is. Raises typer.BadParameter for what is no address."""
    if not text:  # to a shell, a variable that is not set
        raise typer.BadParameter("an empty name is no place; a path is, or s3://BUCKET/NAME")
    try:
        return locate(text)
    except BadInput as error:
        raise typer.BadParameter(str(error)) from error


def path(text: str) -> Path:
    """A path on this machine, where a store may be but something else is meant.

    Raises typer.BadParameter for one on object storage.
    """
    found = store(text)
    if not isinstance(found, LocalLocation):
        raise typer.BadParameter(f"{found} is on object storage; a local path is needed")
    return found.path


Out = Annotated[
    StoreLocation | None,
    typer.Option(
        parser=store,
        metavar="STORE",
        help="The store: a path, or s3://BUCKET/NAME with the extra s3, AWS_… variables saying"
        " where.",
        show_default="named under results/",
    ),
]
Overwrite = Annotated[
    bool,
    typer.Option(
        "--overwrite",
        help="Replace the store that is there: at a path once the new one is begun; s3:// renames"
        " nothing, and what is there goes first.",
    ),
]


def drift_of(
    from_: Path | None,
    tensor: str | None,
    near: str | None,
    exponents: int | None,
    **fields: Any,
) -> "Drift":
    """The drift of the options of these names, None where one is not given.

    Raises BadInput where they do not go together.
    """
    from drift.sim.clouds.checkpoint_rows import from_checkpoint
    from drift.sim.errors import BadInput
    from drift.sim.spec.drift import Drift

    given = {name: value for name, value in fields.items() if value is not None}
    if from_ is not None:
        return from_checkpoint(from_, tensor, near, exponents, **given)
    for name, value in {"tensor": tensor, "near": near, "exponents": exponents}.items():
        if value is not None:
            raise BadInput(f"{name} is {value} without --from, which names a checkpoint")
    return Drift(**given)


FORMATS = "bfloat16, float16, float8_e4m3fn, float8_e5m2, float4_e2m1fn or float32."

Tokens = Annotated[
    int | None,
    typer.Option(parser=whole, metavar="N", help="Tokens drawn.", show_default="2212"),
]
Dims = Annotated[
    int | None,
    typer.Option(parser=whole, metavar="D", help="Their dimensions.", show_default="2560"),
]
From = Annotated[
    Path | None,
    typer.Option(
        "--from", parser=path, metavar="CHECKPOINT", help="Take its rows; nothing is drawn."
    ),
]
Radius = Annotated[
    float, typer.Option(parser=real, metavar="R", help="How far the cloud is to go.")
]
Steps = Annotated[int, typer.Option(parser=whole, metavar="X", help="In how many steps of R/X.")]
Direction = Annotated[
    str, typer.Option(metavar="NAME", help="random, diagonal, axis, centroid, or a FILE.npy.")
]
DirectionSeed = Annotated[
    int, typer.Option(parser=whole, metavar="SEED", help="Seed of a random direction.")
]
Format = Annotated[
    str | None,
    typer.Option(
        "--format", metavar="NAME", help=FORMATS, show_default="bfloat16, or the tensor's"
    ),
]
Rounding = Annotated[str, typer.Option(metavar="NAME", help="nearest, toward-zero or stochastic.")]
Schedule = Annotated[
    str, typer.Option(metavar="NAME", help="constant, linear, cosine or exponential.")
]
Decay = Annotated[
    float, typer.Option(parser=real, metavar="REAL", help="Of the exponential schedule.")
]
Master = Annotated[str, typer.Option(metavar="NAME", help="float32 master weights, or none.")]
Jitter = Annotated[
    float, typer.Option(parser=real, metavar="REAL", help="Spread of the tokens' strengths.")
]
Survivors = Annotated[
    int | None,
    typer.Option(parser=kept, metavar="K", help="Tokens present at the end.", show_default="all"),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
