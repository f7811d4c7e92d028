"""The coalescence curve: distinct cells, largest black hole and pairs against the radius reached.

expected  by sim.prediction, with a band of one standard deviation to each side, or, of the largest
          black hole, from its quantile of 5 % to that of 95 %

Zero has no logarithm, so the axis of pairs is linear from no pairs to one.
"""

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from drift.experiments.figures.canvas import in_own_settings, new_figure
from drift.experiments.figures.captions import JOINT, captions, put_caption
from drift.experiments.figures.expected import ExpectedPairs, PairsRequest, not_predicted
from drift.experiments.figures.legend import add_outer_legend
from drift.experiments.figures.lines.coincide import NOTE, take_turns
from drift.experiments.figures.style import COLOURS
from drift.experiments.figures.ticks.scales import (
    count_axis,
    linear_axis,
    spans_a_decade,
    symmetric_axis,
)
from drift.sim.counting.cells import Counts
from drift.sim.errors import BadInput
from drift.sim.sources.source import CountedRun

if TYPE_CHECKING:
    from drift.sim.prediction.expected import Expected

EXPECTED = "expected"
CROSS: dict[str, Any] = {
    "marker": "x",
    "markersize": 4.5,
    "markeredgewidth": 1.0,
    "linestyle": "none",
}
_EXPECTED: dict[str, Any] = {"linewidth": 0.9}
_BAND: dict[str, Any] = {"alpha": 0.25, "linewidth": 0}
STEPPED: dict[str, Any] = {"drawstyle": "steps-post"}
"""Style of the lines of counts, which stay what they were until they are counted again."""


def put_scale(axes: Axes) -> None:
    """Scale `axes` to the pairs that are drawn in it, from just below zero."""
    most = float(axes.dataLim.y1)
    axes.set_ylabel("coalesced pairs")
    if spans_a_decade(1, most):
        symmetric_axis(axes, "y")
    else:
        axes.update_datalim([(axes.dataLim.x0, 0), (axes.dataLim.x0, 1)], updatex=False)
        linear_axis(axes, "y", whole=True)


def put_expected(
    axes: Axes,
    rows: "Sequence[Expected]",
    name: str,
    colour: str,
    linestyle: str = "-",
    along: str = "radius",
) -> None:
    """Draw what is expected of a count of a run at its records, and its band, `along` a field."""
    place, middle = ([getattr(row, each) for row in rows] for each in (along, name))
    if name == "largest":
        low, high = [row.largest_5 for row in rows], [row.largest_95 for row in rows]
    else:
        errors = [getattr(row, f"{name}_error") for row in rows]
        least = 1.0 if name == "distinct" else 0.0
        low = [max(least, mean - error) for mean, error in zip(middle, errors, strict=True)]
        high = [mean + error for mean, error in zip(middle, errors, strict=True)]
    axes.plot(place, middle, color=colour, linestyle=linestyle, **_EXPECTED, **STEPPED)
    axes.fill_between(place, low, high, color=colour, step="post", **_BAND)


def expected_handles(colour: str) -> tuple[Patch, Line2D]:
    """Return the legend's handles of the band and the line, to be drawn over each other."""
    return Patch(color=colour, **_BAND), Line2D([], [], color=colour, **_EXPECTED)


_HIGH = 5.2
"""Height of the figure, inches."""
_STYLES: dict[str, dict[str, Any]] = {
    "distinct": {"marker": "o", "markersize": 2.5, **STEPPED},
    "largest": {"linestyle": "--", **STEPPED},
    "pairs": {"marker": "s", "markersize": 2.5, "linestyle": "none"},
}


@in_own_settings
def curves(
    stores: Sequence[CountedRun], expected_pairs: ExpectedPairs | None = None, columns: int = 2
) -> Figure:
    """Draw the curves of several runs, and what is expected of them.

    Without `expected_pairs`, they are predicted where that is quick. `columns` is the number of
    columns of the legend. Raises BadInput where a run has no record yet.
    """
    records = [store.records() for store in stores]
    for store, counted in zip(stores, records, strict=True):
        if not counted:
            raise BadInput(f"{store.address} has no record yet; run it first")
    figure = new_figure(height=_HIGH)
    upper, lower = figure.subplots(2, sharex=True, height_ratios=[3, 2])
    colours = _colours(len(stores))
    along = _along(records)
    drawn: dict[str, list[Line2D]] = {name: [] for name in _STYLES}
    for counted, colour in zip(records, colours, strict=True):
        place = [getattr(counts, along) for counts in counted]
        for name, style in _STYLES.items():
            axes = lower if name == "pairs" else upper
            y = [getattr(c, name) for c in counted]
            drawn[name] += axes.plot(place, y, color=colour[name], **style)
    upper.set_ylabel("cells, tokens")
    found, reasons = _expected(stores, records, expected_pairs or ExpectedPairs())
    for rows, colour in zip(found, colours, strict=True):
        if rows:
            put_expected(upper, rows, "distinct", colour["distinct"], along=along)
            put_expected(upper, rows, "largest", colour["largest"], "--", along)
            put_expected(lower, rows, "pairs", colour["pairs"], along=along)
    count_axis(upper, "y", max(c.alive for counted in records for c in counted))
    put_scale(lower)
    linear_axis(lower, "x", whole=along == "step")
    lower.set_xlabel(_LABELS[along])
    figure.align_ylabels()
    specs = [store.attrs["spec"] for store in stores]
    turns = [take_turns(upper, drawn[name]) for name in ("distinct", "largest")]
    notes = [*not_predicted(reasons, any(found)), *([NOTE] if any(turns) else [])]
    _legends(figure, specs, any(found), notes, columns)
    return figure


_LABELS = {"radius": "radius reached, $r$ (mean of the cloud along $u$)", "step": "step, $t$"}


def _along(records: list[list[Counts]]) -> str:
    """Return what counts are drawn along: the step where a motion leads nowhere in the end."""
    known = all(counts.radius is not None for counted in records for counts in counted)
    return "radius" if known else "step"


def _expected(
    stores: Sequence[CountedRun], records: list[list[Counts]], expected_pairs: ExpectedPairs
) -> "tuple[list[list[Expected]], list[str]]":
    """Return the expectation of each run at its records, and why some have none."""
    steps = [[counts.step for counts in counted] for counted in records]
    return expected_pairs.at_steps(list(map(request_of_run, stores, steps)))


def request_of_run(store: CountedRun, steps: list[int]) -> PairsRequest:
    """Return the request for the expected counts of a run at `steps`."""
    drift, used = store.drift, None
    if drift.origin is not None:  # a checkpoint, which may be gone by now
        return PairsRequest(None, steps, None)
    if drift.direction.endswith(".npy"):  # a file may hold another vector by now
        used = hashlib.sha256(store.read("direction").tobytes()).hexdigest()
    return PairsRequest(drift, steps, used)


def _colours(count: int) -> list[dict[str, str]]:
    """Return for each run the colour of each of its lines."""
    if count == 1:
        return [dict(zip(_STYLES, COLOURS, strict=False))]
    return [dict.fromkeys(_STYLES, COLOURS[k % len(COLOURS)]) for k in range(count)]


def _legends(
    figure: Figure, specs: list[dict[str, Any]], predicted: bool, said: list[str], columns: int
) -> None:
    """Add the legend, in which runs are named by what differs, and a caption of what they share."""
    shared, own = captions(specs)
    colours = _colours(len(specs))
    colour = colours[0] if len(specs) == 1 else dict.fromkeys(_STYLES, "black")
    handles: list[Any] = [Line2D([], [], color=colour[k], **style) for k, style in _STYLES.items()]
    labels = ["distinct cells", "largest black hole (tokens)", "coalesced pairs"]
    if predicted:
        handles.append(expected_handles("black"))
        labels.append(f"{EXPECTED}, ± one standard deviation (largest: 5 to 95 %)")
    if len(specs) > 1:
        handles += [Line2D([], [], color=each["pairs"], linewidth=4) for each in colours]
        labels += own
    add_outer_legend(figure, handles, labels, columns)
    put_caption(figure, shared.split(JOINT), *said)
