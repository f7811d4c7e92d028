"""Figures of the study: a line for each kind of arithmetic or variant, a band over its seeds."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter, StrMethodFormatter

from drift.experiments.figures.canvas import in_own_settings, new_figure
from drift.experiments.figures.style import COLOURS
from drift.experiments.studies.number_format import number
from drift.experiments.studies.rows import values, where
from drift.experiments.studies.training.facts import TrainingFacts

_MARKS = "os^Dv"
_TITLES = {
    "nearest": "nearest", "master": "float32 masters", "stochastic": "stochastic", "kahan": "Kahan",
    "rate": "3 × learning rate", "decay": "weight decay", "unseen-decay": "less decay",
    "between": "between",
}  # fmt: skip
_MOVED = {"dead": "training", "replay": "common motion alone", "straight": "straight drift"}


@in_own_settings
def figures(facts: TrainingFacts) -> dict[str, Figure]:
    """Return every figure, by the name of its file."""
    found = {"loss": _loss(facts), "moved": _moved(facts), "radius": _radius(facts)}
    if facts.has_dead:
        found |= {"distinct": _distinct(facts), "motion": _motion(facts)}
    return found


def _band(
    axes: Axes, facts: TrainingFacts, variant: str, column: str, ink: int, label: str, **how: Any
) -> None:
    """Draw the mean over seeds, and the range of all of them, of a column of the samples."""
    there = where(facts.samples, variant=variant)
    steps = values(there, "step")
    groups = [[row[column] for row in where(there, step=step)] for step in steps]
    known = [(step, group) for step, group in zip(steps, groups, strict=True) if None not in group]
    at = [step for step, _ in known]
    over: Callable[[Any], float] = how.pop("over", float)
    heights = [[over(value) for value in group] for _, group in known]
    colour = COLOURS[ink % len(COLOURS)]
    axes.plot(
        at,
        [_over_known(np.mean, each) for each in heights],
        color=colour,
        marker=_MARKS[ink % len(_MARKS)],
        markersize=3,
        linewidth=1.2,
        markevery=(ink * max(1, len(at) // 40), max(1, len(at) // 8)),
        label=label,
        **how,
    )
    low, high = ([_over_known(of, each) for each in heights] for of in (np.min, np.max))
    axes.fill_between(at, low, high, color=colour, alpha=0.2, linewidth=0)


def _over_known(of: Callable[..., Any], group: Sequence[float]) -> float:
    """Return `of` those numbers that are none of NaN; NaN where there are none."""
    known = [value for value in group if value == value]
    return float(of(known)) if known else float("nan")


def _kinds(axes: Axes, facts: TrainingFacts, column: str, prefix: str = "", **how: Any) -> None:
    for ink, kind in enumerate(facts.plan["kinds"]):
        _band(axes, facts, f"{prefix}{kind}", column, ink, _TITLES[kind], **how)


def _finish(made: Figure, panels: Sequence[Axes], facts: TrainingFacts) -> Figure:
    for axes in panels:
        axes.set_xlabel("step")
    handles, labels = panels[0].get_legend_handles_labels()
    made.legend(handles, labels, loc="outside upper center", ncols=len(labels))
    of = facts.plan["usual"]
    seeds = f"{facts.plan['seeds']} seeds: mean and range"
    made.supxlabel(f"{of['vocabulary']:,} tokens × 64 dims, {of['steps']:,} steps; {seeds}")
    return made


def _loss(facts: TrainingFacts) -> Figure:
    made = new_figure(6.8, 3.0)
    panels = made.subplots(1, 2, sharey=True)
    for axes, prefix, sigma in zip(panels, ("", "narrow-"), _sigmas(facts), strict=True):
        _kinds(axes, facts, "loss", prefix)
        axes.set_title(f"σ = {number(sigma)}")
    panels[0].set_ylabel("loss, mean since the record before")
    return _finish(made, panels, facts)


def _sigmas(facts: TrainingFacts) -> tuple[float, float]:
    return facts.plan["usual"]["sigma"], facts.plan["narrow"][-1]


def _moved(facts: TrainingFacts) -> Figure:
    made = new_figure(6.8, 3.0)
    panels = made.subplots(1, len(facts.kinds), sharey=True, squeeze=False)[0]
    for axes, kind in zip(panels, facts.kinds, strict=True):
        _kinds(axes, facts, f"{kind}_moved")
        axes.set_title(f"{kind} tokens")
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
        axes.set_ylim(-0.03, 1.03)
    panels[0].set_ylabel("values that moved since\nthe record before")
    return _finish(made, panels, facts)


def _radius(facts: TrainingFacts) -> Figure:
    made = new_figure(6.8, 3.0)
    panels = made.subplots(1, len(facts.kinds), squeeze=False)[0]
    for axes, kind in zip(panels, facts.kinds, strict=True):
        column = f"{kind}_mean_radius"
        _kinds(axes, facts, column)
        for ink, variant in enumerate(("rate", "decay"), len(facts.plan["kinds"])):
            _band(axes, facts, variant, column, ink, _TITLES[variant], linestyle="--")
        axes.set_title(f"{kind} tokens")
        axes.set_ylim(bottom=0)
    panels[0].set_ylabel("mean distance from the centroid")
    return _finish(made, panels, facts)


def _distinct(facts: TrainingFacts) -> Figure:
    made = new_figure(6.8, 3.2)
    panels = made.subplots(1, 2, sharey=True)
    _kinds(panels[0], facts, "dead_distinct", "narrow-")
    panels[0].set_title("training")
    for ink, (name, label) in enumerate(_MOVED.items()):
        colour, line = ((0, "-"), (1, "--"), (4, ":"))[ink]
        column = f"{name}_distinct"
        _band(panels[1], facts, "narrow-nearest", column, colour, label, linestyle=line)
    panels[1].set_title("nearest, and what its motion does")
    panels[1].legend(loc="best")
    for axes in panels:
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    panels[0].set_ylabel(f"distinct dead tokens, σ = {number(_sigmas(facts)[1])}")
    return _finish(made, panels, facts)


def _motion(facts: TrainingFacts) -> Figure:
    made = new_figure(6.8, 3.0)
    panels = made.subplots(1, 2, sharey=True)
    for axes, kind in zip(panels, facts.kinds, strict=True):
        for ink, (name, label) in enumerate((("bulk", "common"), ("thermal", "own"))):
            _band(
                axes, facts, "nearest", f"{kind}_{name}", (0, 3)[ink], label,
                over=lambda value: value or np.nan,
            )  # fmt: skip
        axes.set_yscale("log", nonpositive="mask")
        axes.set_title(f"{kind} tokens, nearest")
    panels[0].set_ylabel("mean square motion")
    return _finish(made, panels, facts)
