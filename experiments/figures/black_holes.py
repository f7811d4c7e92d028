"""The figure of black holes' populations by rank, the largest first.

population  the number of tokens in a black hole
run         the populations of its last step are in its store; those of a snapshot or of a
            selection of tokens are counted
checkpoint  its populations are counted
expected    of a run, over clouds: how many black holes have so many tokens or more
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from drift.experiments import observed
from drift.experiments.figures.canvas import in_own_settings, new_figure
from drift.experiments.figures.captions import JOINT, captions, put_caption, selected
from drift.experiments.figures.curves import request_of_run
from drift.experiments.figures.expected import ExpectedPairs
from drift.experiments.figures.legend import add_outer_legend
from drift.experiments.figures.style import COLOURS, GREY, figure_text
from drift.experiments.figures.ticks.scales import label_log_axis
from drift.sim.counting.cells import CellCounts
from drift.sim.counting.coalesce import representatives
from drift.sim.errors import BadInput, printable
from drift.sim.sources.source import CountedRun, TokenSource, source_of

_LONGEST = 48
"""Characters of a name in a legend."""


@dataclass(frozen=True)
class Populations:
    """The black holes of one source."""

    source: str
    """name of the source in messages"""
    label: str
    """name of the source in the legend"""
    tokens: np.ndarray
    """populations, int64 (black holes,), falling"""
    expected: "Sequence[tuple[int, int, float]]" = ()
    """its expected spectrum (sim.prediction); empty where there is none"""


def populations(
    given: Sequence[Any],
    tensor: str | None,
    snapshot: int | None,
    near: str | None,
    exponents: int | None,
    expectations: ExpectedPairs | None = None,
) -> tuple[list[Populations], str]:
    """Return the populations of each source, and a caption.

    The options are those of experiments.cli.sources; without `expectations` nothing is predicted.
    Raises BadInput where a source is not what
    they say, and for a run that is not complete.
    """
    sources = [source_of(each) for each in given]
    asked = (tensor, snapshot, near, exponents)
    found, labels, formats, selection = [], [], [], None
    for source in sources:
        if source.is_run and asked == (None,) * len(asked):
            found.append(_stored(source.run))
            labels.append("")
            continue
        matrix, selection = source.selection(*asked)
        rows = np.flatnonzero(matrix.finite())
        firsts = representatives(rows, matrix.codes, matrix.format)
        found.append(CellCounts.of_representatives(firsts).populations)
        labels.append("" if source.is_run else matrix.label)
        formats.append(matrix.format.name)
    names, caption = _names(sources, labels), []
    if all(source.is_run for source in sources):
        shared, own = captions([source.run.attrs["spec"] for source in sources])
        names = [text or name for text, name in zip(own, names, strict=True)]
        caption = [shared]
    elif len(sources) == 1:
        caption = [JOINT.join([figure_text(labels[0]), formats[0]])]
    elif len(set(formats)) == 1:
        caption = formats[:1]
    said = [printable(str(source)) for source in sources]
    spectra = _spectra(sources, snapshot, near, expectations)
    made = [Populations(*each) for each in zip(said, names, found, spectra, strict=True)]
    which = [] if snapshot is None else [f"step {snapshot:,}"]
    which += selected(selection)
    return made, "\n".join([*caption, *([",  ".join(which)] if which else [])])


def _spectra(
    sources: list[TokenSource],
    snapshot: int | None,
    near: str | None,
    expectations: ExpectedPairs | None,
) -> "list[Sequence[tuple[int, int, float]]]":
    """Return the expected spectrum of each source; an empty one where there is none."""
    runs = [k for k, source in enumerate(sources) if source.is_run and near is None]
    found: list[Sequence[tuple[int, int, float]]] = [()] * len(sources)
    if expectations is None or not runs:
        return found
    requests = []
    for k in runs:
        store = sources[k].run
        step = store.attrs["spec"]["steps"] if snapshot is None else snapshot
        requests.append(request_of_run(store, [step]))
    rows, _ = expectations.at_steps(requests, spectra=True)
    for k, row in zip(runs, rows, strict=True):
        found[k] = row[0].spectrum if row else ()
    return found


def _stored(store: CountedRun) -> np.ndarray:
    """Return the populations of a run's last step. Raises BadInput where it is not complete."""
    if not store.complete:
        raise BadInput(f"{store.address} is not complete; finish the run, or choose a --snapshot")
    return store.read("populations")


def _names(sources: list[TokenSource], labels: list[str]) -> list[str]:
    """Return the models' names and the last parts of other locations.

    Where these coincide, as much of the locations as fits.
    """
    names = [
        label.partition(", ")[0] or source.name
        for source, label in zip(sources, labels, strict=True)
    ]
    if len(set(names)) < len(names) or "" in names:
        names = [str(source)[-_LONGEST:] for source in sources]
    return [figure_text(name, _LONGEST) for name in names]


_MARKERS = "os^Dv"
_MARKED = 30
"""Most black holes of which each gets a marker; of more, so many get one."""
_SHORT = 40
"""Characters of the longest label with which a legend has two columns."""
_LAYERS = 2
"""Most steps by which a line is wider than equal lines above it, so that it still shows."""
_NAMED = 5
"""Most sources that a message names."""
_LEAST = 2
"""Tokens of the smallest possible black hole."""
_EXPECTED = "expected number of so many tokens or more"
_FAINTEST = 0.5
"""Expected black holes of so many tokens or more that are still drawn."""


@in_own_settings
def holes(found: list[Populations], caption: str, with_observed: bool = False) -> Figure:
    """Draw the populations of all sources, and the observed ones where `with_observed`.

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
        if each.expected:
            axes.plot(*_ranks(each.expected), color=ink, linestyle=":", linewidth=1.0)
    _axis(axes, "x", 1, max(len(each.tokens) for each in found))
    _axis(axes, "y", _LEAST, max(int(each.tokens.max(initial=0)) for each in found))
    axes.set_xlabel("rank of black hole")
    axes.set_ylabel("tokens in black hole")
    if any(each.expected for each in found):
        axes.plot([], [], color=GREY, linestyle=":", linewidth=1.0, label=_EXPECTED)
    columns = 2 if len(found) > 1 and all(len(each.label) <= _SHORT for each in found) else 1
    add_outer_legend(figure, *axes.get_legend_handles_labels(), columns)
    put_caption(figure, *(line.split(JOINT) for line in caption.splitlines()))
    return figure


def _ranks(spectrum: "Sequence[tuple[int, int, float]]") -> tuple[np.ndarray, np.ndarray]:
    """Return the expected rank of black holes of so many tokens, and these, float64 (entries,)."""
    firsts = np.array([first for first, _, _ in spectrum], np.float64)
    cells = np.array([cells for _, _, cells in spectrum])
    ranks = np.cumsum(cells[::-1])[::-1]  # as many have so many tokens or more
    shown = (firsts >= _LEAST) & (ranks >= _FAINTEST)
    return ranks[shown], firsts[shown]


def _marked(count: int) -> list[int]:
    """Return the points of a line that get markers: all, or some, evenly along a log axis."""
    if count <= _MARKED:
        return list(range(count))
    return np.unique(np.geomspace(1, count, _MARKED).round().astype(int) - 1).tolist()


def _axis(axes: Axes, which: str, least: int, most: int) -> None:
    """Make an axis logarithmic, from `least` to `most` or over a decade, with a small margin."""
    most = max(most, 10 * least)
    room = (most / least) ** 0.04
    axes.set(**{f"{which}scale": "log", f"{which}lim": (least / room, most * room)})
    label_log_axis(axes, which)
    getattr(axes, f"{which}axis").set_minor_locator(NullLocator())
