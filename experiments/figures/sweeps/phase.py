"""The fraction of a sweep's tokens that is still distinct: a map over two axes, or a curve.

fraction  distinct cells divided by the tokens present, the mean over seeds
tile      the rectangle of one value of each axis, on a map
contour   a line where the fraction is one half (experiments.figures.axes)
crossing  where the fraction passes one half along one axis, interpolated as the axis is drawn
band      from the minimum to the maximum over seeds; names have points alone
expected  the fraction that is expected, and its contour, which is dashed
onset     the sigma at which one coalesced pair is expected, one for each value of the other axis: a
          line across its tiles. Nothing is drawn between them, since it may be anywhere there
empty     of a tile: no seed is done, since it failed, or is not done yet
partial   of a tile: some seeds are done; it shows their mean
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
from drift.experiments.figures.captions import in_symbols, wrapped
from drift.experiments.figures.curves import CROSS
from drift.experiments.figures.expected import ExpectedPairs
from drift.experiments.figures.legend import add_grouped_legend
from drift.experiments.figures.style import COLOURS, GREY, POINTS
from drift.experiments.figures.sweeps.expected import expected_in_slice, expected_onsets
from drift.experiments.figures.sweeps.sweep_slice import SweepSlice
from drift.sim.errors import BadInput

_LABEL = "one pair expected"


def expected_fraction(
    sweep_slice: SweepSlice, record: int, expected_pairs: ExpectedPairs
) -> tuple[np.ma.MaskedArray, list[str]]:
    """Return the expected fraction, of the shape of the shown axes, and notes on missing ones.

    It is masked without prediction, and for a slice that is itself a prediction.
    """
    if sweep_slice.predicted:
        return np.ma.masked_all(sweep_slice.shape[:-1]), []
    found = expected_in_slice(sweep_slice, [record], expected_pairs)
    return (found.values["distinct"] / found.values["alive"])[..., 0], found.notes


def draw_onset(
    axes: Axes, sweep_slice: SweepSlice, record: int, expected_pairs: ExpectedPairs, **style: Any
) -> tuple[list[Line2D], list[str]]:
    """Draw the onset, unless sigma is not shown; return the handles and the notes on it."""
    if "sigma" not in sweep_slice.names:
        return [], []
    which = sweep_slice.names.index("sigma")
    sigma = Scale.of(sweep_slice, which)
    found = expected_onsets(sweep_slice, record, expected_pairs)
    if not found.predicted:
        return [], found.notes
    inside = np.any((found.sigmas >= sigma.edges[0]) & (found.sigmas <= sigma.edges[-1]))
    if inside and len(sweep_slice.names) == 1:
        axes.axvline(found.sigmas[0], **style)
    elif inside:
        for line in _lines(Scale.of(sweep_slice, 1 - which), found.sigmas):
            axes.plot(*(line if which == 0 else line[::-1]), **style)
    handle = Line2D([], [], label=_label(sigma, found.sigmas), **style)
    if not inside:
        handle.set_linestyle("none")
    return [handle], found.notes


def _lines(other: Scale, onsets: np.ndarray) -> list[np.ndarray]:
    """Return lines, (2, points), of sigmas and positions on the other axis, where onsets are."""
    there = np.flatnonzero(~np.isnan(onsets))
    return [np.array([onsets[[row, row]], other.edges[row : row + 2]]) for row in there]


def _label(sigma: Scale, onsets: np.ndarray) -> str:
    """Return the legend's text on the onset, with its value where it is alone or not on the map."""
    known = onsets[~np.isnan(onsets)]
    if not len(known):
        return rf"{_LABEL} at no $\sigma$"
    ends = dict.fromkeys(float(f"{end:.3g}") for end in (known.min(), known.max()))
    at = in_symbols("sigma", next(iter(ends))) if len(ends) == 1 else ""
    if known.min() > sigma.edges[-1] or known.max() < sigma.edges[0]:
        beyond = "above" if known.min() > sigma.edges[-1] else "below"
        return rf"{_LABEL} {beyond} the $\sigma$ shown{at and f', {at}'}"
    return f"{_LABEL}, at {at}" if len(onsets) == 1 else _LABEL


_TRANSITION_LONG, _TRANSITION_BESIDE = 320.0, 112.0
"""Length of the axis, and of what stands beside it, points."""


@in_own_settings
def transition(
    sweep_slice: SweepSlice,
    record: int,
    expected_pairs: ExpectedPairs | None = None,
    long: float = _TRANSITION_LONG,
) -> Figure:
    """Draw a slice of one axis, `long` points long, in one record.

    Without `expected_pairs`, they are predicted where that is quick. Raises BadInput where no
    grid point is done.
    """
    scale = Scale.of(sweep_slice, 0)
    sweep_slice.check_done()
    fraction = sweep_slice.fraction(record)
    mean = fraction.mean(axis=-1)
    figure = new_figure()
    axes = figure.add_subplot()
    named, ink = scale.kind == "names", COLOURS[0]
    said = f"mean over {sweep_slice.repeats()}" if sweep_slice.averaged else None
    style: Any = "none" if named else "-"
    axes.plot(scale.positions, mean, "o", markersize=3.5, color=ink, linestyle=style, label=said)
    if sweep_slice.averaged:
        ends, label = (fraction.min(axis=-1), fraction.max(axis=-1)), "min–max"
        if named:
            axes.vlines(scale.positions, *ends, color=ink, linewidth=1.2, label=label)
        else:
            axes.fill_between(
                scale.positions, *ends, color=ink, alpha=0.25, linewidth=0, label=label
            )
    axes.axhline(HALF, color="black", linestyle=":", linewidth=1.2, label=_half(scale, mean))
    expectations = expected_pairs or ExpectedPairs()
    fractions, notes = expected_fraction(sweep_slice, record, expectations)
    if not fractions.mask.all():
        axes.plot(scale.positions, fractions, color="black", label="expected", **CROSS)
    onset, more = draw_onset(
        axes, sweep_slice, record, expectations, color=COLOURS[1], linestyle="-."
    )
    notes = list(dict.fromkeys([*notes, *more]))
    Ticks(scale, "x", long).put_on(axes)
    axes.set(ylim=(-0.03, 1.03), ylabel=sweep_slice.fraction_label(record))
    handles = axes.get_legend_handles_labels()[0] + onset
    add_grouped_legend(figure, [handles], long + _TRANSITION_BESIDE, 2 + (not onset))
    caption = wrapped(sweep_slice.caption() + sweep_slice.missing() + notes, 72 * 5.4)
    figure.supxlabel(caption, color=GREY)
    return figure


def crossings(scale: Scale, mean: np.ma.MaskedArray) -> list[float]:
    """Return the positions at which the mean passes one half between neighbouring values."""
    if scale.kind == "names":
        return []
    at, above = scale.straightened(scale.positions), mean.filled(np.nan) - HALF
    with np.errstate(invalid="ignore"):
        passes = np.flatnonzero(above[:-1] * above[1:] < 0)
    share = above[passes] / (above[passes] - above[passes + 1])
    found = at[passes] + share * (at[passes + 1] - at[passes])
    return sorted([*scale.curved(found), *scale.positions[above == 0]])


def _half(scale: Scale, mean: np.ma.MaskedArray) -> str:
    """Return the legend's text on one half, with its position where it is passed once."""
    found = crossings(scale, mean)
    if len(found) != 1:
        return "one half"
    return f"one half, at {in_symbols(scale.axis.name, float(f'{found[0]:.3g}'))}"


HALF = 0.5
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
_MARGIN = 35.0
"""Points by which a caption is narrower than the figure."""


@in_own_settings
def phase(
    sweep_slice: SweepSlice,
    record: int,
    expected_pairs: ExpectedPairs | None = None,
    long: float = _LONG,
) -> Figure:
    """Draw a slice of two axes, the first one along x and at least `long` points, in one record.

    Without `expected_pairs`, they are predicted where that is quick. Raises BadInput where no
    grid point is done, and where an axis has too many values.
    """
    x, y = Scale.of(sweep_slice, 0), Scale.of(sweep_slice, 1)
    for scale in (x, y):
        if len(scale.positions) > _MOST:
            found = f"{scale.axis.name} has {len(scale.positions):,} values"
            raise BadInput(f"{found}; a figure shows at most {_MOST:,} along an axis")
    sweep_slice.check_done()
    fraction = sweep_slice.fraction(record).mean(axis=-1).T
    below, beside = Ticks(x, "x", long), Ticks(y, "y", _HIGH)
    wide, high = below.points + beside.depth + _BESIDE, beside.points + below.depth + _AROUND
    figure = new_figure(wide / POINTS, high / POINTS)
    axes = figure.add_subplot()
    axes.grid(False)
    mesh = axes.pcolormesh(x.edges, y.edges, fraction, cmap=_MAP, vmin=0, vmax=1)
    mesh.set_rasterized(fraction.size > _VECTORS)
    expectations = expected_pairs or ExpectedPairs()
    onset, notes = draw_onset(axes, sweep_slice, record, expectations, **_DOTTED)
    expected, more = expected_fraction(sweep_slice, record, expectations)
    notes = list(dict.fromkeys([*notes, *more]))
    counted = "one half expected" if sweep_slice.predicted else "one half distinct"
    lines = [_contour(axes, x, y, fraction, counted), *_expected_contour(axes, x, y, expected.T)]
    handles = [*lines, *onset, *_empty(axes, sweep_slice, x, y)]
    handles += _partial(axes, sweep_slice, x, y)
    below.put_on(axes)
    beside.put_on(axes)
    label, ticks = sweep_slice.fraction_label(record), np.linspace(0, 1, 6).tolist()
    figure.colorbar(mesh, ax=axes, label=label, ticks=ticks).ax.axhline(HALF, color="black")
    add_grouped_legend(figure, [handles], wide, 2)
    mean = [f"mean over {sweep_slice.repeats()}"] if sweep_slice.averaged else []
    said = [*sweep_slice.caption(), *mean, *sweep_slice.missing(), *notes]
    figure.supxlabel(wrapped(said, wide - _MARGIN), color=GREY)
    return figure


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
