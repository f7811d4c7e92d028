"""The figure of clouds in the plane of two dimensions: where tokens were, and where they ended.

panel  one cloud in axes of its own. Of a whole checkpoint, in which all black holes would lie under
       one dot, a second one shows those around the largest

Other words are those of .clouds.plane.

Tokens at one point are drawn as a disc. Its area is in proportion to their number, and so are
the areas of its rings, one for each hole. Lines are values of the lattice, where they are few.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from drift.experiments.figures.canvas import in_own_settings, new_figure, set_layout
from drift.experiments.figures.captions import parts, put_caption, selected
from drift.experiments.figures.clouds.plane import CloudPlane, TokensInPlane, surroundings
from drift.experiments.figures.components_layout import DiscSizes
from drift.experiments.figures.legend import add_outer_legend
from drift.experiments.figures.look import width_of
from drift.experiments.figures.style import COLOURS, figure_text
from drift.experiments.figures.ticks.numbers import NumberFormatter
from drift.kernels.formats import Format
from drift.sim.sources.source import source_of

HOLES = len(COLOURS) - 1
"""Most black holes that have a colour."""
_OTHERS = "#999999"
_ACROSS = 190.0
"""Length of a panel's shorter side, points, in a figure of usual width."""
_LINES = 48
"""Most lattice steps along an axis with which the lattice is drawn."""
_MANY = 3_000
"""Most spots at full size and as vectors in SVG; more are smaller, and pixels."""
_FINEST = 0.25
"""Smallest factor by which spots are reduced."""
_ROOM = 0.06
"""Margin beyond the outermost spots as a fraction of the axis, where a lattice step is smaller."""


class Panel(NamedTuple):
    """One cloud of a figure."""

    title: str
    """text above it"""
    view: TokensInPlane
    """the tokens that it shows"""
    marked: tuple[float, float] | None = None
    """the place that the next panel shows from near by"""


@in_own_settings
def cloud_figure(panels: Sequence[Panel], cloud_plane: CloudPlane, said: Sequence[str]) -> Figure:
    """Draw the clouds beside each other, the tokens of each hole in one colour in all of them.

    `said` are the parts of the caption.
    """
    usual = 3.8 * len(panels) if len(panels) > 1 else 4.8
    figure = new_figure(usual, 4.2)
    across = _ACROSS * width_of(usual) / usual
    set_layout(figure, "constrained", wspace=0.05)
    for axes, panel in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        rooms = [_axis(axes, name, panel.view, which) for which, name in enumerate("xy")]
        rooms = [across * room for room in rooms]
        _discs(axes, panel.view, min(rooms))
        right, up = (f"dimension {each:,}" for each in cloud_plane.plane)
        axes.set(title=panel.title, xlabel=right, ylabel=up)
        axes.grid(False)
        if panel.marked is not None:
            axes.plot(*panel.marked, "s", color="black", fillstyle="none", markersize=11, zorder=4)
    _legend(figure, cloud_plane, 4 if len(panels) > 1 else 2)
    put_caption(figure, said)
    return figure


def _discs(axes: Axes, view: TokensInPlane, room: float) -> None:
    """Draw discs of tokens, no wider than `room`, the points between two values that occur."""
    at, hole, together = view.spots()
    scale = DiscSizes.fitting(together[together > 1])
    one = min(scale.one, room / 2 / math.sqrt(together.max()))
    radius = DiscSizes(one).radius(together) * max(_FINEST, min(1, math.sqrt(_MANY / len(at))))
    order = np.lexsort(
        [hole != view.holes, -radius]
    )  # smaller discs above larger ones, and grey ones below
    axes.scatter(
        at[order, 0],
        at[order, 1],
        s=(2 * radius[order]) ** 2,
        c=np.array([*COLOURS[: view.holes], _OTHERS])[hole[order]],
        linewidths=0,
        zorder=3,
        rasterized=len(at) > _MANY,
    )


def _axis(axes: Axes, name: str, view: TokensInPlane, which: int) -> float:
    """Set the limits and the ticks of an axis, and draw the lattice where it is not too fine.

    Return the distance of two neighbouring values that occur, as a share of the axis.
    """
    coordinates = view.format.coordinate(view.codes[:, which])
    low, high = int(coordinates.min()), int(coordinates.max())
    beyond, least, most, after = _values(view.format, [low - 1, low, high, high + 1]).tolist()
    room = max(_ROOM * (most - least), least - beyond, after - most)
    axes.set(**{f"{name}lim": (least - room, most + room)})
    axis = getattr(axes, f"{name}axis")
    axis.set_major_locator(MaxNLocator(3 if name == "x" else 4, steps=[1, 2, 5, 10]))
    axis.set_major_formatter(NumberFormatter())
    if high - low < _LINES:
        lattice = _values(view.format, range(low - _LINES, high + _LINES + 1))
        for value in lattice[(lattice > least - room) & (lattice < most + room)].tolist():
            line = axes.axvline if name == "x" else axes.axhline
            line(value, color="#DDDDDD", linewidth=0.5, zorder=1)
    apart = np.diff(_values(view.format, np.unique(coordinates))).min(initial=room)
    return float(apart / (most - least + 2 * room))


def _values(target: Format, coordinates: ArrayLike) -> np.ndarray:
    """Return the values at rising lattice coordinates, clipped to the lattice, float64."""
    largest = target.largest_magnitude
    return target.value(target.code_at(np.clip(np.asarray(coordinates), -largest, largest)))


def _legend(figure: Figure, cloud_plane: CloudPlane, columns: int) -> None:
    """Add the legend of the holes' colours."""
    holes = len(cloud_plane.populations)
    names = [f"{population:,} tokens" for population in cloud_plane.populations.tolist()]
    rest = len(cloud_plane.token_ids) - int(cloud_plane.populations.sum())
    if rest:
        others = "other tokens" if holes else "tokens"
        names.append(f"{rest:,} {others} in {cloud_plane.cells - holes:,} cells")
    inks = [*COLOURS[:holes], _OTHERS]
    marks: list[Artist] = [
        Line2D([], [], color=ink, marker="o", linestyle="none", markersize=5)
        for ink, _ in zip(inks, names, strict=False)
    ]
    title = "Largest black holes" if holes > 1 else None
    add_outer_legend(figure, marks, names, columns, title=title)


_SMALL = 0.2
"""Share of an axis from which on black holes would not lie under one dot."""


def cloud_panels(
    source: Any,
    plane: tuple[int, ...] | None,
    tensor: str | None,
    snapshot: int | None,
    near: str | None,
    exponents: int | None,
) -> tuple[list[Panel], CloudPlane, list[str]]:
    """Return the panels, the earlier cloud first, their plane, and the parts of a caption.

    Raises BadInput where the source is not what the options say, and as CloudPlane.of does.
    """
    source = source_of(source)
    matrix, selection = source.selection(tensor, snapshot, near, exponents)
    if not source.is_run:
        said = [figure_text(matrix.label), matrix.format.name, *selected(selection)]
        around = surroundings(matrix) if near is None else None
        if around is None:
            cloud_plane = CloudPlane.of(matrix, HOLES, plane)
            return [Panel("", cloud_plane.view(matrix))], cloud_plane, said
        zoomed = CloudPlane.of(matrix, HOLES, plane or around.plane)
        whole, close = zoomed.view(matrix), zoomed.view(around.tokens).zoomed()
        small = close.extent() < _SMALL * whole.extent()
        if small.all() and close.extent().any():  # of a single cell there is nothing more to see
            at = close.format.value(close.codes[close.hole == 0][0]).tolist()
            shown = [
                Panel("all tokens", whole, (at[0], at[1])),
                Panel("around the largest black hole", close),
            ]
            return shown, zoomed, said
        cloud_plane = CloudPlane.of(matrix, HOLES, plane)
        return [Panel("", cloud_plane.view(matrix))], cloud_plane, said
    cloud_plane = CloudPlane.of(matrix, HOLES, plane)
    store, step = source.run, source.step(snapshot)
    panels = [Panel(f"step {step:,}", cloud_plane.view(matrix))]
    del matrix  # two matrices may not fit into memory
    if step != 0 and 0 in store.read("snapshot_step"):
        first = cloud_plane.view(source.selection(snapshot=0)[0])
        panels.insert(0, Panel("initial cloud, step 0", first))
    said = [*parts(store.attrs["spec"]), *selected(selection)]
    return panels, cloud_plane, said
