"""Axes of counts, shares and lengths, with ticks that say something.

An axis of counts has ticks at whole numbers, none of them above the most that there can be. A
logarithmic axis is labelled at powers of ten, or also at twice and five times these where it is
short. A symmetric one is linear from none to one, since zero has no logarithm.
"""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import (
    FixedLocator,
    LogLocator,
    MaxNLocator,
    NullFormatter,
    NullLocator,
    SymmetricalLogLocator,
)

from drift.experiments.figures.ticks.numbers import NumberFormatter

_DECADES = 1000.0
"""Ratio of its ends up to which a logarithmic axis is labelled at 1, 2 and 5."""
_FEWEST = 2
"""Fewest labels of an axis."""
_MINOR = 9
"""Most decades with ticks between their powers of ten."""
_MARGIN = 0.05
"""Margin beside the data as a share of the axis, as matplotlib has it."""
_LINEAR = 0.5
"""Length of the linear part of a symmetric axis, in decades."""
_ROOM = 0.08
"""Margin above the most of a symmetric axis, as a share of its decades."""


def log_axis(axes: Axes, which: str) -> None:
    """Make an axis logarithmic, over the limits that it has or finds, and label it."""
    # Zero is left out: a line down to the edge would be drawn to where nothing is.
    getattr(axes, f"set_{which}scale")("log", nonpositive="mask")
    label_log_axis(axes, which)


def label_log_axis(axes: Axes, which: str) -> None:
    """Label an axis that is logarithmic already, by its limits."""
    low, high = sorted(getattr(axes, f"get_{which}lim")())
    axis = getattr(axes, f"{which}axis")
    subs = (1.0, 2.0, 5.0) if high <= _DECADES * low else (1.0,)
    ticks = [each for each in _round_numbers(low, high, subs) if low <= each <= high]
    if len(ticks) >= _FEWEST:
        axis.set_major_locator(LogLocator(subs=subs))
    else:
        axis.set_major_locator(MaxNLocator(4))
    if len(subs) > 1 or high > 10**_MINOR * low:
        axis.set_minor_locator(NullLocator())
    else:
        axis.set_minor_locator(LogLocator(subs=range(2, 10)))
    axis.set_minor_formatter(NullFormatter())
    axis.set_major_formatter(NumberFormatter())


def _round_numbers(low: float, high: float, subs: tuple[float, ...]) -> list[float]:
    first, last = int(np.floor(np.log10(low))), int(np.ceil(np.log10(high)))
    return [sub * 10.0**power for power in range(first, last + 1) for sub in subs]


def symmetric_axis(axes: Axes, which: str) -> None:
    """Make an axis linear up to one and logarithmic above, from just below zero."""
    most = float(getattr(axes.dataLim, f"{which}1"))
    style: dict[str, Any] = {"linthresh": 1.0, "linscale": _LINEAR}
    getattr(axes, f"set_{which}scale")("symlog", **style)
    getattr(axes, f"set_{which}lim")(-4 * _ROOM, max(most, 2.0) ** (1 + _ROOM))
    axis = getattr(axes, f"{which}axis")
    axis.set_major_locator(SymmetricalLogLocator(base=10, linthresh=1.0))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(NumberFormatter())


def linear_axis(axes: Axes, which: str, whole: bool = False, most: float | None = None) -> None:
    """Label a linear axis; at whole numbers where its values are `whole`.

    `most` is the largest value that there can be: no tick stands above it. Where all values are
    one, the axis begins at zero.
    """
    low, high = (float(getattr(axes.dataLim, f"{which}{end}")) for end in "01")
    if not np.isfinite([low, high]).all():
        low, high = 0.0, 1.0
    if low == high:
        low, high = min(low, 0.0), max(high, 0.0)
    if low == high:
        high = 1.0
    room = _MARGIN * (high - low)
    getattr(axes, f"set_{which}lim")(low - room, high + room)
    axis = getattr(axes, f"{which}axis")
    locator = MaxNLocator(5, integer=whole, steps=[1, 2, 5, 10])
    ticks = np.asarray(locator.tick_values(low, high))
    top = high + room if most is None else min(most, high + room)
    ticks = ticks[(ticks >= low - room) & (ticks <= top)]
    axis.set_major_locator(FixedLocator(ticks.tolist()))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(NumberFormatter())


def spans_a_decade(least: float, most: float) -> bool:
    """Return whether counts span a decade, so that they get a logarithmic axis."""
    return most >= 10 * least


def count_axis(axes: Axes, which: str, most: float | None = None) -> None:
    """Scale and label an axis of positive counts: logarithmic where they span a decade."""
    low, high = (float(getattr(axes.dataLim, f"{which}{end}")) for end in "01")
    if low > 0 and spans_a_decade(low, high):
        log_axis(axes, which)
    else:
        linear_axis(axes, which, True, most)
