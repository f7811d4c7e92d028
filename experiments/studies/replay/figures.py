"""The figure of a replay: counts, motion and what is explained, observed beside replayed."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter, StrMethodFormatter

from drift.experiments.figures.canvas import in_own_settings, new_figure
from drift.experiments.figures.style import COLOURS, GREY, figure_text
from drift.experiments.studies.replay.facts import ReplayFacts

_SIDES = {"observed": (COLOURS[0], "-"), "replayed": (COLOURS[1], "--")}


@in_own_settings
def figure(facts: ReplayFacts) -> Figure:
    """Return the figure: four panels over the steps of the samples."""
    made = new_figure(7.4, 5.2)
    counts, moving, left, motion = made.subplots(2, 2, sharex=True).ravel()
    _both(counts, facts, "distinct", "distinct cells")
    counts.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    counts.set_ylim(bottom=0)
    tokens = facts.observed["tokens"]
    _both(moving, facts, "moved_tokens", "tokens that move", tokens)
    moving.yaxis.set_major_formatter(PercentFormatter(1.0))
    moving.set_ylim(-0.03, 1.03)
    steps = facts.observed["steps"]
    explained = [row["explained"] for row in facts.rows]
    left.plot(steps, _numbers(explained), color=COLOURS[2])
    left.axhline(0, color=GREY, linewidth=0.8, linestyle=":")
    left.set_ylabel("explained by the common motion")
    left.set_ylim(max(-1.05, min([0.0, *(e for e in explained if e is not None)]) - 0.05), 1.05)
    left.yaxis.set_major_formatter(PercentFormatter(1.0))
    for ink, (name, of) in enumerate(
        (("common, observed", facts.observed["bulk"]),
         ("own, observed", facts.observed["thermal"]),
         ("own, replayed", facts.replayed["thermal"]))
    ):  # fmt: skip
        motion.plot(steps, _numbers(of), color=COLOURS[(0, 3, 1)[ink]], label=name, linewidth=1.2)
    _log(motion)
    motion.set_ylabel("mean square motion")
    motion.legend(loc="lower center", bbox_to_anchor=(0.5, 0.98), ncols=3, fontsize=7)
    for axes in (left, motion):
        axes.set_xlabel("step")
    handles, labels = counts.get_legend_handles_labels()
    made.legend(handles, labels, loc="outside upper center", ncols=2)
    shape = f"{tokens:,} tokens × {facts.observed['dims']:,} dims in {facts.observed['format']}"
    made.supxlabel(f"{figure_text(facts.observed['label'])}: {shape}", color=GREY)
    return made


def _both(axes: Axes, facts: ReplayFacts, name: str, text: str, over: int = 1) -> None:
    for side, of in (("observed", facts.observed), ("replayed", facts.replayed)):
        colour, line = _SIDES[side]
        values = [value / over for value in _numbers(of[name])]
        axes.plot(facts.observed["steps"], values, color=colour, linestyle=line, label=side)
    axes.set_ylabel(text)


def _numbers(values: Sequence[float | None]) -> list[float]:
    return [np.nan if value is None else float(value) for value in values]


def _log(axes: Axes) -> None:
    """Scale an axis logarithmically, where something on it is above zero."""
    if any(np.nanmax([0.0, *np.asarray(line.get_ydata(), float)]) > 0 for line in axes.lines):
        axes.set_yscale("log", nonpositive="mask")
