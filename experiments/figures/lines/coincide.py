"""Curves that coincide: where several lie on one another, their colours take turns.

stretch  a piece of a curve, from one of its points to a later one
shared   of a stretch: other curves of other colours go along it

Below the last one drawn, others would not be seen. So dashes of each are drawn over a shared
stretch, one after the other; the curves themselves stay as they are.
"""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.lines import Line2D

NOTE = "where curves coincide, their colours take turns"
"""The part of a caption that explains it."""
_SAMPLES = np.array([0.1, 0.5, 0.9])
"""Places in each stretch at which curves are compared, as shares of it."""
_CLOSE = 0.004
"""Largest distance of curves that coincide, as a share of the axis."""
_UPRIGHT = 1e-9
"""Width of stretches that go straight up or down, where only their ends can be compared."""
_LEAST = 0.05
"""Shortest stretch that gets dashes, as a share of the axis."""
_DASH, _TURN = 4.0, 36.0
"""Longest dash, and length in which all colours have had a turn, in widths of the line."""
_ABOVE = 0.05
"""Height of dashes above the curves, in units of zorder."""
_OURS = "in turn"
"""The mark of the dashes that are drawn here."""


def take_turns(axes: Axes, lines: Sequence[Line2D]) -> bool:
    """Draw dashes over the shared stretches of lines, whose axes are scaled; True where any is.

    Lines that turn back to the left are left aside.
    """
    known = [each for each in map(_Curve.of, lines) if each is not None]
    drawn = False
    runs: dict[tuple[int, ...], list[tuple[int, int, int]]] = {}
    for number in range(len(known)):
        for first, last, together in _shared(known, number):
            if number == together[0]:
                runs.setdefault(together, []).append((number, first, last))
    for together, places in runs.items():
        for number, first, last in places:
            x, y = (each[[first, last]] for each in (known[number].x, known[number].y))
            if max(abs(x[1] - x[0]), abs(y[1] - y[0])) < _LEAST:
                continue
            drawn = True
            _draw(axes, [known[k].line for k in together], known[number].line, first, last)
    return drawn


def is_turn(line: Line2D) -> bool:
    """Return whether a line is one of the dashes, and no curve."""
    return line.get_gid() == _OURS


class _Curve:
    """A line in units of its axes, in which both go from 0 to 1."""

    def __init__(self, line: Line2D, at: np.ndarray):
        self.line, self.x, self.y = line, at[:, 0], at[:, 1]
        self.stepped = line.get_drawstyle() == "steps-post"
        self.colour = to_hex(line.get_color())

    @classmethod
    def of(cls, line: Line2D) -> "_Curve | None":
        """Return the curve of a line; None where it does not go from left to right."""
        axes = line.axes
        drawn = line.get_linestyle() not in ("None", "none", "", " ")
        given: np.ma.MaskedArray = np.ma.masked_invalid(np.ma.asarray(line.get_xydata(), float))
        data: np.ndarray = given.filled(np.nan)
        if axes is None or not drawn or len(data) < 2:
            return None
        with np.errstate(all="ignore"):
            at = (axes.transScale + axes.transLimits).transform(data)
            rising = np.diff(at[:, 0]) >= 0
        return cls(line, at) if rising.all() else None

    def places(self) -> tuple[np.ndarray, np.ndarray]:
        """Return places within its stretches, float64 (stretches, samples), across and up."""
        share = np.zeros(len(_SAMPLES)) if self.stepped else _SAMPLES
        across = self.x[:-1, None] + np.diff(self.x)[:, None] * _SAMPLES
        return across, self.y[:-1, None] + np.diff(self.y)[:, None] * share

    def heights(self, across: np.ndarray) -> np.ndarray:
        """Return its heights there; NaN where it is not."""
        if self.stepped:
            index = np.clip(np.searchsorted(self.x, across, side="right") - 1, 0, len(self.x) - 1)
            found = self.y[index]
        else:
            found = np.interp(across, self.x, self.y)
        outside = (across < self.x[0]) | (across > self.x[-1])
        return np.where(outside, np.nan, found)


def _shared(known: list[_Curve], number: int) -> list[tuple[int, int, tuple[int, ...]]]:
    """Return the shared stretches of a curve, as indices of their ends, and whose they are."""
    mine = known[number]
    across, up = mine.places()
    along = np.zeros((len(known), len(across)), bool)
    for other, curve in enumerate(known):
        with np.errstate(invalid="ignore"):
            along[other] = (np.abs(curve.heights(across) - up) < _CLOSE).all(axis=1)
        upright = np.diff(mine.x) < _UPRIGHT
        along[other][upright] = _same_vertices(curve, mine)[upright]
    found: list[tuple[int, int, tuple[int, ...]]] = []
    for k, column in enumerate(along.T):
        together = _of_own_colour(known, np.flatnonzero(column).tolist())
        if len(together) < 2 or number not in together:
            continue
        if found and found[-1][1] == k and found[-1][2] == together:
            found[-1] = (found[-1][0], k + 1, together)
        else:
            found.append((k, k + 1, together))
    return found


def _same_vertices(a: _Curve, b: _Curve) -> np.ndarray:
    """Return whether both ends of each stretch of two curves are the same, bool (stretches,)."""
    if len(a.x) != len(b.x):
        return np.zeros(len(b.x) - 1, bool)
    with np.errstate(invalid="ignore"):
        same = (np.abs(a.x - b.x) < _CLOSE) & (np.abs(a.y - b.y) < _CLOSE)
    return same[:-1] & same[1:]


def _of_own_colour(known: list[_Curve], together: list[int]) -> tuple[int, ...]:
    """Return the first curve of each colour."""
    first: dict[str, int] = {}
    for each in together:
        first.setdefault(known[each].colour, each)
    return tuple(first.values())


def _draw(axes: Axes, lines: list[Line2D], along: Line2D, first: int, last: int) -> None:
    many = len(lines)
    dash = min(_DASH, _TURN / many)
    x, y = (np.asarray(each)[first : last + 1] for each in (along.get_xdata(), along.get_ydata()))
    top = max(line.get_zorder() for line in lines) + _ABOVE
    # Scaling the axes again would move them apart from what is drawn already.
    held = axes.get_autoscale_on()
    axes.set_autoscale_on(False)
    for k, line in enumerate(lines):
        axes.plot(
            x,
            y,
            color=line.get_color(),
            linewidth=line.get_linewidth(),
            linestyle=(k * dash, (dash, (many - 1) * dash)),
            drawstyle=along.get_drawstyle(),
            dash_capstyle="butt",
            zorder=top,
            gid=_OURS,
        )
    axes.set_autoscale_on(held)
