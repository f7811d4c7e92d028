"""Where the figures of a verb go, and what it says of them."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from drift.experiments.addresses import path
from drift.experiments.screen import remark, say
from drift.sim.stores.location import LocalLocation, StoreLocation

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Out = Annotated[
    Path | None,
    typer.Option(
        parser=path,
        metavar="NAME",
        help="Path of the figures, without ending.",
        show_default="beside the first source; here, of one on s3://",
    ),
]


def beside(sources: list[StoreLocation], what: str) -> Path:
    """Where figures go that are given no name: beside the first source, if it is at a path."""
    place = sources[0]
    first = place.path if isinstance(place, LocalLocation) else Path(place.name)
    if first.name in ("", ".."):
        first = Path(os.path.abspath(first))
    name = first.name.removesuffix(".zarr").removesuffix(".index.json").removesuffix(".safetensors")
    return first.with_name(f"{name}-{what}")


def save(
    drawn: "Figure", name: Path, as_json: bool, missing: Mapping[str, int] | None = None
) -> None:
    """Write the figure, and say where.

    What is `missing` of a prediction, if there can be one: of how many drifts, by why.
    """
    from drift.experiments import figures

    paths = figures.save(drawn, name)
    if as_json:
        whys = [{"why": why, "drifts": drifts} for why, drifts in (missing or {}).items()]
        about = {} if missing is None else {"not_predicted": whys}
        print(json.dumps({"figures": [str(each) for each in paths], **about}))
    else:
        for each in paths:
            say(f"figure: {each}")
        for why, drifts in (missing or {}).items():
            remark(f"not predicted{f', of {drifts:,} drifts' if drifts > 1 else ''}: {why}")
