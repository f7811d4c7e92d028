"""The curves of a sweep: distinct cells, largest black hole and pairs against the radius reached.

curve     the mean, at each record, of the grid points that differ only in seeds
band      from their minimum to their maximum
expected  crosses on the curves, at some of the records
"""

import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from drift.experiments.figures.canvas import add_height, in_own_settings, new_figure
from drift.experiments.figures.captions import put_caption
from drift.experiments.figures.curves import CROSS, EXPECTED, STEPPED, put_scale
from drift.experiments.figures.expected import ExpectedPairs
from drift.experiments.figures.legend import DASHES, NAMED, add_bar, add_legend, line_colours
from drift.experiments.figures.lines.coincide import NOTE, take_turns
from drift.experiments.figures.look import in_font, width_of
from drift.experiments.figures.style import POINTS
from drift.experiments.figures.sweeps.expected import expected_in_slice
from drift.experiments.figures.sweeps.sweep_slice import SweepSlice
from drift.experiments.figures.ticks.scales import count_axis, linear_axis
from drift.sim.errors import BadInput

_MOST = 100
"""Most curves in a figure."""
_FEW, _FAINT = 12, 0.1
"""Most curves whose bands are drawn at full opacity, and the opacity of more."""
_HIGH, _ROW = 6.4, 0.17
"""Height of the figure, and of a row of its legend, inches."""
_WIDE, _MARGIN = 6.0, 32.0
"""Width of the figure, inches, and points by which its legend is narrower."""
_COUNTS = {"distinct": "distinct cells", "largest": "largest black hole (tokens)", "pairs": ""}
_CROSSES = 13
"""Most crosses on a curve."""


@in_own_settings
def sweep_curves(
    sweep_slice: SweepSlice,
    expected_pairs: ExpectedPairs | None = None,
    wide: float | None = None,
) -> Figure:
    """Draw the curves of `sweep_slice`, whose first axis has the most values.

    Without `expected_pairs`, they are predicted where that is quick. The legend is at most `wide`
    points wide, by default about as wide as the figure. Raises BadInput for more curves than a
    figure holds, and where no grid point is done.
    """
    colours, dashes = (
        sweep_slice.shape[0] if sweep_slice.shown_axes else 1,
        math.prod(sweep_slice.shape[1:-1]),
    )
    if colours * dashes > _MOST or dashes > len(DASHES):
        raise BadInput(_too_many(sweep_slice))
    sweep_slice.check_done()
    shape = colours, dashes, sweep_slice.shape[-1], len(sweep_slice.store.progress)
    reached = sweep_slice.read("radius").reshape(shape).mean(axis=2)
    figure = new_figure(_WIDE, _HIGH)
    has_bar = colours > NAMED
    spec = figure.add_gridspec(3, 1 + has_bar, width_ratios=[1, 0.035][: 1 + has_bar])
    top = figure.add_subplot(spec[0, 0])
    panels = [top, *(figure.add_subplot(spec[row, 0], sharex=top) for row in (1, 2))]
    first = sweep_slice.shown_axes[0] if sweep_slice.shown_axes else None
    shades, turns = line_colours(first), []
    for axes, (name, label) in zip(panels, _COUNTS.items(), strict=True):
        counts = sweep_slice.read(name).reshape(shape)
        for c, d in np.argwhere(~np.ma.getmaskarray(reached).all(axis=-1)):
            alpha = 0.2 if colours * dashes <= _FEW else _FAINT
            _curve(axes, reached[c, d], counts[c, d], alpha, color=shades[c], linestyle=DASHES[d])
        drawn = list(axes.get_lines())
        if name == "pairs":
            put_scale(axes)
        else:
            count_axis(axes, "y", float(sweep_slice.read("alive").max()))
            axes.set_ylabel(label)
            axes.tick_params(labelbottom=False)
        turns.append(drawn)
    linear_axis(panels[-1], "x")
    together = [take_turns(axes, drawn) for axes, drawn in zip(panels, turns, strict=True)]
    crosses, notes = _expected(panels, sweep_slice, shades, expected_pairs or ExpectedPairs())
    panels[-1].set_xlabel("radius reached, $r$ (mean of the cloud along $u$)")
    figure.align_ylabels()
    if has_bar and first:
        add_bar(figure.add_subplot(spec[:, 1]), first)
    beside = width_of(_WIDE) * POINTS - _MARGIN
    rows = add_legend(figure, sweep_slice, not has_bar, crosses, wide or beside)
    add_height(figure, in_font(_ROW) * rows)
    notes = [*notes, *([NOTE] if any(together) else [])]
    put_caption(
        figure,
        [*sweep_slice.caption(), *_repeats(sweep_slice), *sweep_slice.missing(), *notes],
    )
    return figure


def _curve(
    axes: Axes, reached: np.ma.MaskedArray, counts: np.ma.MaskedArray, alpha: float, **style: Any
) -> None:
    """Draw a curve of counts, (repeats, records), and its band."""
    axes.plot(reached, counts.mean(axis=0), linewidth=1.3, **STEPPED, **style)
    if len(counts) > 1:
        ends = counts.min(axis=0), counts.max(axis=0)
        axes.fill_between(
            reached, *ends, color=style["color"], alpha=alpha, linewidth=0, step="post"
        )


def _expected(
    panels: list[Axes], sweep_slice: SweepSlice, shades: list[str], expected_pairs: ExpectedPairs
) -> tuple[list[Line2D], list[str]]:
    """Draw the expected counts; return the handles and the notes on them."""
    if sweep_slice.predicted:
        return [], []
    last = len(sweep_slice.store.progress) - 1
    records = np.unique(np.linspace(0, last, _CROSSES).round().astype(int)).tolist()
    known = expected_in_slice(sweep_slice, records, expected_pairs)
    shape = len(shades), -1, len(records)
    values = {name: each.reshape(shape) for name, each in known.values.items()}
    there = ~np.ma.getmaskarray(values["radius"]).all(axis=-1)
    for axes, name in zip(panels, _COUNTS, strict=True):
        for c, d in np.argwhere(there):
            axes.plot(values["radius"][c, d], values[name][c, d], color=shades[c], **CROSS)
    if not there.any():
        return [], known.notes
    return [Line2D([], [], color="black", label=EXPECTED, **CROSS)], known.notes


def _too_many(sweep_slice: SweepSlice) -> str:
    first, *others = sweep_slice.shown_axes
    axes = " × ".join(f"{len(axis.values):,} {axis.name}" for axis in sweep_slice.shown_axes)
    count = math.prod(sweep_slice.shape[:-1])
    found = f"{sweep_slice.store.address} has {count:,} curves ({axes}); at most {_MOST} are drawn"
    if not others:
        return f"{found}; drift plot phase shows more"
    fixed = ",".join(f"{axis.name}={axis.meanings[0]}" for axis in others)
    return f"{found}, {len(DASHES)} per {first.name}; fix other axes, such as --at {fixed}"


def _repeats(sweep_slice: SweepSlice) -> list[str]:
    if not sweep_slice.averaged:
        return []
    return [f"lines: mean over {sweep_slice.repeats()}", "bands: min–max"]
