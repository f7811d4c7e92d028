"""The fraction of a sweep's tokens that is still distinct over one axis: a curve.

crossing  where the fraction passes one half along the axis, interpolated as the axis is drawn
band      from the minimum to the maximum over seeds; names have points alone
expected  crosses, and the onset (.onset)
"""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from drift.experiments.figures.axes import Scale, Ticks
from drift.experiments.figures.canvas import in_own_settings, new_figure
from drift.experiments.figures.captions import in_symbols, put_caption
from drift.experiments.figures.curves import CROSS
from drift.experiments.figures.expected import ExpectedPairs
from drift.experiments.figures.legend import add_grouped_legend
from drift.experiments.figures.look import in_font, width_of
from drift.experiments.figures.style import COLOURS, POINTS
from drift.experiments.figures.sweeps.onset import HALF, draw_onset, expected_fraction
from drift.experiments.figures.sweeps.sweep_slice import SweepSlice

_TRANSITION_WIDE, _TRANSITION_BESIDE = 6.0, 112.0
"""Width of the figure, inches, and of what stands beside the axis, points."""


@in_own_settings
def transition(
    sweep_slice: SweepSlice,
    record: int,
    expected_pairs: ExpectedPairs | None = None,
    long: float | None = None,
) -> Figure:
    """Draw a slice of one axis, `long` points long, in one record.

    By default it is as long as the figure has room for. Without `expected_pairs`, they are
    predicted where that is quick. Raises BadInput where no grid point is done.
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
        axes, sweep_slice, record, expectations, mean, color=COLOURS[1], linestyle="-."
    )
    notes = list(dict.fromkeys([*notes, *more]))
    long = long or width_of(_TRANSITION_WIDE) * POINTS - in_font(_TRANSITION_BESIDE)
    Ticks(scale, "x", long).put_on(axes)
    axes.set(ylim=(-0.03, 1.03), ylabel=sweep_slice.fraction_label(record))
    handles = axes.get_legend_handles_labels()[0] + onset
    add_grouped_legend(figure, [handles], long + in_font(_TRANSITION_BESIDE), 2 + (not onset))
    put_caption(figure, sweep_slice.caption() + sweep_slice.missing() + notes)
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
