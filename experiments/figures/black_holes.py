"""The populations of black holes by rank, the largest first, from wherever they are known.

population  the tokens of a black hole; of a source, all of them, falling
run         its last step's are in its store; those of a snapshot or a selection
            are counted
checkpoint  they are counted
"""

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

from drift.experiments import observed
from drift.experiments.figures.captions import captions, selected
from drift.experiments.figures.style import COLOURS, figure_text, new_figure
from drift.sim.counting.cells import CellCounts
from drift.sim.counting.coalesce import representatives
from drift.sim.errors import BadInput, printable
from drift.sim.open_matrix import is_run, open_selection
from drift.sim.stores.location import StoreLocation
from drift.sim.stores.run_store import RunStore

_LONGEST = 48
"""Letters of a name that a legend holds."""


@dataclass(frozen=True)
class Populations:
    """The black holes of one source."""

    source: str
    """its name for messages"""
    label: str
    """what a legend calls it"""
    tokens: np.ndarray
    """int64 (black holes,), falling"""


def populations(
    sources: list[StoreLocation],
    tensor: str | None,
    snapshot: int | None,
    near: str | None,
    exponents: int | None,
) -> tuple[list[Populations], str]:
    """Those of each source, whose options are as of experiments.cli.sources, and a caption.

    Raises BadInput where a source is not what the options say or an unfinished run.
    """
    asked = (tensor, snapshot, near, exponents)
    found, labels, selection = [], [], None
    for source in sources:
        if is_run(source) and asked == (None,) * len(asked):
            found.append(_stored(source))
            continue
        matrix, selection = open_selection(source, *asked)
        rows = np.flatnonzero(matrix.finite())
        firsts = representatives(rows, matrix.codes, matrix.format)
        found.append(CellCounts.of_representatives(firsts).populations)
        labels.append(matrix.label)
    names, caption = _names(sources), []
    if all(is_run(source) for source in sources):
        shared, own = captions([RunStore(source).attrs["spec"] for source in sources])
        names = [text or name for text, name in zip(own, names, strict=True)]
        caption = [shared]
    elif len(sources) == 1:
        caption = [figure_text(labels[0])]
    said = [printable(str(source)) for source in sources]
    made = [Populations(*each) for each in zip(said, names, found, strict=True)]
    which = [] if snapshot is None else [f"step {snapshot:,}"]
    which += selected(selection)
    return made, "\n".join([*caption, *([",  ".join(which)] if which else [])])


def _stored(place: StoreLocation) -> np.ndarray:
    """Of the last step of a run. Raises BadInput where it has not been taken yet."""
    store = RunStore(place)
    if not store.complete:
        raise BadInput(f"{place} is not complete; run it to its end, or name a --snapshot")
    return store.read("populations")


def _names(sources: list[StoreLocation]) -> list[str]:
    """Their last parts, or, where these do not tell them apart, as much as fits."""
    names = [source.name for source in sources]
    if len(set(names)) < len(names) or "" in names:
        names = [str(source)[-_LONGEST:] for source in sources]
    return [figure_text(name, _LONGEST) for name in names]


_MARKERS = "os^Dv"
_MARKED = 30
"""Of more black holes than that so many get a marker."""
_DECADES = 1000
"""An axis that spans less is labelled at 1, 2 and 5, a longer one at 1 alone."""
_SHORT = 40
"""Labels up to so many letters stand two in a row."""
_LAYERS = 2
"""Below so many equal lines a line is still seen, since it is wider."""
_NAMED = 5
"""Sources that a message names."""
_LEAST = 2
"""Tokens of the smallest black hole there can be."""


def holes(found: list[Populations], caption: str, with_observed: bool = False) -> Figure:
    """Draw the sources over each other, and over the observed black holes where asked.

    Raises BadInput where there is no black hole to draw.
    """
    if not with_observed and not any(len(each.tokens) for each in found):
        names = ", ".join(each.source for each in found[:_NAMED])
        more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
        raise BadInput(f"no black holes in {names}{more}; there is nothing to draw")
    figure = new_figure()
    axes = figure.add_subplot()
    if with_observed:
        seen = np.array(observed.qwen3_4b()["black_hole_populations"])
        found = [*found, Populations("", observed.LABEL, seen)]
    for number, each in enumerate(found):
        ours = not with_observed or number < len(found) - 1
        above = sum(np.array_equal(each.tokens, later.tokens) for later in found[number + 1 :])
        wider = min(above, _LAYERS)
        ink = COLOURS[number % (len(COLOURS) - 1)] if ours else "black"
        axes.plot(
            np.arange(1, len(each.tokens) + 1),
            each.tokens,
            color=ink,
            linestyle=("-" if ours else "--") if len(each.tokens) else "none",
            linewidth=1.2 + 2 * wider,
            marker=(_MARKERS[number % len(_MARKERS)] if ours else "s") if len(each.tokens) else "",
            markersize=4 + 3 * wider,
            markerfacecolor=ink if ours else "white",
            markevery=_marked(len(each.tokens)),
            label=each.label if len(each.tokens) else f"{each.label}: no black holes",
        )
    _axis(axes, "x", 1, max(len(each.tokens) for each in found))
    _axis(axes, "y", _LEAST, max(int(each.tokens.max(initial=0)) for each in found))
    axes.set_xlabel("rank of the black hole")
    axes.set_ylabel("tokens in it")
    columns = 2 if len(found) > 1 and all(len(each.label) <= _SHORT for each in found) else 1
    figure.legend(loc="outside upper center", ncols=columns, fontsize=8)
    figure.supxlabel(caption, fontsize=8, color="#444444")
    return figure


def _marked(count: int) -> list[int]:
    """Which of the points of a line get a marker: all of a few, else evenly along the axis."""
    if count <= _MARKED:
        return list(range(count))
    return np.unique(np.geomspace(1, count, _MARKED).round().astype(int) - 1).tolist()


def _axis(axes: Axes, which: str, least: int, most: int) -> None:
    """A logarithmic axis from `least` to `most`, at least a decade, with a little room."""
    most = max(most, 10 * least)
    room = (most / least) ** 0.04
    axes.set(**{f"{which}scale": "log", f"{which}lim": (least / room, most * room)})
    axis = getattr(axes, f"{which}axis")
    steps = (1.0, 2.0, 5.0) if most < _DECADES * least else (1.0,)
    axis.set_major_locator(LogLocator(subs=steps))
    axis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axis.set_minor_locator(NullLocator())
