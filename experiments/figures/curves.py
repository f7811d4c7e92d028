"""The coalescence curve: distinct cells, the largest black hole and pairs against radius reached.

expected  of the pairs: sim.prediction.predict, and a standard deviation to each side

Of no pairs there is no logarithm, so the axis of pairs is linear up to one pair.
"""

import hashlib
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from drift.experiments.figures.captions import captions
from drift.experiments.figures.expected import ExpectedPairs, PairsRequest, note
from drift.experiments.figures.style import COLOURS, new_figure, spans_a_decade
from drift.sim.counting.cells import Counts
from drift.sim.errors import BadInput
from drift.sim.stores.run_store import RunStore
from drift.sim.sweeps.grid import drift_of

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
    if not spans_a_decade(1, most):
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


_HIGH = 5.2
"""Inches."""
_LETTERS = 90
"""Of a line of the caption."""
_STYLES: dict[str, dict[str, Any]] = {
    "distinct": {"marker": "o", "markersize": 2.5},
    "largest": {"linestyle": "--"},
    "pairs": {"marker": "s", "markersize": 2.5, "linestyle": "none"},
}


def curves(
    stores: list[RunStore], expected_pairs: ExpectedPairs | None = None, columns: int = 2
) -> Figure:
    """Draw the runs over each other, and what is expected of their pairs.

    None is an outlook as it is cheap. The legend has so many `columns`. Raises BadInput
    where a run has no record yet.
    """
    records = [store.records() for store in stores]
    for store, counted in zip(stores, records, strict=True):
        if not counted:
            raise BadInput(f"{store.address} has no record yet; run it first")
    figure = new_figure(height=_HIGH)
    upper, lower = figure.subplots(2, sharex=True, height_ratios=[3, 2])
    inks = _inks(len(stores))
    for counted, ink in zip(records, inks, strict=True):
        radius = [counts.radius for counts in counted]
        for name, style in _STYLES.items():
            axes = lower if name == "pairs" else upper
            axes.plot(radius, [getattr(c, name) for c in counted], color=ink[name], **style)
    every = [counts for counted in records for counts in counted]
    if spans_a_decade(min(c.largest for c in every), max(c.distinct for c in every)):
        upper.set_yscale("log")
    upper.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    upper.set_ylabel("cells, tokens")
    found, whys = _expected(stores, records, expected_pairs or ExpectedPairs())
    for rows, ink in zip(found, inks, strict=True):
        if rows:
            put_expected(lower, rows, ink["pairs"])
    put_scale(lower)
    lower.set_xlabel("radius reached, $r$ (mean of the cloud along $u$)")
    figure.align_ylabels()
    specs = [store.attrs["spec"] for store in stores]
    _legends(figure, specs, any(found), note(whys, any(found)), columns)
    return figure


def _expected(
    stores: list[RunStore], records: list[list[Counts]], expected_pairs: ExpectedPairs
) -> "tuple[list[list[Expected]], list[str]]":
    """What is expected of each run at its records, and why some of it is not known."""
    steps = [[counts.step for counts in counted] for counted in records]
    return expected_pairs.expected(list(map(asked, stores, steps)))


def asked(store: RunStore, steps: list[int]) -> PairsRequest:
    """What is asked to know what is expected of a run at `steps`."""
    spec = store.attrs["spec"]
    if spec.get("from") is not None:  # a checkpoint, which need not be there any more
        return PairsRequest(None, steps, None)
    drift = drift_of({name: value for name, value in spec.items() if name != "snapshots"})
    used = hashlib.sha256(store.read("direction").tobytes()).hexdigest()
    return PairsRequest(drift, steps, used if drift.direction.endswith(".npy") else None)


def _inks(count: int) -> list[dict[str, str]]:
    """For each run, the colour of each of its lines."""
    if count == 1:
        return [dict(zip(_STYLES, COLOURS, strict=False))]
    return [dict.fromkeys(_STYLES, COLOURS[k % len(COLOURS)]) for k in range(count)]


def _legends(
    figure: Figure, specs: list[dict[str, Any]], predicted: bool, said: list[str], columns: int
) -> None:
    """What the lines are; what the runs share goes under the figure, what differs beside."""
    shared, own = captions(specs)
    inks = _inks(len(specs))
    ink = inks[0] if len(specs) == 1 else dict.fromkeys(_STYLES, "black")
    handles: list[Any] = [Line2D([], [], color=ink[k], **style) for k, style in _STYLES.items()]
    labels = ["distinct cells", "tokens in the largest black hole", "coalesced pairs"]
    if predicted:
        handles.append(expected_handles(ink["pairs"]))
        labels.append(f"{EXPECTED}, ± one standard deviation")
    if len(specs) > 1:
        handles += [Line2D([], [], color=each["pairs"], linewidth=4) for each in inks]
        labels += own
    place: Any = {"loc": "outside upper center", "ncols": columns, "fontsize": 8}
    figure.legend(handles=handles, labels=labels, **place)
    caption = "\n".join([shared, *(wrap(said[0], _LETTERS) if said else [])])
    figure.supxlabel(caption, fontsize=8, color="#444444")
