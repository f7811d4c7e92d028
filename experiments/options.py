"""The options that say what a drift is, for the verbs that take one of each."""

from pathlib import Path
from typing import Annotated

import typer

from drift.experiments.addresses import path
from drift.experiments.numbers import kept, real, whole

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
