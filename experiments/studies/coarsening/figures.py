"""The figures of the study `coarsening`."""

import math

import numpy as np
from matplotlib.figure import Figure

from drift.experiments.figures.black_holes import Populations, holes
from drift.experiments.figures.captions import captions
from drift.experiments.figures.curves import curves
from drift.experiments.figures.style import figure_text
from drift.experiments.figures.sweeps.phase import phase
from drift.experiments.figures.sweeps.sweep_slice import SweepSlice
from drift.experiments.studies import rescaling
from drift.experiments.studies.coarsening.facts import Facts
from drift.experiments.studies.line_figure import Line, lines
from drift.experiments.studies.page import few
from drift.experiments.studies.rows import Row, values, where

_SIGMA = r"standard deviation of the cloud, $\sigma$"
_DISTINCT = "final distinct fraction (cells / tokens)"
_CURVES = 3
_SHOWN = {
    "black_holes": "black holes",
    "largest": "tokens in the largest",
    "singletons": "singletons",
    "isolated": "isolated cells",
    "farthest": "greatest distance between black holes",
}
_GREATEST = ("farthest",)


def drawn(facts: Facts) -> dict[str, Figure]:
    """All of them, by the names of their files; without those that have nothing to show."""
    found = {
        "curves": curves([facts.made.run(cloud["name"]) for cloud in _spread(facts)]),
        "phase": phase(SweepSlice(facts.made.sweep("transition"), ("sigma", "steps"), {}), -1),
        "structure": _structure(facts),
        "arithmetic": _arithmetic(facts),
        "formats": rescaling.figure(facts.formats, _caption(facts)),
        "prediction": _prediction(facts),
    }
    shown = closest(facts)
    if shown:
        found["populations"] = _populations(facts, shown)
    return found


def closest(facts: Facts) -> list[Row]:
    """Of each direction the run like what was observed whose black holes are nearest in number."""

    def off(cloud: Row) -> float:
        return abs(math.log(cloud["black_holes"] / facts.seen["black_holes"]))

    by_direction = (where(facts.like, direction_seed=d) for d in facts.plan["directions"])
    return [min(there, key=off) for there in by_direction if there]


def _spread(facts: Facts) -> list[Row]:
    """Runs of the first direction, from one cell to none shared."""
    first = where(facts.clouds, direction_seed=facts.plan["directions"][0])
    coalesced = [cloud for cloud in first if cloud["black_holes"]] or first
    at = np.linspace(len(coalesced) // 3, len(coalesced) - 1, _CURVES).round().astype(int)
    return [coalesced[k] for k in dict.fromkeys(at.tolist())]


def _caption(facts: Facts, *names: str) -> str:
    drift = facts.plan["drift"]
    known = {name: drift[name] for name in ("tokens", "dims", *names)}
    return captions([known])[0]


def _populations(facts: Facts, shown: list[Row]) -> Figure:
    found = [
        Populations(
            cloud["name"],
            figure_text(f"σ = {few(cloud['sigma'])}, direction seed {cloud['direction_seed']}"),
            np.array(cloud["digest"]["populations"]),
        )
        for cloud in shown
    ]
    return holes(found, _caption(facts, "radius", "steps"), with_observed=True)


def _structure(facts: Facts) -> Figure:
    found, levels = [], []
    for ink, (key, label) in enumerate(_SHOWN.items()):
        sigmas = values(facts.clouds, "sigma")
        each = [[cloud[key] for cloud in where(facts.clouds, sigma=sigma)] for sigma in sigmas]
        shown = [max(counts) if key in _GREATEST else np.median(counts) for counts in each]
        found.append(Line(label, sigmas, [float(count) for count in shown], ink))
        levels.append((few(facts.seen[key]), float(facts.seen[key]), ink))
    many = f"median over {len(facts.plan['directions'])} directions, of distances the greatest"
    caption = f"{_caption(facts, 'radius', 'steps')}\n{many}; dotted: observed in Qwen3-4B"
    return lines(found, _SIGMA, "number", caption, "x0", levels)


def _fraction(cells: list[Row]) -> list[float]:
    return [cell["distinct"] / cell["alive"] for cell in cells]


def _arithmetic(facts: Facts) -> Figure:
    found = [
        Line(name, values(cells, "sigma"), _fraction(cells), ink, ink)
        for ink, (name, cells) in enumerate(facts.variants)
    ]
    caption = _caption(facts, "radius", "steps", "format")
    return lines(found, _SIGMA, _DISTINCT, caption)


def _prediction(facts: Facts) -> Figure:
    cells = [cell for cell in facts.agreement if cell["expected"] * cell["clouds"] >= 1]
    cells = cells or facts.agreement
    at, clouds = [cell["sigma"] for cell in cells], facts.agreement[0]["clouds"]
    curve = sorted((one["sigma"], one["pairs"]) for one in facts.curve())
    curve = [(sigma, pairs) for sigma, pairs in curve if min(at) <= sigma <= max(at)]
    sigmas, pairs = zip(*curve, strict=True)
    found = [
        Line("expected", sigmas, pairs, 0, marked=False),
        Line(
            f"mean of {clouds:,} clouds, ± 2 standard errors",
            at,
            [cell["pairs"] for cell in cells],
            1,
            error=[2 * cell["standard_error"] for cell in cells],
            joined=False,
        ),
    ]
    return lines(found, _SIGMA, "coalesced pairs", _caption(facts, "radius", "steps"), "xy")
