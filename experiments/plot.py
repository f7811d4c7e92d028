"""`drift plot`: figures of stored runs and of checkpoints. Needs no accelerator, repeats no run."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from experiments.addresses import path, store
from experiments.source import SOURCE, AsJson, Exponents, Near, Snapshot, Tensor
from sim.places import Address, Local

if TYPE_CHECKING:
    from matplotlib.figure import Figure

app = typer.Typer(
    help="Draw figures of runs and checkpoints, as PNG and SVG.", no_args_is_help=True
)

_CURVES = "Example: drift plot curves results/first.zarr --out results/first-curves"
_HOLES = "Example: drift plot holes results/demo.zarr --observed"
_COMPONENTS = "Example: drift plot components results/demo.zarr --near largest"

Sources = Annotated[list[Address], typer.Argument(parser=store, metavar="SOURCE…", help=SOURCE)]
Out = Annotated[
    Path | None,
    typer.Option(
        parser=path,
        metavar="NAME",
        help="Path of the figures, without ending.",
        show_default="beside the first source; here, of one on s3://",
    ),
]


@app.command("curves", epilog=_CURVES)
def curves_command(
    stores: Annotated[
        list[Address], typer.Argument(parser=store, metavar="STORE…", help="Runs to overlay.")
    ],
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Draw the coalescence curve: distinct cells and the largest black hole against radius."""
    from experiments.curves import curves
    from sim.store import RunStore

    _save(curves([RunStore(each) for each in stores]), out or _beside(stores, "curves"), as_json)


@app.command("holes", epilog=_HOLES)
def holes_command(
    sources: Sources,
    observed: Annotated[
        bool, typer.Option("--observed", help="Beside them those observed in Qwen3-4B.")
    ] = False,
    tensor: Tensor = None,
    snapshot: Snapshot = None,
    near: Near = None,
    exponents: Exponents = None,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Draw the populations of the black holes by rank, of several sources over each other.

    The options that choose a cloud or tokens hold for every source.
    """
    from experiments.holes import holes
    from experiments.populations import populations

    found, caption = populations(sources, tensor, snapshot, near, exponents)
    _save(holes(found, caption, observed), out or _beside(sources, "holes"), as_json)


@app.command("components", epilog=_COMPONENTS)
def components_command(
    source: Annotated[Address, typer.Argument(parser=store, metavar="SOURCE", help=SOURCE)],
    tensor: Tensor = None,
    snapshot: Snapshot = None,
    near: Near = None,
    exponents: Exponents = None,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Draw each component of adjacent cells, its black holes by population.

    Components are numbered as drift structure numbers them. Cells of a component
    lie by their distances, as well as a plane allows it.
    """
    from experiments.components import components
    from experiments.structure import examined, say_strange

    found, selection = examined(source, tensor, snapshot, near, exponents)
    _save(components(found, selection), out or _beside([source], "components"), as_json)
    say_strange(found)


def _beside(sources: list[Address], what: str) -> Path:
    """Where figures go that are given no name: beside the first source, if it is at a path."""
    place = sources[0]
    first = place.path if isinstance(place, Local) else Path(place.name)
    if first.name in ("", ".."):
        first = Path(os.path.abspath(first))
    name = first.name.removesuffix(".zarr").removesuffix(".index.json").removesuffix(".safetensors")
    return first.with_name(f"{name}-{what}")


def _save(drawn: "Figure", name: Path, as_json: bool) -> None:
    """Write the figure, and say where."""
    from experiments.figures import save

    paths = save(drawn, name)
    if as_json:
        print(json.dumps({"figures": [str(each) for each in paths]}))
    else:
        for each in paths:
            print(f"figure: {each}")
