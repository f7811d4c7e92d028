"""The curves of a sweep: distinct cells, the largest black hole and pairs against radius reached.

curve     of the cells that differ in seeds alone: their mean at each record
band      from the least to the greatest of them
expected  crosses over the curves of pairs, at some of the records
"""

import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import StrMethodFormatter

from drift.experiments.figures.captions import wrapped
from drift.experiments.figures.curves import CROSS, EXPECTED, put_scale
from drift.experiments.figures.expected import ExpectedPairs
from drift.experiments.figures.legend import DASHES, NAMED, inks, put_bar, put_legend
from drift.experiments.figures.style import new_figure, spans_a_decade
from drift.experiments.figures.sweeps.expected import expected_in_slice
from drift.experiments.figures.sweeps.sweep_slice import SweepSlice
from drift.sim.errors import BadInput

_MOST = 100
"""Curves in a figure."""
_FEW, _FAINT = 12, 0.1
"""The bands of more curves are fainter."""
_HIGH, _ROW = 6.4, 0.17
"""Inches of the figure, and of a row of its legend."""
_WIDE = 400.0
"""Points of a caption, and of a legend."""
_COUNTS = {"distinct": "distinct cells", "largest": "largest black hole (tokens)", "pairs": ""}
_CROSSES = 13
"""On a curve."""


def sweep_curves(
    sweep_slice: SweepSlice, expected_pairs: ExpectedPairs | None = None, wide: float = _WIDE
) -> Figure:
    """Draw the curves of `sweep_slice`, whose first axis has the most values.

    None is an outlook as it is cheap; the legend is `wide` points at most. Raises BadInput
    for more than can be told apart and where no cell is done.
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
    figure = new_figure(6.0, _HIGH)
    has_bar = colours > NAMED
    places = figure.add_gridspec(3, 1 + has_bar, width_ratios=[1, 0.035][: 1 + has_bar])
    top = figure.add_subplot(places[0, 0])
    panels = [top, *(figure.add_subplot(places[row, 0], sharex=top) for row in (1, 2))]
    shades = inks(sweep_slice)
    for axes, (name, label) in zip(panels, _COUNTS.items(), strict=True):
        counts = sweep_slice.read(name).reshape(shape)
        for c, d in np.argwhere(~np.ma.getmaskarray(reached).all(axis=-1)):
            alpha = 0.2 if colours * dashes <= _FEW else _FAINT
            _curve(axes, reached[c, d], counts[c, d], alpha, color=shades[c], linestyle=DASHES[d])
        if name == "pairs":
            continue
        if spans_a_decade(counts.min(), counts.max()):
            axes.set_yscale("log")
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        axes.set_ylabel(label)
        axes.tick_params(labelbottom=False)
    crosses, notes = _expected(panels[-1], sweep_slice, shades, expected_pairs or ExpectedPairs())
    put_scale(panels[-1])
    panels[-1].set_xlabel("radius reached, $r$ (mean of the cloud along $u$)")
    figure.align_ylabels()
    if has_bar:
        put_bar(figure.add_subplot(places[:, 1]), sweep_slice)
    rows = put_legend(figure, sweep_slice, not has_bar, crosses, wide)
    figure.set_figheight(_HIGH + _ROW * rows)
    said = [*sweep_slice.caption(), *_repeats(sweep_slice), *sweep_slice.missing(), *notes]
    figure.supxlabel(wrapped(said, _WIDE), fontsize=8, color="#444444")
    return figure


def _curve(
    axes: Axes, reached: np.ma.MaskedArray, counts: np.ma.MaskedArray, alpha: float, **style: Any
) -> None:
    """Draw a curve of counts (repeats, progress), and its band."""
    axes.plot(reached, counts.mean(axis=0), linewidth=1.3, **style)
    if len(counts) > 1:
        ends = counts.min(axis=0), counts.max(axis=0)
        axes.fill_between(reached, *ends, color=style["color"], alpha=alpha, linewidth=0)


def _expected(
    axes: Axes, sweep_slice: SweepSlice, shades: list[str], expected_pairs: ExpectedPairs
) -> tuple[list[Line2D], list[str]]:
    """Draw what is expected; what the legend and the caption say of it."""
    last = len(sweep_slice.store.progress) - 1
    records = np.unique(np.linspace(0, last, _CROSSES).round().astype(int)).tolist()
    known = expected_in_slice(sweep_slice, records, expected_pairs)
    shape = len(shades), -1, len(records)
    reached, pairs = known.reached.reshape(shape), known.pairs.reshape(shape)
    for c, d in np.argwhere(~np.ma.getmaskarray(pairs).all(axis=-1)):
        axes.plot(reached[c, d], pairs[c, d], color=shades[c], **CROSS)
    if pairs.mask.all():
        return [], known.notes
    return [Line2D([], [], color="black", label=EXPECTED, **CROSS)], known.notes


def _too_many(sweep_slice: SweepSlice) -> str:
    asked = " × ".join(f"{len(axis.values):,} {axis.name}" for axis in sweep_slice.shown_axes)
    found = f"{sweep_slice.store.address} has {asked} curves; up to {_MOST} can be told apart"
    if len(sweep_slice.shown_axes) == 1:
        return f"{found}; drift plot phase shows more"
    others = ",".join(f"{axis.name}={axis.meanings[0]}" for axis in sweep_slice.shown_axes[1:])
    return f"{found}, {len(DASHES)} of a {sweep_slice.names[0]}; fix others, such as --at {others}"


def _repeats(sweep_slice: SweepSlice) -> list[str]:
    if not sweep_slice.averaged:
        return []
    return [f"lines: mean over {sweep_slice.repeats()}", "bands: least to greatest"]
