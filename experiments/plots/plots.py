"""One function for each kind of figure; each returns a matplotlib Figure.

Sources are results, stores, paths, or lists of them. A `figure` that is given is cleared and drawn
on, in its own size; else a new one is made, which a notebook shows. `prediction` is True or False,
or None, which predicts where that is quick. All kinds take the options of a look: `width` in
inches, `font_size` in points, a `title`, and `caption=False`. Raises BadInput, with the command
line's sentence, for what can't be drawn.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Unpack

from matplotlib.figure import Figure

from drift.experiments.figures import black_holes
from drift.experiments.figures import cloud as clouds
from drift.experiments.figures import components as parts
from drift.experiments.figures import curves as run_curves
from drift.experiments.figures.canvas import drawing_on
from drift.experiments.figures.expected import ExpectedPairs
from drift.experiments.figures.lines.chosen import choose
from drift.experiments.figures.lines.figure import LineScales, line_figure
from drift.experiments.figures.look import FigureOptions
from drift.experiments.figures.sweeps import phase as phases
from drift.experiments.figures.sweeps import transition as transitions
from drift.experiments.figures.sweeps.curves import sweep_curves
from drift.experiments.figures.sweeps.sweep_slice import (
    all_axes,
    parse_fixed,
    plane_slice,
    record_at,
)
from drift.experiments.figures.track import track_figure
from drift.experiments.plots.inputs import (
    each_drawn,
    grid_of,
    items_of,
    line_sources,
    sweep_of,
    track_of,
)
from drift.experiments.plots.looks import with_look
from drift.sim.errors import BadInput
from drift.sim.sources.source import source_of
from drift.sim.structures.structure import Structure, structure_of
from drift.sim.sweeps.grid import Grid

Prediction = bool | None | ExpectedPairs
"""Predictions: wanted, unwanted, or those that are known already."""
At = dict[str, Any] | str | Iterable[str] | None
"""Values at which axes are fixed: {"steps": 100}, or "steps=100" as on the command line."""


def _expected(prediction: Prediction) -> ExpectedPairs:
    return prediction if isinstance(prediction, ExpectedPairs) else ExpectedPairs(prediction)


def _fixed(grid: Grid, at: At) -> dict[str, int]:
    """Return, by axis, the index of the value that it is fixed at."""
    return parse_fixed(grid, at_texts(at))


def at_texts(at: At) -> list[str]:
    """Return the values at which axes are fixed as the command line has them."""
    if isinstance(at, dict):
        return [f"{name}={_spelled(value)}" for name, value in at.items()]
    return [at] if isinstance(at, str) else list(at or [])


def _spelled(value: Any) -> str:
    return repr(float(value)) if isinstance(value, float) else str(value)


@with_look
def curves(
    sources: Any,
    *,
    at: At = None,
    prediction: Prediction = None,
    figure: Figure | None = None,
    **look: Unpack[FigureOptions],
) -> Figure:
    """Draw coalescence curves: distinct cells, largest black hole, pairs over the radius reached.

    `sources` are runs, which are overlaid, or one sweep, of which `at` fixes axes. Raises BadInput
    for runs and sweeps together, and where a run has no record yet.
    """
    given = items_of(sources)
    sweeps = [each for each in map(sweep_of, given) if each is not None]
    if sweeps and len(given) > 1:
        raise BadInput(
            f"{sweeps[0].address} is a sweep, which is drawn alone; {len(given)} stores are given"
        )
    expectations = _expected(prediction)
    if sweeps:
        with drawing_on(figure):
            return sweep_curves(all_axes(sweeps[0], _fixed(sweeps[0].grid, at)), expectations)
    opened = [source_of(each) for each in given]
    if at:
        said = at if isinstance(at, str) else next(iter(at))
        raise BadInput(f"at is {said}, but {opened[0]} is not a sweep; a run has no axes")
    for each in opened:
        if each.location is None and not each.is_run:
            raise BadInput(
                f"{each} is a matrix, which has no records; curves are of runs and sweeps"
            )
    with drawing_on(figure):
        return run_curves.curves([each.run for each in opened], expectations)


@with_look
def phase(
    sweep: Any,
    x: str | None = None,
    y: str | None = None,
    *,
    at: At = None,
    progress: float = 1.0,
    prediction: Prediction = None,
    difference: bool = False,
    figure: Figure | None = None,
    **look: Unpack[FigureOptions],
) -> Figure:
    """Draw the share of tokens still distinct over two axes of a sweep, or over the one it has.

    `x` and `y` name axes, `at` fixes others, which stand at their first value else; `progress` is
    the fraction of the steps. A `difference` is that of the expected share from the counted one.
    Raises BadInput where no grid point is done, and for a difference that there is not.
    """

    def draw(opened: Any) -> Figure:
        chosen = plane_slice(opened, x, y, _fixed(opened.grid, at))
        record = record_at(opened.grid, progress)
        if len(chosen.names) > 1:
            wanted = True if difference and prediction is None else prediction
            return phases.phase(chosen, record, _expected(wanted), difference=difference)
        if difference:
            raise BadInput(
                f"difference needs two axes, and {opened.address} has {chosen.names[0]} alone;"
                " drift plot lines draws what is counted and expected over one"
            )
        return transitions.transition(chosen, record, _expected(prediction))

    return each_drawn([grid_of(each) for each in items_of(sweep)], draw, figure)


@with_look
def lines(
    sources: Any,
    x: str | None = None,
    y: str | Sequence[str] = "distinct",
    hue: str | None = None,
    col: str | None = None,
    row: str | None = None,
    *,
    at: At = None,
    progress: float = 1.0,
    xscale: str = "auto",
    yscale: str = "auto",
    spread: str = "range",
    prediction: Prediction = None,
    figure: Figure | None = None,
    **look: Unpack[FigureOptions],
) -> Figure:
    """Draw any quantity of runs, sweeps and predicted grids over any axis, as lines.

    `x` is an axis of the sweep, step, progress or a quantity such as reached; `y` is a quantity or
    several: distinct, pairs, largest, reached, stalled, asked, done and others. `hue` has colours,
    `col` and `row` have panels: an axis each, or source or quantity. Lines are means over seeds and
    random directions; `spread` is range, deviation or none. Other axes stand at their first value,
    or as `at` fixes them. Over an axis, `progress` is the fraction of the steps. Scales are auto,
    linear or log. Raises BadInput, saying what is accepted, for unknown names.

        >>> import drift
        >>> grid = drift.Grid(sigma=[1e-7, 1e-6], steps=[10, 100], tokens=50, dims=16, records=2)
        >>> swept = drift.sweep(grid, "lines.zarr")
        >>> figure = drift.plot.lines(swept, x="sigma", y="reached", hue="steps")
    """
    names = [y] if isinstance(y, str) else list(y)
    chosen = choose(line_sources(sources), x, names, hue, col, row, at_texts(at))
    with drawing_on(figure):
        scales = LineScales(xscale, yscale, spread)
        return line_figure(chosen, progress, scales, _expected(prediction))


@with_look
def holes(
    sources: Any,
    *,
    observed: bool = False,
    tensor: str | None = None,
    snapshot: int | None = None,
    near: str | int | None = None,
    exponents: int | None = None,
    prediction: Prediction = None,
    figure: Figure | None = None,
    **look: Unpack[FigureOptions],
) -> Figure:
    """Draw the populations of black holes by rank, several sources overlaid.

    `observed` adds what was seen in Qwen3-4B. `tensor` names a matrix of checkpoints, `snapshot` a
    step of runs; `near` and `exponents` select tokens around one.
    """
    around = None if near is None else str(near)
    opened = [source_of(each) for each in items_of(sources)]
    found, caption = black_holes.populations(
        opened, tensor, snapshot, around, exponents, _expected(prediction)
    )
    with drawing_on(figure):
        return black_holes.holes(found, caption, observed)


@with_look
def components(
    sources: Any,
    *,
    tensor: str | None = None,
    snapshot: int | None = None,
    near: str | int | None = None,
    exponents: int | None = None,
    selection: dict[str, Any] | None = None,
    figure: Figure | None = None,
    **look: Unpack[FigureOptions],
) -> Figure:
    """Draw each component of adjacent cells, black holes sized by population.

    A source may also be what drift.structure returned, of a `selection` as in its JSON. Raises
    BadInput where there is nothing to draw, or too much.
    """
    around = None if near is None else str(near)

    def draw(each: Any) -> Figure:
        selected = (tensor, snapshot, around, exponents)
        if isinstance(each, Structure) and selected == (None,) * 4:
            return parts.components(each, selection)
        matrix, chosen = source_of(each).selection(*selected)
        return parts.components(structure_of(matrix), chosen)

    return each_drawn(items_of(sources), draw, figure)


@with_look
def cloud(
    sources: Any,
    plane: Sequence[int] | None = None,
    *,
    tensor: str | None = None,
    snapshot: int | None = None,
    near: str | int | None = None,
    exponents: int | None = None,
    figure: Figure | None = None,
    **look: Unpack[FigureOptions],
) -> Figure:
    """Draw a cloud in a plane of two dimensions, its largest black holes in colour.

    Of a run the initial cloud is drawn beside it. Raises BadInput for a plane that the cloud does
    not have, and where no row is finite.
    """
    around = None if near is None else str(near)
    chosen = None if plane is None else tuple(plane)

    def draw(each: Any) -> Figure:
        return clouds.cloud_figure(
            *clouds.cloud_panels(each, chosen, tensor, snapshot, around, exponents)
        )

    return each_drawn(items_of(sources), draw, figure)


@with_look
def track(
    tracks: Any,
    panels: Sequence[str] | None = None,
    *,
    figure: Figure | None = None,
    **look: Unpack[FigureOptions],
) -> Figure:
    """Draw a track: when tokens freeze, how far they and their centroid move.

    `panels` are some of phases, freezing, displacement, centroid, energy and moves.
    """
    found = [track_of(each) for each in items_of(tracks)]
    return each_drawn(found, lambda each: track_figure(each, panels), figure)
