"""`drift plot`: figures of stored runs and sweeps, and of checkpoints.

It needs no accelerator and repeats no run; predictions are made anew.
"""

from collections.abc import Callable
from typing import Annotated

import typer

from drift.experiments.cli.figure_files import FigureFiles, with_figure_files
from drift.experiments.cli.help import Verb, Verbs, example
from drift.experiments.cli.options import store
from drift.experiments.cli.plot_lines import EXAMPLE as LINES
from drift.experiments.cli.plot_lines import lines_command
from drift.experiments.cli.sources import (
    SOURCE,
    Exponents,
    Near,
    Snapshot,
    Tensor,
    beside,
    say_slice,
)
from drift.experiments.console.values import parse_names, parse_real, parse_wholes
from drift.sim.stores.location import StoreLocation

Source = Annotated[StoreLocation, typer.Argument(parser=store, metavar="SOURCE", help=SOURCE)]
Sources = Annotated[
    list[StoreLocation], typer.Argument(parser=store, metavar="SOURCE", help=SOURCE)
]

Predicted = Annotated[
    bool | None,
    typer.Option(
        "--prediction/--no-prediction",
        help="Draw the prediction of drift predict.",
        show_default="where it is quick",
    ),
]


def _holes(
    sources: Sources,
    observed: Annotated[
        bool, typer.Option("--observed", help="Also draw the populations observed in Qwen3-4B.")
    ] = False,
    tensor: Tensor = None,
    snapshot: Snapshot = None,
    near: Near = None,
    exponents: Exponents = None,
    prediction: Predicted = None,
    *,
    files: FigureFiles,
) -> None:
    """Draw the populations of the black holes by rank, several sources overlaid.

    The expected number of black holes of so many tokens or more is drawn over
    those of a run. The options that select a cloud or tokens apply to every
    source.
    """
    from drift.experiments.figures.expected import ExpectedPairs
    from drift.experiments.plots import plots

    expectations = ExpectedPairs(prediction)
    drawn = plots.holes(
        sources,
        observed=observed,
        tensor=tensor,
        snapshot=snapshot,
        near=near,
        exponents=exponents,
        prediction=expectations,
        **files.look,
    )
    files.save(drawn, beside(sources, "holes"), expectations.missing)


def _components(
    source: Source,
    tensor: Tensor = None,
    snapshot: Snapshot = None,
    near: Near = None,
    exponents: Exponents = None,
    *,
    files: FigureFiles,
) -> None:
    """Draw each component of adjacent cells, black holes sized by population.

    Components are numbered as in drift structure. Cells are placed by their
    lattice distances, as far as a plane allows.
    """
    from drift.experiments.cli.structure import examined, say_strange
    from drift.experiments.plots import plots

    found, selection = examined(source, tensor, snapshot, near, exponents)
    drawn = plots.components(found, selection=selection, **files.look)
    files.save(drawn, beside([source], "components"))
    say_strange(found)


def _cloud(
    source: Source,
    plane: Annotated[
        tuple | None,
        typer.Option(
            parser=parse_wholes,
            metavar="I,J",
            help="Dimensions of the horizontal and the vertical axis, from 0.",
            show_default="the two that separate most cells",
        ),
    ] = None,
    tensor: Tensor = None,
    snapshot: Snapshot = None,
    near: Near = None,
    exponents: Exponents = None,
    *,
    files: FigureFiles,
) -> None:
    """Draw a cloud in a plane of two dimensions, its largest black holes in colour.

    For a run the initial cloud is drawn beside it, each token in the colour of
    the black hole that it will fall into. Tokens at one point are drawn as a
    disc, with a ring for each black hole among them. Lines mark the lattice,
    where it is coarse.
    """
    from drift.experiments.plots import plots

    drawn = plots.cloud(
        source,
        plane,
        tensor=tensor,
        snapshot=snapshot,
        near=near,
        exponents=exponents,
        **files.look,
    )
    files.save(drawn, beside([source], "cloud"))


def _track(
    source: Annotated[
        StoreLocation, typer.Argument(parser=store, metavar="STORE", help="The store of a track.")
    ],
    panels: Annotated[
        tuple | None,
        typer.Option(
            parser=parse_names,
            metavar="NAME,…",
            help="Panels: phases, freezing, displacement, centroid, energy, moves.",
            show_default="all",
        ),
    ] = None,
    *,
    files: FigureFiles,
) -> None:
    """Draw a track: when tokens freeze, how far they and their centroid move.

    Panels: tokens by phase over the steps; a histogram of the steps at which they
    froze; quantiles of their displacements; the centroid and its motion; bulk
    against thermal motion; and which tokens move when.
    """
    from drift.experiments.plots import plots

    files.save(plots.track(source, panels, **files.look), beside([source], "track"))


VERBS: dict[str, tuple[Callable[..., None], str]] = {
    "holes": (_holes, "drift plot holes first.zarr --observed"),
    "components": (_components, "drift plot components first.zarr --near largest"),
    "cloud": (_cloud, "drift plot cloud first.zarr"),
    "track": (_track, "drift plot track track.zarr"),
}
"""The function that draws each kind, and an example."""

app = typer.Typer(
    help="Draw figures of runs, sweeps and checkpoints, as PNG, SVG, PDF or JPEG.",
    epilog="Each kind has its own --help, with an example.",
    cls=Verbs,
    no_args_is_help=True,
)

_CURVES = "drift plot curves first.zarr"
_PHASE = "drift plot phase grid.zarr"

At = Annotated[
    list[str] | None,
    typer.Option(
        metavar="AXIS=VALUE,…",
        help="Sweeps: fix axes at these values, which may be abbreviated.",
    ),
]


@app.command("curves", epilog=example(_CURVES), cls=Verb)
@with_figure_files
def curves_command(
    stores: Annotated[
        list[StoreLocation],
        typer.Argument(parser=store, metavar="STORE", help="Runs to overlay, or a sweep."),
    ],
    at: At = None,
    prediction: Predicted = None,
    *,
    files: FigureFiles,
) -> None:
    """Draw the coalescence curve: distinct cells, largest black hole, pairs over radius.

    The expected number of pairs is drawn over them where it has an exact form. A
    sweep gets one curve for each combination of its axes other than seeds: the
    mean over the seeds, with a min–max band.
    """
    from drift.experiments.figures.expected import ExpectedPairs
    from drift.experiments.plots import plots

    expected_pairs = ExpectedPairs(prediction)
    drawn = plots.curves(stores, at=at, prediction=expected_pairs, **files.look)
    files.save(drawn, beside(stores, "curves"), expected_pairs.missing)


@app.command("phase", epilog=example(_PHASE), cls=Verb)
@with_figure_files
def phase_command(
    sweep: Annotated[StoreLocation, typer.Argument(parser=store, metavar="STORE", help="A sweep.")],
    x: Annotated[
        str | None,
        typer.Option(
            metavar="AXIS",
            help="Horizontal axis.",
            show_default="sigma, or what fits best",
        ),
    ] = None,
    y: Annotated[
        str | None,
        typer.Option(
            metavar="AXIS", help="Vertical axis.", show_default="steps, or what fits best"
        ),
    ] = None,
    at: At = None,
    progress: Annotated[
        float,
        typer.Option(
            parser=parse_real,
            metavar="F",
            help="Fraction of the steps after which tokens are counted.",
        ),
    ] = 1.0,
    prediction: Predicted = None,
    difference: Annotated[
        bool,
        typer.Option(
            "--difference", help="Draw the expected share less the counted one, in their place."
        ),
    ] = False,
    *,
    files: FigureFiles,
) -> None:
    """Draw the share of tokens still distinct at the end, over two axes of a sweep.

    The contour marks one half. With sigma as an axis the onset is drawn too,
    where one coalesced pair is expected. Seeds are averaged; other axes are fixed
    at their first value, or as --at says. With a single axis left, a curve is
    drawn.
    """
    from drift.experiments.figures.expected import ExpectedPairs
    from drift.experiments.plots import plots

    expected_pairs = ExpectedPairs(True if difference and prediction is None else prediction)
    drawn = plots.phase(
        sweep,
        x,
        y,
        at=at,
        progress=progress,
        prediction=expected_pairs,
        difference=difference,
        **files.look,
    )
    from drift.experiments.figures.sweeps.sweep_slice import parse_fixed, plane_slice
    from drift.sim.sweeps.store import open_grid

    opened = open_grid(sweep)
    asked = parse_fixed(opened.grid, at or [])
    files.save(drawn, beside([sweep], "phase"), expected_pairs.missing)
    say_slice(plane_slice(opened, x, y, asked).fixed, asked, opened.grid)


app.command("lines", epilog=example(LINES), cls=Verb)(lines_command)
for _name, (_verb, _example) in VERBS.items():
    app.command(_name, epilog=example(_example), cls=Verb)(with_figure_files(_verb))
