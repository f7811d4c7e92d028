"""The options that say where token vectors come from.

source     a run's store, or a checkpoint (sim.open_matrix)
selection  the tokens around one token (sim.checkpoints.selection), or all of them
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import islice, product
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from drift.experiments.console.terminal import remark
from drift.experiments.console.values import parse_whole
from drift.sim.spec.origin import EXPONENTS
from drift.sim.stores.location import LocalLocation, StoreLocation

if TYPE_CHECKING:
    from drift.sim.spec.drift import Drift
    from drift.sim.sweeps.grid import Grid

_MOST_NOTES, _MOST_CLOUDS = 3, 1000


SOURCE = (
    "A run's store (a path or s3://BUCKET/NAME), or a checkpoint: a .safetensors file, a"
    " directory, an index or a hub's ORG/NAME; or a .npy matrix."
)

Download = Annotated[
    bool,
    typer.Option(
        "--download",
        help="Fetch a hub's model, ORG/NAME, into the hub's cache first; needs the extra hub.",
    ),
]
Tensor = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Matrix of the checkpoint.",
        show_default="unembedding, or embedding where tied",
    ),
]
Snapshot = Annotated[
    int | None,
    typer.Option(
        parser=parse_whole,
        metavar="STEP",
        help="Runs: the step whose cloud is taken.",
        show_default="the last",
    ),
]
Near = Annotated[
    str | None,
    typer.Option(
        metavar="WHICH",
        help="Take only tokens near this one: largest (in the largest black hole) or an id.",
        show_default="all tokens",
    ),
]
Exponents = Annotated[
    int | None,
    typer.Option(
        parser=parse_whole,
        metavar="N",
        help="With --near: largest difference of exponents, in any dimension.",
        show_default=str(EXPONENTS),
    ),
]


def beside(sources: list[StoreLocation], what: str) -> Path:
    """Return the path of figures that are given none: beside the first source, if it is a path."""
    place = sources[0]
    is_path = isinstance(place, LocalLocation) and place.exists()  # a hub's ORG/NAME is none
    first = place.path if isinstance(place, LocalLocation) and is_path else Path(place.name)
    if first.name in ("", ".."):
        first = Path(os.path.abspath(first))
    name = first.name.removesuffix(".zarr").removesuffix(".index.json").removesuffix(".safetensors")
    return first.with_name(f"{name}-{what}")


def fetch(*places: StoreLocation) -> None:
    """Download the hub's models that `places` name, where nothing is there.

    Raises BadInput where there is none to fetch, and as sim.checkpoints.download does.
    """
    from drift.sim.checkpoints.download import download
    from drift.sim.errors import BadInput

    missing = [each for each in places if isinstance(each, LocalLocation) and not each.exists()]
    if not missing:
        there = ", ".join(map(str, places))
        raise BadInput(f"--download is given, but {there} is there already; leave it out")
    for place in missing:
        download(place.path)


def say_notes(place: StoreLocation, tensor: str | None) -> None:
    """Say on stderr what was passed over in the checkpoint at `place`, if it is one."""
    from drift.sim.checkpoints.checkpoint import Checkpoint
    from drift.sim.open_matrix import is_run

    if isinstance(place, LocalLocation) and not is_run(place) and place.path.suffix != ".npy":
        found = Checkpoint(place.path)
        if tensor is None:
            found.default()
        for note in found.notes:
            remark(note)


def say_complete(place: StoreLocation, verb: str) -> None:
    """Say on stderr that a store was complete before, so that nothing was done."""
    remark(f"{place} is complete, so that nothing is done; --overwrite {verb}s it again")


RESULTS = "results"
"""The folder of stores that are given no name."""


def missing_parent(out: StoreLocation | Path | None) -> Path | None:
    """Return the outermost folder above `out` that is still to be made, if any is.

    None for the folder of stores that are given no name, which is made unasked.
    """
    place = out.path if isinstance(out, LocalLocation) else out
    if not isinstance(place, Path):
        return None
    above = [each for each in place.absolute().parents if not each.exists()]
    return above[-1] if above and above[-1] != Path(RESULTS).absolute() else None


def say_made(folder: Path | None) -> None:
    """Say on stderr that a folder was made, where one was missing."""
    if folder is not None and folder.is_dir():
        near = folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder
        remark(f"the folder {near} was not there, and was made")


def say_slice(fixed: Mapping[str, int], asked: Mapping[str, int], grid: "Grid") -> None:
    """Say on stderr at which values axes stand that were not chosen."""
    left = [axis for axis in grid.axes if axis.name in fixed and axis.name not in asked]
    if left:
        shown = ", ".join(f"{axis.name}={axis.meanings[fixed[axis.name]]}" for axis in left)
        remark(f"shown at {shown}, the first values; --at AXIS=VALUE shows others")


def say_facts(drift: "Drift") -> None:
    """Say on stderr what is not obvious of the motion of a drift."""
    if drift.motion == "straight" and not drift.weight_decay:
        return
    from drift.sim.motions.facts import facts

    for fact in facts(drift):
        remark(fact)


def say_collapsed(drifts: Iterable["Drift"]) -> None:
    """Say on stderr which clouds start collapsed, and what sigma would spread them."""
    from drift.sim.errors import BadInput
    from drift.sim.prediction.collapsed import collapsed_note

    found: list[str] = []
    for drift in drifts:
        with suppress(BadInput):  # of its centre, which whoever draws the cloud says
            found += filter(None, [collapsed_note(drift)])
    for note in found[:_MOST_NOTES]:
        remark(note)
    if len(found) > _MOST_NOTES:
        remark(f"{len(found) - _MOST_NOTES} more clouds start collapsed likewise")


def clouds_of(grid: "Grid") -> "Iterator[Drift]":
    """Give a drift for each cloud of a grid but for its seeds, of those that make sense.

    Of very many the first are given, and none of rows.
    """
    from drift.sim.errors import BadInput
    from drift.sim.sweeps.grid import drift_of

    clouds = ("sigma", "format", "centre", "shape", "master")
    fields = {name: each for name, each in grid.fields.items() if name != "at"}
    if fields["sigma"] == (None,):
        return
    several = [name for name in clouds if len(fields[name]) > 1]
    for values in islice(product(*(fields[name] for name in several)), _MOST_CLOUDS):
        first = {name: each[0] for name, each in fields.items()}
        with suppress(BadInput):  # such points fail, and say why
            yield drift_of({**first, **dict(zip(several, values, strict=True))})
