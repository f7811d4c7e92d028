"""Clouds drawn in a plane: where their tokens were, and into which cells they fell.

Tokens in one place are a disc: its area is in proportion to how many they are, and
so are its rings, one for each black hole with a colour. Lines are the lattice's
values, where these are few.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, ScalarFormatter
from numpy.typing import ArrayLike

from drift.experiments.discs import Discs
from drift.experiments.figures import COLOURS, figure
from drift.experiments.view import Sight, View
from drift.kernels.formats import Format

HOLES = len(COLOURS) - 1
"""Black holes that have a colour."""
_OTHERS = "#999999"
_ACROSS = 190.0
"""Points of a panel's shorter side."""
_PLAIN = (-3, 4)
"""Powers of ten between which numbers are written out."""
_LINES = 48
"""The lattice is drawn along an axis with values so many steps apart, at most."""
_MANY = 3_000
"""More spots than that are smaller, and pixels in SVG too."""
_FINEST = 0.25
"""How much smaller at most."""
_ROOM = 0.06
"""Of an axis, beside its last spots, where that is more than a step of the lattice."""


class Panel(NamedTuple):
    """One cloud."""

    title: str
    view: View


def scatter(panels: Sequence[Panel], sight: Sight, caption: str) -> Figure:
    """Draw the clouds beside each other, the tokens of a hole in one colour everywhere."""
    drawn = figure(3.8 * len(panels) if len(panels) > 1 else 4.8, 4.2)
    drawn.set_layout_engine("constrained", wspace=0.05)
    for axes, panel in zip(drawn.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        rooms = [_axis(axes, name, panel.view, which) for which, name in enumerate("xy")]
        _discs(axes, panel.view, min(rooms))
        right, up = (f"dimension {each:,}" for each in sight.plane)
        axes.set(title=panel.title, xlabel=right, ylabel=up)
        axes.grid(False)
    _legend(drawn, sight, 4 if len(panels) > 1 else 2)
    drawn.supxlabel(caption, fontsize=8, color="#444444")
    return drawn


def _discs(axes: Axes, view: View, room: float) -> None:
    """Discs of tokens, no wider than the `room`, in points, between two of them."""
    at, hole, together = view.spots()
    scale = Discs.fitting(together[together > 1])
    one = min(scale.one, room / 2 / math.sqrt(together.max()))
    radius = Discs(one).radius(together) * max(_FINEST, min(1, math.sqrt(_MANY / len(at))))
    order = np.lexsort([hole != view.holes, -radius])  # the smaller above the larger, grey below
    axes.scatter(
        at[order, 0],
        at[order, 1],
        s=(2 * radius[order]) ** 2,
        c=np.array([*COLOURS[: view.holes], _OTHERS])[hole[order]],
        linewidths=0,
        zorder=3,
        rasterized=len(at) > _MANY,
    )


def _axis(axes: Axes, name: str, view: View, which: int) -> float:
    """From the least to the greatest value, with some room and the lattice between.

    Gives how many points, about, lie between two values that occur.
    """
    coordinates = view.format.coordinate(view.codes[:, which])
    low, high = int(coordinates.min()), int(coordinates.max())
    beyond, least, most, after = _values(view.format, [low - 1, low, high, high + 1]).tolist()
    room = max(_ROOM * (most - least), least - beyond, after - most)
    axes.set(**{f"{name}lim": (least - room, most + room)})
    axis = getattr(axes, f"{name}axis")
    axis.set_major_locator(MaxNLocator(4))
    numbers = ScalarFormatter(useMathText=True)
    numbers.set_powerlimits(_PLAIN)
    axis.set_major_formatter(numbers)
    if high - low < _LINES:
        lattice = _values(view.format, range(low - _LINES, high + _LINES + 1))
        for value in lattice[(lattice > least - room) & (lattice < most + room)].tolist():
            line = axes.axvline if name == "x" else axes.axhline
            line(value, color="#DDDDDD", linewidth=0.5, zorder=1)
    apart = np.diff(_values(view.format, np.unique(coordinates))).min(initial=room)
    return float(_ACROSS * apart / (most - least + 2 * room))


def _values(target: Format, coordinates: ArrayLike) -> np.ndarray:
    """float64, rising, of rising lattice coordinates, no farther than the lattice goes."""
    largest = target.largest_magnitude
    return target.value(target.code_at(np.clip(np.asarray(coordinates), -largest, largest)))


def _legend(drawn: Figure, sight: Sight, columns: int) -> None:
    """The holes' colours."""
    holes = len(sight.populations)
    names = [f"{population:,} tokens" for population in sight.populations.tolist()]
    rest = len(sight.token_ids) - int(sight.populations.sum())
    if rest:
        others = "others" if holes else "tokens"
        names.append(f"{rest:,} {others} in {sight.cells - holes:,} cells")
    inks = [*COLOURS[:holes], _OTHERS]
    marks: list[Artist] = [
        Line2D([], [], color=ink, marker="o", linestyle="none", markersize=5)
        for ink, _ in zip(inks, names, strict=False)
    ]
    title = "the largest black holes" if holes > 1 else None
    drawn.legend(marks, names, loc="outside upper center", ncols=columns, fontsize=8, title=title)
