"""The panel of coalesced pairs: its scale, and how what was expected of runs looks in it.

Of no pairs there is no logarithm, so the axis is linear up to one pair.
"""

from typing import TYPE_CHECKING, Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from drift.experiments.figures import decades

if TYPE_CHECKING:
    from drift.sim.prediction.predict import Expected

EXPECTED = "predicted pairs"
CROSS: dict[str, Any] = {
    "marker": "x",
    "markersize": 4.5,
    "markeredgewidth": 1.0,
    "linestyle": "none",
}
_EXPECTED: dict[str, Any] = {"linewidth": 0.9}
_BAND: dict[str, Any] = {"alpha": 0.25, "linewidth": 0}
_LINEAR = 0.5
"""Decades that the axis up to one pair takes."""
_ROOM = 0.08
"""Of the axis, above the most."""
_LONG = 1e7
"""More pairs are written as powers of ten."""


def put_scale(axes: Axes) -> None:
    """Give `axes` the scale of what is drawn in it, from just below no pairs."""
    most = float(axes.dataLim.y1)
    axes.set_ylabel("coalesced pairs")
    if not decades(1, most):
        top = max(most, 1.0)
        axes.set_ylim(-_ROOM / 2 * top, (1 + _ROOM) * top)
        axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
        return
    style: dict[str, Any] = {"linthresh": 1.0, "linscale": _LINEAR}
    axes.set_yscale("symlog", **style)
    axes.set_ylim(-_ROOM * 4, most ** (1 + _ROOM))
    if most < _LONG:
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))


def put_expected(axes: Axes, rows: "list[Expected]", ink: str) -> None:
    """Draw what is expected of a run at its records."""
    radius, pairs = [row.radius for row in rows], [row.pairs for row in rows]
    low = [max(0.0, row.pairs - row.pairs_error) for row in rows]
    high = [row.pairs + row.pairs_error for row in rows]
    axes.plot(radius, pairs, color=ink, **_EXPECTED)
    axes.fill_between(radius, low, high, color=ink, **_BAND)


def expected_handles(ink: str) -> tuple[Patch, Line2D]:
    """What a legend shows for it, one over the other."""
    return Patch(color=ink, **_BAND), Line2D([], [], color=ink, **_EXPECTED)
