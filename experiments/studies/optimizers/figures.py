"""Figures of the study: a panel for each motion, a line for each kind of arithmetic."""

from collections.abc import Callable, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter, StrMethodFormatter

from drift.experiments.figures.canvas import in_own_settings, new_figure
from drift.experiments.figures.captions import captions
from drift.experiments.figures.style import COLOURS, GREY
from drift.experiments.studies.optimizers.facts import StudyFacts
from drift.experiments.studies.optimizers.plan import KINDS, MOTIONS, STARTS
from drift.experiments.studies.rows import Row, values, where

_MARKS = "os^Dv"
_DASHED = ("noise", "sgd")
"""Kinds and motions whose lines are dashed, so that those below them are seen too."""
_TITLES = {"straight": "straight", "sgd": "SGD", "adamw": "AdamW", "fading": "AdamW, fading"}
_PLACES = {"origin": "from the origin", "centre": "around a centre"}
_NAMES = {
    "nearest": "nearest",
    "stochastic": "stochastic",
    "master": "float32 master",
    "kahan": "Kahan",
    "noise": "noise",
}


@in_own_settings
def figures(facts: StudyFacts) -> dict[str, Figure]:
    """Return every figure, by the name of its file."""
    return {
        "widths": _widths(facts),
        "distinct": _over_steps(
            facts, "distinct", "distinct cells", lambda axes: axes.set_yscale("log")
        ),
        "moved": _over_steps(facts, "moved", "coordinates that move", _share),
        "done": _over_steps(
            facts, "done", "distance covered", lambda axes: axes.set_ylim(bottom=0)
        ),
        "spread": _spread(facts),
    }


def _share(axes: Axes) -> None:
    axes.set_ylim(-0.03, 1.03)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))


def _band(
    axes: Axes, x: str, there: Sequence[Row], height: Callable[[Row], float], ink: int, of: str
) -> None:
    """Draw the mean over directions, and the range of all of them, `of` a kind or a motion."""
    at = values(there, x)
    groups = [[height(row) for row in where(there, **{x: value})] for value in at]
    colour = COLOURS[ink]
    axes.plot(
        at,
        [sum(group) / len(group) for group in groups],
        color=colour,
        marker=_MARKS[ink],
        markersize=3,
        linestyle="--" if of in _DASHED else "-",
        linewidth=1.2,
        markevery=max(1, len(at) // 8),
        label={**_TITLES, **_NAMES}[of],
    )
    axes.fill_between(at, list(map(min, groups)), list(map(max, groups)), color=colour, alpha=0.18)


def _fraction(row: Row) -> float:
    return float(row["distinct"]) / float(row["alive"])


def _widths(facts: StudyFacts) -> Figure:
    made = new_figure(6.8, 3.1)
    panels = made.subplots(1, len(STARTS), sharey=True, squeeze=False)[0]
    for axes, start in zip(panels, STARTS, strict=True):
        for ink, motion in enumerate(MOTIONS):
            there = where(facts.widths, start=start, motion=motion)
            _band(axes, "sigma", there, _fraction, ink, motion)
        first = [row for row in facts.widths if row["start"] == start]
        at = values(first, "sigma")
        heights = [
            max(row["distinct_at_first"] / row["alive"] for row in where(first, sigma=value))
            for value in at
        ]
        axes.plot(
            at, heights, color=GREY, linestyle=":", linewidth=1.2, label="before the first step"
        )
        axes.set_xscale("log")
        axes.set_title(_PLACES[start])
    panels[0].set_ylabel("final distinct fraction")
    drift = facts.plan["drift"]
    caption = captions([{name: drift[name] for name in ("tokens", "dims", "radius", "steps")}])[0]
    made.supxlabel(f"standard deviation of the cloud, $\\sigma$\n{caption}")
    handles, labels = panels[0].get_legend_handles_labels()
    made.legend(handles, labels, loc="outside upper center", ncols=5)
    return made


def _over_steps(facts: StudyFacts, name: str, text: str, finish: Callable[[Axes], Any]) -> Figure:
    made = new_figure(7.2, 4.2)
    panels = made.subplots(len(STARTS), len(MOTIONS), sharex=True, sharey=True, squeeze=False)
    for line, start in zip(panels, STARTS, strict=True):
        for axes, motion in zip(line, MOTIONS, strict=True):
            for ink, kind in enumerate(KINDS):
                there = where(facts.records, start=start, motion=motion, kind=kind)
                # Nothing has moved before the first step, which is no record of it.
                there = [row for row in there if row["step"] or name != "moved"]
                _band(axes, "step", there, lambda row: row[name], ink, kind)
                if name == "done" and kind == "nearest":
                    asked = where(there, seed=there[0]["seed"])
                    axes.plot(
                        [row["step"] for row in asked],
                        [row["asked"] for row in asked],
                        color=GREY,
                        linestyle=":",
                        linewidth=1.2,
                        zorder=5,
                        label="asked",
                    )
            finish(axes)
            if start == STARTS[0]:
                axes.set_title(_TITLES[motion])
        line[0].set_ylabel(f"{text}\n{_PLACES[start]}")
    made.supxlabel(f"step\n{_caption(facts)}")
    handles, labels = panels[0][0].get_legend_handles_labels()
    made.legend(handles, labels, loc="outside upper center", ncols=6)
    return made


def _spread(facts: StudyFacts) -> Figure:
    made = new_figure(6.8, 3.0)
    panels = made.subplots(1, len(STARTS), sharey=True, squeeze=False)[0]
    for axes, start in zip(panels, STARTS, strict=True):
        for ink, kind in enumerate(KINDS):
            for place, motion in enumerate(MOTIONS):
                there = where(facts.runs, start=start, motion=motion, kind=kind)
                heights = [row["contraction"] for row in there if row["contraction"] is not None]
                axes.plot(
                    [place + (ink - (len(KINDS) - 1) / 2) * 0.14] * len(heights),
                    heights,
                    linestyle="none",
                    marker=_MARKS[ink],
                    markersize=5,
                    markerfacecolor="none",
                    color=COLOURS[ink],
                    label=_NAMES[kind] if place == 0 else None,
                )
        axes.axhline(1, color=GREY, linestyle=":", linewidth=1.1)
        axes.set_yscale("symlog", linthresh=0.1)
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))
        names = [_TITLES[motion].replace(", ", ",\n") for motion in MOTIONS]
        axes.set_xticks(range(len(MOTIONS)), names)
        axes.set_title(_PLACES[start])
        widest = max(row["contraction"] or 1.0 for row in facts.runs)
        axes.set_ylim(-0.02, 2 * max(widest, 1.0))
    panels[0].set_ylabel("spread, last over first")
    made.supxlabel(_caption(facts))
    handles, labels = panels[0].get_legend_handles_labels()
    made.legend(handles, labels, loc="outside upper center", ncols=5)
    return made


def _caption(facts: StudyFacts) -> str:
    drift = facts.plan["drift"]
    names = ("sigma", "tokens", "dims", "radius")
    return captions([{name: drift[name] for name in names}])[0]
