"""The figure of lines: panels, lines with their spread, what is expected, and a legend.

panel   axes for one value of row and one of col
line    the mean over seeds, at each value along x or at each record; names have points alone
spread  a band, or bars at names
cross   what is expected there
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from drift.experiments.figures.axes import Scale, Ticks
from drift.experiments.figures.canvas import in_own_settings
from drift.experiments.figures.captions import put_caption
from drift.experiments.figures.curves import CROSS, STEPPED
from drift.experiments.figures.expected import ExpectedPairs
from drift.experiments.figures.legend import (
    DASHES,
    line_colours,
)
from drift.experiments.figures.lines.chosen import ChosenLines
from drift.experiments.figures.lines.coincide import NOTE, take_turns
from drift.experiments.figures.lines.panels import (
    caption_of,
    explain,
    label_panels,
    make_panels,
    marker_of,
    panel_shape,
)
from drift.experiments.figures.lines.quantities import QUANTITY, STEP, Quantity
from drift.experiments.figures.lines.vertices import AllLines, LineVertices, all_lines
from drift.experiments.figures.look import in_font
from drift.experiments.figures.style import POINTS
from drift.experiments.figures.ticks.scales import linear_axis, log_axis, symmetric_axis
from drift.sim.errors import BadInput, printable
from drift.sim.spec.axis import Axis

SCALES = ("auto", "linear", "log")
"""The scales that axes may have."""
SPREADS = ("range", "deviation", "none")
"""The kinds of bands: from least to most, one standard deviation to each side, or none."""
_MARKED = 40
"""Most points of a line that get a marker."""
_BESIDE_NAMES = 0.3
"""Width of the points of all colours at a name, as a share of the distance of names."""
_BESIDE = 70.0
"""Points beside the axis of a panel."""


class LineScales(NamedTuple):
    """The scales of both axes that are asked for, and the spread."""

    x: str = "auto"
    """one of SCALES"""
    y: str = "auto"
    """one of SCALES"""
    spread: str = "range"
    """one of SPREADS"""

    def check(self) -> None:
        """Raise BadInput, saying what is accepted, for what is none of them."""
        for name, value, accepted in (
            ("xscale", self.x, SCALES),
            ("yscale", self.y, SCALES),
            ("spread", self.spread, SPREADS),
        ):
            if value not in accepted:
                raise BadInput(
                    f"{name} is {printable(repr(value))}; it is one of {', '.join(accepted)}"
                )


@in_own_settings
def line_figure(
    chosen: ChosenLines,
    progress: float = 1.0,
    scales: LineScales | None = None,
    expected_pairs: ExpectedPairs | None = None,
) -> Figure:
    """Draw the lines that are chosen; at `progress` where x is an axis.

    Raises BadInput for more lines or panels than a figure holds, for a scale that cannot show the
    values, and where no grid point is done.
    """
    scales = scales or LineScales()
    scales.check()
    if chosen.along and progress != 1:
        raise BadInput(
            f"progress is {progress:g}, but the lines go through all records; it is for an axis"
            " along x"
        )
    shape = panel_shape(chosen)
    found = all_lines(chosen, progress, scales.spread, expected_pairs or ExpectedPairs())
    figure, panels, beside = make_panels(chosen, shape)
    drawn = [_draw(axes, place, chosen, found, scales) for place, axes in panels.items()]
    every = list(panels.values())
    hidden = _scale_y(panels, chosen, found, scales.y)
    _scale_x(every, chosen, scales.x, figure)
    label_panels(panels, chosen, shape, progress)
    together = [take_turns(axes, lines) for axes, lines in zip(every, drawn, strict=True)]
    crosses = any(np.isfinite(line.expected).any() for line in found.lines.values())
    explain(figure, chosen, beside, crosses)
    notes = [*found.notes, *hidden, *([NOTE] if any(together) else [])]
    put_caption(figure, [*caption_of(chosen, found, progress, scales.spread), *notes])
    return figure


def _draw(
    axes: Axes,
    place: tuple[int, int],
    chosen: ChosenLines,
    found: AllLines,
    scales: LineScales,
) -> list[Line2D]:
    """Draw the lines of a panel; return them."""
    colours, drawn = line_colours(chosen.told.get("hue")), []
    scale = Scale(chosen.x) if isinstance(chosen.x, Axis) else None
    for (row, col, hue, dash), line in sorted(found.lines.items()):
        if (row, col) != place:
            continue
        across = line.x if scale is None else scale.positions[line.x.astype(int)]
        names = scale is not None and scale.kind == "names"
        if names:  # beside each other, since nothing else would tell equal ones apart
            across = across + _BESIDE_NAMES * (hue - (len(colours) - 1) / 2) / len(colours)
        stepped = chosen.along and not isinstance(chosen.x, Quantity)
        stepped = (stepped or _reached(chosen)) and all(q.whole for q in chosen.quantities)
        style: dict[str, Any] = {"color": colours[hue], "linestyle": DASHES[dash]}
        marked = scale is not None and len(across) <= _MARKED
        style |= {"marker": marker_of(hue, chosen), "markersize": 3.5} if marked else {}
        style |= STEPPED if stepped else {}
        style |= {"linestyle": "none"} if names else {}
        drawn += axes.plot(across, line.mean, linewidth=1.3, **style)
        if line.repeats > 1 and scales.spread != "none":
            _spread(axes, across, line, names, stepped, colours[hue])
        axes.plot(across, line.expected, color=colours[hue], **CROSS)
    axes.margins(0.03)
    return drawn


def _reached(chosen: ChosenLines) -> bool:
    return isinstance(chosen.x, Quantity) and chosen.x.name == "reached"


def _spread(
    axes: Axes, across: np.ndarray, line: LineVertices, names: bool, stepped: bool, colour: str
) -> None:
    if names:
        axes.vlines(across, line.low, line.high, color=colour, linewidth=1.2)
        return
    step: Any = "post" if stepped else None
    axes.fill_between(across, line.low, line.high, color=colour, alpha=0.2, linewidth=0, step=step)


def _scale_y(
    panels: dict[tuple[int, int], Axes], chosen: ChosenLines, found: AllLines, scale: str
) -> list[str]:
    """Scale the vertical axes; return a note on what they cannot show."""
    groups = [(list(panels.values()), chosen.quantities)]
    for role, place in (("row", 0), ("col", 1)):
        if role in chosen.told and chosen.told[role].name == QUANTITY:
            groups = [([axes], (chosen.quantities[at[place]],)) for at, axes in panels.items()]
    for group, quantities in groups:
        _join_limits(group, "y")
        low, high = (float(getattr(group[0].dataLim, f"y{end}")) for end in "01")
        whole = all(each.whole for each in quantities)
        if scale == "log" and high <= 0:
            raise BadInput("yscale is log, but no value is above 0; linear is accepted")
        if scale == "log" or (scale == "auto" and whole and low > 0 and high >= 10 * low):
            least = _least_positive(found)
            for axes in group:
                axes.set_ylim(least, high)
                axes.set_yscale("log", nonpositive="mask")
            group[0].set_ylim(least / 1.25, high * 1.25)
            log_axis(group[0], "y")
        elif scale == "auto" and whole and low <= 0 and high >= 10:
            symmetric_axis(group[0], "y")
        else:
            linear_axis(group[0], "y", whole=whole)
    lost = sum(int((line.mean <= 0).sum()) for line in found.lines.values())
    what = "1 value of 0 is" if lost == 1 else f"{lost:,} values of 0 are"
    return [f"{what} not shown"] if scale == "log" and lost else []


def _least_positive(found: AllLines) -> float:
    means = np.concatenate([line.mean for line in found.lines.values()])
    return float(means[means > 0].min())


def _join_limits(panels: Sequence[Axes], which: str) -> None:
    """Give all panels the limits of the data of all."""
    boxes = [axes.dataLim for axes in panels if np.isfinite(axes.dataLim.get_points()).all()]
    for axes in panels:
        for box in boxes:
            axes.update_datalim(box.get_points(), updatex=which == "x", updatey=which == "y")


def _scale_x(panels: list[Axes], chosen: ChosenLines, scale: str, figure: Figure) -> None:
    x = chosen.x
    if isinstance(x, Axis):
        own = Scale(x, None if scale == "auto" else scale)
        across = len({axes.get_position().x0 for axes in panels})
        points = figure.bbox.width / figure.dpi * POINTS / across - in_font(_BESIDE)
        for axes in panels:
            Ticks(own, "x", points).put_on(axes)
        return
    _join_limits(panels, "x")
    low, high = float(panels[0].dataLim.x0), float(panels[0].dataLim.x1)
    if scale == "log":
        there = [line.get_xdata() for axes in panels for line in axes.get_lines()]
        above = [float(v) for each in there for v in np.asarray(each, float) if v > 0]
        if not above:
            raise BadInput("xscale is log, but no value along x is above 0; linear is accepted")
        panels[0].set_xlim(min(above) / 1.1, high * 1.1)
        log_axis(panels[0], "x")
    else:
        whole = x == STEP or (isinstance(x, Quantity) and x.whole)
        linear_axis(panels[0], "x", whole=whole)
    assert low <= high, "limits are in order"
