"""`drift plot lines`: any quantity of runs and sweeps over any axis."""

from typing import Annotated

import typer

from drift.experiments.cli.figure_files import FigureFiles, with_figure_files
from drift.experiments.cli.options import store
from drift.experiments.cli.sources import beside
from drift.experiments.console.terminal import remark
from drift.experiments.console.values import parse_names, parse_real
from drift.sim.stores.location import StoreLocation

EXAMPLE = "drift plot lines grid.zarr --x sigma --y distinct --hue steps"

_ROLE = "an axis, source or quantity."


@with_figure_files
def lines_command(
    stores: Annotated[
        list[StoreLocation],
        typer.Argument(parser=store, metavar="STORE", help="Sweeps, predicted grids or runs."),
    ],
    x: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Along x: an axis of the sweep, step, progress, or a quantity, as reached.",
            show_default="sigma, or what fits best",
        ),
    ] = None,
    y: Annotated[
        tuple | None,
        typer.Option(
            parser=parse_names,
            metavar="NAME,…",
            help="Quantities: distinct, fraction, black_holes, black_hole_tokens, held, singletons,"
            " largest, pairs, alive, reached, stalled, moved, asked, done; of predicted grids also"
            " distinct_error, pairs_error, largest_5, largest_95.",
            show_default="distinct",
        ),
    ] = None,
    hue: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help=f"Colours: {_ROLE}", show_default="the axis that fits best"
        ),
    ] = None,
    col: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help=f"Panels beside each other: {_ROLE}", show_default="none"
        ),
    ] = None,
    row: Annotated[
        str | None,
        typer.Option(metavar="NAME", help=f"Panels below each other: {_ROLE}", show_default="none"),
    ] = None,
    at: Annotated[
        list[str] | None,
        typer.Option(
            metavar="AXIS=VALUE,…",
            help="Fix other axes at these values, which may be abbreviated.",
            show_default="their first values",
        ),
    ] = None,
    progress: Annotated[
        float,
        typer.Option(
            parser=parse_real,
            metavar="F",
            help="Over an axis: fraction of the steps after which tokens are counted.",
        ),
    ] = 1.0,
    xscale: Annotated[
        str, typer.Option(metavar="SCALE", help="Scale of x: auto, linear or log.")
    ] = "auto",
    yscale: Annotated[
        str, typer.Option(metavar="SCALE", help="Scale of y: auto, linear or log.")
    ] = "auto",
    spread: Annotated[
        str,
        typer.Option(
            metavar="WHAT",
            help="What bands show of seeds and directions: range (min to max), deviation (one"
            " standard deviation to each side) or none.",
        ),
    ] = "range",
    prediction: Annotated[
        bool | None,
        typer.Option(
            "--prediction/--no-prediction",
            help="Draw the prediction of drift predict.",
            show_default="where it is quick",
        ),
    ] = None,
    *,
    files: FigureFiles,
) -> None:
    """Draw any quantity of runs, sweeps and predicted grids over any axis, as lines.

    Lines are means over seeds and random directions, with a band for their
    spread, and crosses where it is predicted. --x asked --y done draws the
    distance that is done over the one that was asked for.
    """
    from drift.experiments.figures.expected import ExpectedPairs
    from drift.experiments.figures.lines.chosen import choose
    from drift.experiments.plots import inputs, plots

    expected_pairs = ExpectedPairs(prediction)
    names = y or ("distinct",)
    chosen = choose(inputs.line_sources(stores), x, names, hue, col, row, at or [])
    drawn = plots.lines(
        stores,
        x,
        names,
        hue,
        col,
        row,
        at=at,
        progress=progress,
        xscale=xscale,
        yscale=yscale,
        spread=spread,
        prediction=expected_pairs,
        **files.look,
    )
    files.save(drawn, beside(stores, "lines"), expected_pairs.missing)
    if chosen.unasked:
        shown = ", ".join(f"{name}={value}" for name, value in chosen.unasked.items())
        remark(f"shown at {shown}, the first values; --at AXIS=VALUE shows others")
