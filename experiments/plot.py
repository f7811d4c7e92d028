"""`drift plot`: figures of stored runs. Needs no accelerator, repeats no run."""

import json
from pathlib import Path
from typing import Annotated

import typer

from experiments.addresses import path, store
from sim.places import Address, Local

app = typer.Typer(help="Draw figures of stored runs, as PNG and SVG.", no_args_is_help=True)

_CURVES = "Example: drift plot curves results/first.zarr --out results/first-curves"


@app.command("curves", epilog=_CURVES)
def curves_command(
    stores: Annotated[
        list[Address], typer.Argument(parser=store, metavar="STORE…", help="Runs to overlay.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            parser=path,
            metavar="NAME",
            help="Path of the figures, without ending.",
            show_default="beside the first store; here, of one on s3://",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document on stdout.")
    ] = False,
) -> None:
    """Draw the coalescence curve: distinct cells and the largest black hole against radius."""
    from experiments.curves import curves
    from experiments.figures import save
    from sim.store import RunStore

    runs = [RunStore(each) for each in stores]
    paths = save(curves(runs), out or _beside(stores[0]))
    if as_json:
        print(json.dumps({"figures": [str(each) for each in paths]}))
    else:
        for each in paths:
            print(f"figure: {each}")


def _beside(place: Address) -> Path:
    """Where figures of a store go, or, where it is not on this machine, those of its name."""
    at = place.path if isinstance(place, Local) else Path(place.name)
    return at.with_name(at.name.removesuffix(".zarr") + "-curves")
