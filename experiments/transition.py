"""The transition of a sweep along one axis: which share of the tokens is still distinct.

fraction  distinct cells by tokens that are counted
line      the mean over seeds, where there are several; names get points alone
band      from the least to the greatest of the seeds
crossing  where the line passes one half, as the axis is drawn
onset     the sigma at which one coalesced pair is expected: experiments.onset
"""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from drift.experiments.captions import in_symbols, wrapped
from drift.experiments.expectation import Outlook
from drift.experiments.figures import COLOURS, figure
from drift.experiments.key import fitting
from drift.experiments.onset import put_onset
from drift.experiments.phase import HALF
from drift.experiments.scales import Scale
from drift.experiments.section import Section
from drift.experiments.ticks import Ticks

_LONG, _BESIDE = 320.0, 112.0
"""Points of the axis, and beside it."""


def transition(
    section: Section, record: int, outlook: Outlook | None = None, long: float = _LONG
) -> Figure:
    """Draw `section`, of one axis, so many points `long`, in one record.

    None is an outlook as it is cheap. Raises BadInput where no cell is done.
    """
    scale = Scale.of(section, 0)
    section.check_done()
    fraction = section.fraction(record)
    mean = fraction.mean(axis=-1)
    drawn = figure()
    axes = drawn.add_subplot()
    named, ink = scale.kind == "names", COLOURS[0]
    said = f"mean over {section.repeats()}" if section.averaged else None
    style: Any = "none" if named else "-"
    axes.plot(scale.places, mean, "o", markersize=3.5, color=ink, linestyle=style, label=said)
    if section.averaged:
        ends, label = (fraction.min(axis=-1), fraction.max(axis=-1)), "least to greatest"
        if named:
            axes.vlines(scale.places, *ends, color=ink, linewidth=1.2, label=label)
        else:
            axes.fill_between(scale.places, *ends, color=ink, alpha=0.25, linewidth=0, label=label)
    axes.axhline(HALF, color="black", linestyle=":", linewidth=1.2, label=_half(scale, mean))
    onset, notes = put_onset(
        axes, section, record, outlook or Outlook(), color=COLOURS[1], linestyle="-."
    )
    Ticks(scale, "x", long).put_on(axes)
    axes.set(ylim=(-0.03, 1.03), ylabel=section.what(record))
    handles = axes.get_legend_handles_labels()[0] + onset
    ncols = fitting(handles, long + _BESIDE, 2 + (not onset))
    drawn.legend(handles=handles, loc="outside upper center", ncols=ncols, fontsize=8)
    caption = wrapped(section.caption() + section.missing() + notes, 72 * 5.4)
    drawn.supxlabel(caption, fontsize=8, color="#444444")
    return drawn


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
