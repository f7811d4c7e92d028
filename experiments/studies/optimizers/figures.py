"""Figures of the study: a panel for each motion, a line for each kind of arithmetic."""

from collections.abc import Callable, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator, PercentFormatter

from drift.experiments.figures.canvas import in_own_settings, new_figure
from drift.experiments.figures.captions import JOINT, captions, put_caption
from drift.experiments.figures.curves import STEPPED
from drift.experiments.figures.lines.coincide import NOTE, take_turns
from drift.experiments.figures.style import COLOURS, GREY
from drift.experiments.figures.ticks.numbers import NumberFormatter
from drift.experiments.figures.ticks.scales import linear_axis, log_axis
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
            facts, "distinct", "distinct cells", lambda axes: log_axis(axes, "y")
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
    axes: Axes,
    x: str,
    there: Sequence[Row],
    height: Callable[[Row], float],
    ink: int,
    of: str,
    stepped: bool = False,
) -> list[Line2D]:
    """Draw the mean over directions, and the range of all of them, `of` a kind or a motion.

    Return the line of the mean.
    """
    at = values(there, x)
    groups = [[height(row) for row in where(there, **{x: value})] for value in at]
    colour = COLOURS[ink]
    style: dict[str, Any] = STEPPED if stepped else {}
    drawn = axes.plot(
        at,
        [sum(group) / len(group) for group in groups],
        color=colour,
        marker=_MARKS[ink],
        markersize=3,
        linestyle="--" if of in _DASHED else "-",
        linewidth=1.2,
        markevery=max(1, len(at) // 8),
        label={**_TITLES, **_NAMES}[of],
        **style,
    )
    ends = list(map(min, groups)), list(map(max, groups))
    step: Any = "post" if stepped else None
    axes.fill_between(at, *ends, color=colour, alpha=0.18, linewidth=0, step=step)
    return drawn


def _fraction(row: Row) -> float:
    return float(row["distinct"]) / float(row["alive"])


def _widths(facts: StudyFacts) -> Figure:
    made = new_figure(6.8, 3.1)
    panels = made.subplots(1, len(STARTS), sharey=True, squeeze=False)[0]
    together = False
    for axes, start in zip(panels, STARTS, strict=True):
        drawn = []
        for ink, motion in enumerate(MOTIONS):
            there = where(facts.widths, start=start, motion=motion)
            drawn += _band(axes, "sigma", there, _fraction, ink, motion)
        first = [row for row in facts.widths if row["start"] == start]
        at = values(first, "sigma")
        heights = [
            max(row["distinct_at_first"] / row["alive"] for row in where(first, sigma=value))
            for value in at
        ]
        axes.plot(
            at, heights, color=GREY, linestyle=":", linewidth=1.2, label="before the first step"
        )
        log_axis(axes, "x")
        linear_axis(axes, "y")
        together |= take_turns(axes, drawn)
        axes.set_title(_PLACES[start])
    panels[0].set_ylabel("final distinct fraction")
    drift = facts.plan["drift"]
    names = ("tokens", "dims", "radius", "steps", "format")
    caption = captions([{name: drift[name] for name in names}])[0]
    said = [caption, *([NOTE] if together else [])]
    put_caption(made, "standard deviation of the cloud, $\\sigma$", *said)
    handles, labels = panels[0].get_legend_handles_labels()
    made.legend(handles, labels, loc="outside upper center", ncols=5)
    return made


def _over_steps(facts: StudyFacts, name: str, text: str, finish: Callable[[Axes], Any]) -> Figure:
    made = new_figure(7.2, 4.2)
    panels = made.subplots(len(STARTS), len(MOTIONS), sharex=True, sharey=True, squeeze=False)
    drawn: dict[Axes, list[Line2D]] = {}
    for line, start in zip(panels, STARTS, strict=True):
        for axes, motion in zip(line, MOTIONS, strict=True):
            for ink, kind in enumerate(KINDS):
                there = where(facts.records, start=start, motion=motion, kind=kind)
                # Nothing has moved before the first step, which is no record of it.
                there = [row for row in there if row["step"] or name != "moved"]
                stepped = name == "distinct"
                line_of = _band(axes, "step", there, lambda row: row[name], ink, kind, stepped)
                drawn.setdefault(axes, []).extend(line_of)
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
    together = [take_turns(axes, lines) for axes, lines in drawn.items()]
    put_caption(made, "step", _caption(facts).split(JOINT), *([NOTE] if any(together) else []))
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
        axes.yaxis.set_major_formatter(NumberFormatter())
        axes.yaxis.set_minor_locator(NullLocator())
        names = [_TITLES[motion].replace(", ", ",\n") for motion in MOTIONS]
        axes.set_xticks(range(len(MOTIONS)), names)
        axes.set_title(_PLACES[start])
        widest = max(row["contraction"] or 1.0 for row in facts.runs)
        axes.set_ylim(-0.02, 2 * max(widest, 1.0))
    panels[0].set_ylabel("spread, last over first")
    put_caption(made, _caption(facts).split(JOINT))
    handles, labels = panels[0].get_legend_handles_labels()
    made.legend(handles, labels, loc="outside upper center", ncols=5)
    return made


def _caption(facts: StudyFacts) -> str:
    drift = facts.plan["drift"]
    names = ("sigma", "tokens", "dims", "radius", "format")
    return captions([{name: drift[name] for name in names}])[0]
