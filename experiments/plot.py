"""`drift plot`: figures of stored runs. Needs no accelerator, repeats no run."""

import json
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Draw figures of stored runs, as PNG and SVG.", no_args_is_help=True)

_CURVES = "Example: drift plot curves results/first.zarr --out results/first-curves"


@app.command("curves", epilog=_CURVES)
def curves_command(
    stores: Annotated[list[Path], typer.Argument(metavar="STORE…", help="Runs to overlay.")],
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="NAME",
            help="Path of the figures, without ending.",
            show_default="beside the first store",
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

    runs = [RunStore(path) for path in stores]
    name = out or stores[0].with_name(stores[0].name.removesuffix(".zarr") + "-curves")
    paths = save(curves(runs), name)
    if as_json:
        print(json.dumps({"figures": [str(path) for path in paths]}))
    else:
        for path in paths:
            print(f"figure: {path}")
