"""The phase picture of a sweep: which share of the tokens is still distinct, over two axes.

fraction  distinct cells by tokens that are counted, the mean over seeds
contour   where it is one half: experiments.contour
onset     where one coalesced pair is expected: experiments.onset
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

from drift.experiments.captions import wrapped
from drift.experiments.contour import contour
from drift.experiments.expectation import Outlook
from drift.experiments.figures import POINTS, figure
from drift.experiments.key import fitting
from drift.experiments.onset import put_onset
from drift.experiments.scales import Scale
from drift.experiments.section import Section
from drift.experiments.ticks import Ticks
from drift.sim.errors import BadInput

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
    section: Section, record: int, outlook: Outlook | None = None, long: float = _LONG
) -> Figure:
    """Draw `section`, of two axes, in one record; x is the first axis, so `long` at least.

    None is an outlook as it is cheap. Raises BadInput where no cell is done and where
    an axis is too long.
    """
    x, y = Scale.of(section, 0), Scale.of(section, 1)
    for scale in (x, y):
        if len(scale.places) > _MOST:
            found = f"{scale.axis.name} has {len(scale.places):,} values"
            raise BadInput(f"{found}; up to {_MOST:,} can be drawn along an axis")
    section.check_done()
    fraction = section.fraction(record).mean(axis=-1).T
    below, beside = Ticks(x, "x", long), Ticks(y, "y", _HIGH)
    wide, high = below.points + beside.depth + _BESIDE, beside.points + below.depth + _AROUND
    drawn = figure(wide / POINTS, high / POINTS)
    axes = drawn.add_subplot()
    axes.grid(False)
    mesh = axes.pcolormesh(x.edges, y.edges, fraction, cmap=_MAP, vmin=0, vmax=1)
    mesh.set_rasterized(fraction.size > _VECTORS)
    onset, notes = put_onset(axes, section, record, outlook or Outlook(), **_DOTTED)
    handles = [_contour(axes, x, y, fraction), *onset, *_empty(axes, section, x, y)]
    handles += _partial(axes, section, x, y)
    below.put_on(axes)
    beside.put_on(axes)
    label, ticks = section.what(record), np.linspace(0, 1, 6).tolist()
    drawn.colorbar(mesh, ax=axes, label=label, ticks=ticks).ax.axhline(HALF, color="black")
    drawn.legend(
        handles=handles, loc="outside upper center", ncols=fitting(handles, wide, 2), fontsize=8
    )
    mean = [f"mean over {section.repeats()}"] if section.averaged else []
    said = [*section.caption(), *mean, *section.missing(), *notes]
    drawn.supxlabel(wrapped(said, wide - _MARGIN), fontsize=8, color="#444444")
    return drawn


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


def _empty(axes: Axes, section: Section, x: Scale, y: Scale) -> list[Artist]:
    """Hatch the empty cells; what the legend says of them."""
    empty, failed = ~section.done.any(axis=-1).T, section.failed.any(axis=-1).T
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


def _partial(axes: Axes, section: Section, x: Scale, y: Scale) -> list[Line2D]:
    """Mark the partial cells; what the legend says of them."""
    repeats, done = section.shape[-1], section.done.sum(axis=-1).T
    up, across = np.nonzero((done > 0) & (done < repeats))
    if not len(up):
        return []
    label = f"mean of fewer than {section.repeats()}"
    return axes.plot(x.places[across], y.places[up], "o", label=label, **_MARK)
