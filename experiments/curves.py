"""The coalescence curve: distinct cells and the largest black hole against radius reached."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import StrMethodFormatter

from experiments.figures import COLOURS, figure
from sim.errors import BadInput
from sim.store import RunStore

_DECADES = 10.0
"""Counts that span this factor or more get a logarithmic axis."""


def curves(stores: list[RunStore]) -> Figure:
    """Draw the runs over each other; raises BadInput where one has no record yet."""
    drawn = figure()
    axes = drawn.add_subplot()
    lowest, highest = float("inf"), 0.0
    for store, (ink, hole_ink) in zip(stores, _inks(len(stores)), strict=True):
        records = store.records()
        if not records:
            raise BadInput(f"{store.path} has no record yet; run it first")
        radius = [counts.radius for counts in records]
        distinct = [counts.distinct for counts in records]
        largest = [counts.largest for counts in records]
        axes.plot(radius, distinct, color=ink, marker="o", markersize=2.5)
        axes.plot(radius, largest, color=hole_ink, linestyle="--")
        lowest, highest = min(lowest, *distinct, *largest), max(highest, *distinct, *largest)
    if highest >= _DECADES * lowest:
        axes.set_yscale("log")
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.set_xlabel("radius reached, $r$ (mean of the cloud along $u$)")
    axes.set_ylabel("cells, tokens")
    _legends(drawn, axes, stores)
    return drawn


def _inks(count: int) -> list[tuple[str, str]]:
    """For each run, the colours of its cells and of its largest black hole."""
    if count == 1:
        return [(COLOURS[0], COLOURS[1])]
    return [(COLOURS[k % len(COLOURS)],) * 2 for k in range(count)]


def _legends(drawn: Figure, axes: Axes, stores: list[RunStore]) -> None:
    """What the lines are; what the runs share goes under the figure, what differs beside."""
    specs = [store.attrs["spec"] for store in stores]
    shared = {name: specs[0][name] for name in _SYMBOLS if len({s[name] for s in specs}) == 1}
    inks = _inks(len(stores))
    ink, hole_ink = inks[0] if len(stores) == 1 else ("black", "black")
    handles = [
        Line2D([], [], color=ink, marker="o", markersize=2.5, label="distinct cells"),
        Line2D([], [], color=hole_ink, linestyle="--", label="tokens in the largest black hole"),
    ]
    for spec, (colour, _) in zip(specs, inks, strict=True):
        if len(specs) > 1:
            own = {name: spec[name] for name in _SYMBOLS if name not in shared}
            handles.append(Line2D([], [], color=colour, linewidth=4, label=_caption(own)))
    axes.legend(handles=handles, loc="best")
    drawn.supxlabel(_caption(shared), fontsize=8, color="#444444")


_SYMBOLS = {
    "sigma": r"$\sigma$",
    "radius": "$R$",
    "steps": "$X$",
    "tokens": "$N$",
    "dims": "$D$",
    "direction": "direction",
    "direction_seed": "direction seed",
    "seed": "seed",
}


def _caption(values: dict[str, object]) -> str:
    parts = []
    for name, value in values.items():
        if name == "direction":
            parts.append(f"{value} direction")
        else:
            text = _scientific(value) if isinstance(value, float) else f"{value:,}"
            parts.append(f"{_SYMBOLS[name]} = {text}")
    return ",  ".join(parts)


def _scientific(value: float) -> str:
    text = f"{value:g}"
    if "e" not in text:
        return text
    mantissa, power = text.split("e")
    factor = "" if mantissa == "1" else rf"{mantissa} \times "
    return rf"${factor}10^{{{int(power)}}}$"
