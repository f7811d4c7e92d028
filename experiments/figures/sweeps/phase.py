"""The fraction of a sweep's tokens that is still distinct over two axes: a map.

fraction    distinct cells divided by the tokens present, the mean over seeds
tile        the rectangle of one value of each axis
contour     a line where the fraction is one half (experiments.figures.axes)
expected    the contour of the fraction that is expected, which is dashed, and the onset (.onset)
difference  the expected fraction less the counted one, in a map of its own
empty       of a tile: no seed is done, since it failed, or is not done yet
partial     of a tile: some seeds are done; it shows their mean
"""

from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from drift.experiments.figures.axes import Scale, Ticks, contour
from drift.experiments.figures.canvas import in_own_settings, new_figure
from drift.experiments.figures.captions import put_caption
from drift.experiments.figures.expected import ExpectedPairs
from drift.experiments.figures.legend import add_grouped_legend
from drift.experiments.figures.look import current_look, in_font
from drift.experiments.figures.style import POINTS
from drift.experiments.figures.sweeps.onset import HALF, draw_onset, expected_fraction
from drift.experiments.figures.sweeps.sweep_slice import SweepSlice
from drift.experiments.figures.ticks.numbers import NumberFormatter
from drift.sim.errors import BadInput

_MAP = "cividis"
"""A map of even lightness, which is clear without colour vision, and in grey."""
_LINE: dict[str, Any] = {
    "color": "black",
    "linewidth": 1.6,
    "solid_capstyle": "butt",
    "path_effects": [withStroke(linewidth=3.4, foreground="white")],
}
_DASHED: dict[str, Any] = {
    "color": "#C44E52",
    "linewidth": 1.2,
    "linestyle": (0, (4, 2)),
}
_DOTTED: dict[str, Any] = {
    "color": "white",
    "linewidth": 1.6,
    "linestyle": (0, (1.5, 1.5)),
    "path_effects": [withStroke(linewidth=3.0, foreground="black")],
}
_HATCHED: dict[str, Any] = {"facecolor": "#EEEEEE", "edgecolor": "#AAAAAA", "linewidth": 0}
_MARK: dict[str, Any] = {
    "markersize": 3.5,
    "markerfacecolor": "white",
    "markeredgecolor": "black",
    "markeredgewidth": 0.6,
}
_VECTORS = 4_000
"""Most tiles that are vectors in SVG; more are pixels, since the file would be large."""
_MOST = 2_000
"""Most values of an axis."""
_LONG, _HIGH = 300.0, 200.0
"""Least length and height of the axes, points."""
_BESIDE, _AROUND = 110.0, 85.0
"""Points of what stands beside the axes, and above and below them."""
_SHORTEST = 120.0
"""Shortest horizontal axis, points, whatever width is asked for."""
_DIVERGING, _LEAST = "RdBu", 1e-6
"""Colours of differences, and the least end of their scale."""


@in_own_settings
def phase(
    sweep_slice: SweepSlice,
    record: int,
    expected_pairs: ExpectedPairs | None = None,
    long: float = _LONG,
    difference: bool = False,
) -> Figure:
    """Draw a slice of two axes, the first one along x and at least `long` points, in one record.

    Without `expected_pairs`, they are predicted where that is quick. A `difference` is that of the
    expected fraction from the counted one. Raises BadInput where no grid point is done, where an
    axis has too many values, and for a difference where nothing is predicted.
    """
    x, y = Scale.of(sweep_slice, 0), Scale.of(sweep_slice, 1)
    for scale in (x, y):
        if len(scale.positions) > _MOST:
            found = f"{scale.axis.name} has {len(scale.positions):,} values"
            raise BadInput(f"{found}; a figure shows at most {_MOST:,} along an axis")
    sweep_slice.check_done()
    fraction = sweep_slice.fraction(record).mean(axis=-1).T
    expectations = expected_pairs or ExpectedPairs()
    expected, notes = expected_fraction(sweep_slice, record, expectations)
    if difference:
        check_predicted(sweep_slice, expected, notes, expectations)
    wide, high, below, beside = _sizes(x, y, long)
    figure = new_figure(wide / POINTS, high / POINTS)
    axes = figure.add_subplot()
    axes.grid(False)
    shown = expected.T - fraction if difference else fraction
    style = _difference(shown) if difference else {"cmap": _MAP, "vmin": 0, "vmax": 1}
    mesh = axes.pcolormesh(x.edges, y.edges, shown, **style)
    mesh.set_rasterized(fraction.size > _VECTORS)
    onset, more = draw_onset(axes, sweep_slice, record, expectations, fraction.T, **_DOTTED)
    notes = list(dict.fromkeys([*notes, *more]))
    counted = "one half expected" if sweep_slice.predicted else "one half distinct"
    lines = [_contour(axes, x, y, fraction, counted), *_expected_contour(axes, x, y, expected.T)]
    handles = [*lines, *onset, *_empty(axes, sweep_slice, x, y)]
    handles += _partial(axes, sweep_slice, x, y)
    below.put_on(axes)
    beside.put_on(axes)
    _add_colours(figure, axes, mesh, sweep_slice, record, difference)
    add_grouped_legend(figure, [handles], wide, 2)
    mean = [f"mean over {sweep_slice.repeats()}"] if sweep_slice.averaged else []
    put_caption(figure, [*sweep_slice.caption(), *mean, *sweep_slice.missing(), *notes])
    return figure


def _sizes(x: Scale, y: Scale, long: float) -> tuple[float, float, Ticks, Ticks]:
    """Return the width and the height of the figure, points, and the ticks of both axes."""
    beside, around = Ticks(y, "y", _HIGH), in_font(_AROUND)
    inches = current_look().width
    if inches is not None:
        long = max(inches * POINTS - beside.depth - in_font(_BESIDE), _SHORTEST)
        beside = Ticks(y, "y", _HIGH * min(1.5, max(0.7, long / _LONG)))
    below = Ticks(x, "x", long)
    wide = below.points + beside.depth + in_font(_BESIDE)
    return wide, beside.points + below.depth + around, below, beside


def _add_colours(
    figure: Figure,
    axes: Axes,
    mesh: Any,
    sweep_slice: SweepSlice,
    record: int,
    difference: bool,
) -> None:
    """Add the bar of colours."""
    if difference:
        after = sweep_slice.store.progress[record]
        when = "" if after == 1 else f" after {after:g} of the steps"
        label = f"distinct fraction{when}, expected − counted"
        figure.colorbar(mesh, ax=axes, label=label, format=NumberFormatter())
        return
    label, ticks = sweep_slice.fraction_label(record), np.linspace(0, 1, 6).tolist()
    figure.colorbar(mesh, ax=axes, label=label, ticks=ticks).ax.axhline(HALF, color="black")


def _difference(shown: np.ma.MaskedArray) -> dict[str, Any]:
    """Return the colours of differences, with white at none."""
    most = max(float(np.abs(shown).max()), _LEAST)
    return {"cmap": _DIVERGING, "vmin": -most, "vmax": most}


def check_predicted(
    sweep_slice: SweepSlice,
    expected: np.ma.MaskedArray,
    notes: list[str],
    expectations: ExpectedPairs,
) -> None:
    """Raise BadInput where there is no expectation to take the counted fraction from."""
    if sweep_slice.predicted:
        raise BadInput(
            f"{sweep_slice.store.address} is a prediction itself; a difference needs a sweep,"
            " whose points are counted"
        )
    if expectations.wanted is False:
        raise BadInput("difference is wanted, but no prediction; leave out one of the two")
    if expected.mask.all():
        why = "; ".join(notes) or "no grid point is predicted"
        raise BadInput(f"{sweep_slice.store.address}: there is no difference to draw: {why}")


def _contour(axes: Axes, x: Scale, y: Scale, fraction: np.ma.MaskedArray, label: str) -> Line2D:
    """Draw the contour; return its handle."""
    lines = contour(x, y, fraction, HALF)
    for line in lines:
        axes.plot(*line.T, **_LINE)
    if lines:
        return Line2D([], [], label=label, **_LINE)
    said = "no contour at one half"
    if fraction.min() > HALF or fraction.max() < HALF:
        said += f": all values are {'above' if fraction.min() > HALF else 'below'}"
    return Line2D([], [], linestyle="none", label=said)


def _expected_contour(axes: Axes, x: Scale, y: Scale, fraction: np.ma.MaskedArray) -> list[Line2D]:
    """Draw the expected contour beside the counted one; return its handle, where it is there."""
    if fraction.mask.all():
        return []
    lines = contour(x, y, fraction, HALF)
    for line in lines:
        axes.plot(*line.T, **_DASHED)
    return [Line2D([], [], label="one half expected", **_DASHED)] if lines else []


def _empty(axes: Axes, sweep_slice: SweepSlice, x: Scale, y: Scale) -> list[Artist]:
    """Hatch the empty tiles; return their handles."""
    empty, failed = ~sweep_slice.done.any(axis=-1).T, sweep_slice.failed.any(axis=-1).T
    handles: list[Artist] = []
    for label, tiles, hatch in (
        ("failed", empty & failed, "xxxx"),
        ("not done yet", empty & ~failed, "////"),
    ):
        if not tiles.any():
            continue
        up, across = np.nonzero(tiles)
        left, right, low, high = x.edges[across], x.edges[across + 1], y.edges[up], y.edges[up + 1]
        corners: Any = np.array([(left, low), (right, low), (right, high), (left, high)])
        hatched = PolyCollection(corners.transpose(2, 0, 1), label=label, **_HATCHED, hatch=hatch)
        axes.add_collection(hatched, autolim=False)
        handles.append(hatched)
    return handles


def _partial(axes: Axes, sweep_slice: SweepSlice, x: Scale, y: Scale) -> list[Line2D]:
    """Mark the partial tiles; return their handle."""
    repeats, done = sweep_slice.shape[-1], sweep_slice.done.sum(axis=-1).T
    up, across = np.nonzero((done > 0) & (done < repeats))
    if not len(up):
        return []
    label = f"mean of fewer than {sweep_slice.repeats()}"
    return axes.plot(x.positions[across], y.positions[up], "o", label=label, **_MARK)
