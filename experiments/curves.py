"""The coalescence curve: distinct cells and the largest black hole against radius reached."""

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import StrMethodFormatter

from experiments.captions import captions
from experiments.figures import COLOURS, decades, figure
from sim.errors import BadInput
from sim.store import RunStore


def curves(stores: list[RunStore]) -> Figure:
    """Draw the runs over each other; raises BadInput where one has no record yet."""
    drawn = figure()
    axes = drawn.add_subplot()
    lowest, highest = float("inf"), 0.0
    for store, (ink, hole_ink) in zip(stores, _inks(len(stores)), strict=True):
        records = store.records()
        if not records:
            raise BadInput(f"{store.address} has no record yet; run it first")
        radius = [counts.radius for counts in records]
        distinct = [counts.distinct for counts in records]
        largest = [counts.largest for counts in records]
        axes.plot(radius, distinct, color=ink, marker="o", markersize=2.5)
        axes.plot(radius, largest, color=hole_ink, linestyle="--")
        lowest, highest = min(lowest, *distinct, *largest), max(highest, *distinct, *largest)
    if decades(lowest, highest):
        axes.set_yscale("log")
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.set_xlabel("radius reached, $r$ (mean of the cloud along $u$)")
    axes.set_ylabel("cells, tokens")
    _legends(drawn, stores)
    return drawn


def _inks(count: int) -> list[tuple[str, str]]:
    """For each run, the colours of its cells and of its largest black hole."""
    if count == 1:
        return [(COLOURS[0], COLOURS[1])]
    return [(COLOURS[k % len(COLOURS)],) * 2 for k in range(count)]


def _legends(drawn: Figure, stores: list[RunStore]) -> None:
    """What the lines are; what the runs share goes under the figure, what differs beside."""
    specs = [store.attrs["spec"] for store in stores]
    shared, own = captions(specs)
    inks = _inks(len(stores))
    ink, hole_ink = inks[0] if len(stores) == 1 else ("black", "black")
    handles = [
        Line2D([], [], color=ink, marker="o", markersize=2.5, label="distinct cells"),
        Line2D([], [], color=hole_ink, linestyle="--", label="tokens in the largest black hole"),
    ]
    if len(specs) > 1:
        for text, (colour, _) in zip(own, inks, strict=True):
            handles.append(Line2D([], [], color=colour, linewidth=4, label=text))
    drawn.legend(handles=handles, loc="outside upper center", ncols=2, fontsize=8)
    drawn.supxlabel(shared, fontsize=8, color="#444444")
