"""Which share of a sweep's tokens is still distinct: over two axes, or along one.

fraction  distinct cells by tokens that are counted, the mean over seeds
contour   where it is one half: experiments.figures.axes
crossing  where it passes one half along one axis, as the axis is drawn
band      from the least to the greatest of the seeds; names get points alone
onset     the sigma at which one coalesced pair is expected. Each value of the other axis has an
          onset of its own. Between numbers the line goes from one to the next, and beyond the
          outermost to the edge of the picture; names stand apart
empty     a cell of the picture of which no seed is done: it failed, or is still to come
partial   one of which some seeds are done, the mean of these
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
from drift.experiments.figures.captions import in_symbols, wrapped
from drift.experiments.figures.expected import ExpectedPairs
from drift.experiments.figures.legend import fitting
from drift.experiments.figures.style import COLOURS, POINTS, new_figure
from drift.experiments.figures.sweeps.expected import expected_onsets
from drift.experiments.figures.sweeps.sweep_slice import SweepSlice
from drift.sim.errors import BadInput

_LABEL = "one pair predicted"


def draw_onset(
    axes: Axes, sweep_slice: SweepSlice, record: int, expected_pairs: ExpectedPairs, **style: Any
) -> tuple[list[Line2D], list[str]]:
    """Draw it over `sweep_slice`; what the legend and the caption say of it.

    Nothing where sigma is not shown.
    """
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
    """Lines (2, points), sigmas and places on the other axis, as far as there are onsets."""
    there = np.flatnonzero(~np.isnan(onsets))
    gaps = np.flatnonzero(np.diff(there) > 1) + 1
    if other.kind == "names":
        gaps = np.arange(1, len(there))
    found = []
    for rows in np.split(there, gaps) if len(there) else []:
        ends = other.edges[rows[0]], *other.places[rows], other.edges[rows[-1] + 1]
        found.append(np.array([onsets[[rows[0], *rows, rows[-1]]], ends]))
    return found


def _label(sigma: Scale, onsets: np.ndarray) -> str:
    """What the legend says: where it is, if it is alone or not in the picture."""
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
"""Points of the axis, and beside it."""


def transition(
    sweep_slice: SweepSlice,
    record: int,
    expected_pairs: ExpectedPairs | None = None,
    long: float = _TRANSITION_LONG,
) -> Figure:
    """Draw `sweep_slice`, of one axis, so many points `long`, in one record.

    None is an outlook as it is cheap. Raises BadInput where no cell is done.
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
    axes.plot(scale.places, mean, "o", markersize=3.5, color=ink, linestyle=style, label=said)
    if sweep_slice.averaged:
        ends, label = (fraction.min(axis=-1), fraction.max(axis=-1)), "least to greatest"
        if named:
            axes.vlines(scale.places, *ends, color=ink, linewidth=1.2, label=label)
        else:
            axes.fill_between(scale.places, *ends, color=ink, alpha=0.25, linewidth=0, label=label)
    axes.axhline(HALF, color="black", linestyle=":", linewidth=1.2, label=_half(scale, mean))
    onset, notes = draw_onset(
        axes,
        sweep_slice,
        record,
        expected_pairs or ExpectedPairs(),
        color=COLOURS[1],
        linestyle="-.",
    )
    Ticks(scale, "x", long).put_on(axes)
    axes.set(ylim=(-0.03, 1.03), ylabel=sweep_slice.fraction_label(record))
    handles = axes.get_legend_handles_labels()[0] + onset
    ncols = fitting(handles, long + _TRANSITION_BESIDE, 2 + (not onset))
    figure.legend(handles=handles, loc="outside upper center", ncols=ncols, fontsize=8)
    caption = wrapped(sweep_slice.caption() + sweep_slice.missing() + notes, 72 * 5.4)
    figure.supxlabel(caption, fontsize=8, color="#444444")
    return figure


def crossings(scale: Scale, mean: np.ma.MaskedArray) -> list[float]:
    """Where the mean passes one half between values that follow each other."""
    if scale.kind == "names":
        return []
    at, above = scale.evened(scale.places), mean.filled(np.nan) - HALF
    with np.errstate(invalid="ignore"):
        passes = np.flatnonzero(above[:-1] * above[1:] < 0)
    share = above[passes] / (above[passes] - above[passes + 1])
    found = at[passes] + share * (at[passes + 1] - at[passes])
    return sorted([*scale.placed(found), *scale.places[above == 0]])


def _half(scale: Scale, mean: np.ma.MaskedArray) -> str:
    """What the legend says of one half."""
    found = crossings(scale, mean)
    if len(found) != 1:
        return "one half"
    return f"one half, at {in_symbols(scale.axis.name, float(f'{found[0]:.3g}'))}"


HALF = 0.5
_MAP = "cividis"
"""Of even lightness, for those too who see few colours, and in grey."""
_LINE: dict[str, Any] = {
    "color": "black",
    "linewidth": 1.6,
    "solid_capstyle": "butt",
    "path_effects": [withStroke(linewidth=3.4, foreground="white")],
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
"""More cells than that are a picture within the SVG, which would be large."""
_MOST = 2_000
"""Values of an axis that are drawn."""
_LONG, _HIGH = 300.0, 200.0
"""Points of the axes, at least."""
_BESIDE, _AROUND = 110.0, 85.0
"""Points of what else stands beside the axes, and above and below."""
_MARGIN = 35.0
"""Points that a caption is narrower than the picture."""


def phase(
    sweep_slice: SweepSlice,
    record: int,
    expected_pairs: ExpectedPairs | None = None,
    long: float = _LONG,
) -> Figure:
    """Draw `sweep_slice`, of two axes, in one record; x is the first axis, so `long` at least.

    None is an outlook as it is cheap. Raises BadInput where no cell is done and where
    an axis is too long.
    """
    x, y = Scale.of(sweep_slice, 0), Scale.of(sweep_slice, 1)
    for scale in (x, y):
        if len(scale.places) > _MOST:
            found = f"{scale.axis.name} has {len(scale.places):,} values"
            raise BadInput(f"{found}; up to {_MOST:,} can be drawn along an axis")
    sweep_slice.check_done()
    fraction = sweep_slice.fraction(record).mean(axis=-1).T
    below, beside = Ticks(x, "x", long), Ticks(y, "y", _HIGH)
    wide, high = below.points + beside.depth + _BESIDE, beside.points + below.depth + _AROUND
    figure = new_figure(wide / POINTS, high / POINTS)
    axes = figure.add_subplot()
    axes.grid(False)
    mesh = axes.pcolormesh(x.edges, y.edges, fraction, cmap=_MAP, vmin=0, vmax=1)
    mesh.set_rasterized(fraction.size > _VECTORS)
    onset, notes = draw_onset(
        axes, sweep_slice, record, expected_pairs or ExpectedPairs(), **_DOTTED
    )
    handles = [_contour(axes, x, y, fraction), *onset, *_empty(axes, sweep_slice, x, y)]
    handles += _partial(axes, sweep_slice, x, y)
    below.put_on(axes)
    beside.put_on(axes)
    label, ticks = sweep_slice.fraction_label(record), np.linspace(0, 1, 6).tolist()
    figure.colorbar(mesh, ax=axes, label=label, ticks=ticks).ax.axhline(HALF, color="black")
    figure.legend(
        handles=handles, loc="outside upper center", ncols=fitting(handles, wide, 2), fontsize=8
    )
    mean = [f"mean over {sweep_slice.repeats()}"] if sweep_slice.averaged else []
    said = [*sweep_slice.caption(), *mean, *sweep_slice.missing(), *notes]
    figure.supxlabel(wrapped(said, wide - _MARGIN), fontsize=8, color="#444444")
    return figure


def _contour(axes: Axes, x: Scale, y: Scale, fraction: np.ma.MaskedArray) -> Line2D:
    """Draw it; what the legend says of it."""
    lines = contour(x, y, fraction, HALF)
    for line in lines:
        axes.plot(*line.T, **_LINE)
    if lines:
        return Line2D([], [], label="one half distinct", **_LINE)
    said = "no contour at one half"
    if fraction.min() > HALF or fraction.max() < HALF:
        said += f": all is {'above' if fraction.min() > HALF else 'below'}"
    return Line2D([], [], linestyle="none", label=said)


def _empty(axes: Axes, sweep_slice: SweepSlice, x: Scale, y: Scale) -> list[Artist]:
    """Hatch the empty cells; what the legend says of them."""
    empty, failed = ~sweep_slice.done.any(axis=-1).T, sweep_slice.failed.any(axis=-1).T
    handles: list[Artist] = []
    for label, cells, hatch in (
        ("failed", empty & failed, "xxxx"),
        ("not done yet", empty & ~failed, "////"),
    ):
        if not cells.any():
            continue
        up, across = np.nonzero(cells)
        left, right, low, high = x.edges[across], x.edges[across + 1], y.edges[up], y.edges[up + 1]
        corners: Any = np.array([(left, low), (right, low), (right, high), (left, high)])
        hatched = PolyCollection(corners.transpose(2, 0, 1), label=label, **_HATCHED, hatch=hatch)
        axes.add_collection(hatched, autolim=False)
        handles.append(hatched)
    return handles


def _partial(axes: Axes, sweep_slice: SweepSlice, x: Scale, y: Scale) -> list[Line2D]:
    """Mark the partial cells; what the legend says of them."""
    repeats, done = sweep_slice.shape[-1], sweep_slice.done.sum(axis=-1).T
    up, across = np.nonzero((done > 0) & (done < repeats))
    if not len(up):
        return []
    label = f"mean of fewer than {sweep_slice.repeats()}"
    return axes.plot(x.places[across], y.places[up], "o", label=label, **_MARK)
