"""Figures of the study `coarsening`."""

import numpy as np
from matplotlib.figure import Figure

from drift.experiments.figures.black_holes import Populations, holes
from drift.experiments.figures.captions import captions, in_symbols
from drift.experiments.figures.curves import curves
from drift.experiments.figures.expected import ExpectedPairs
from drift.experiments.figures.sweeps.phase import phase
from drift.experiments.figures.sweeps.sweep_slice import SweepSlice
from drift.experiments.studies import rescaling
from drift.experiments.studies.coarsening.directions import shares
from drift.experiments.studies.coarsening.facts import Facts
from drift.experiments.studies.coarsening.similarity import FACTOR
from drift.experiments.studies.line_figure import Line, lines
from drift.experiments.studies.number_format import number
from drift.experiments.studies.rows import Row, values, where

_SIGMA = r"standard deviation of the cloud, $\sigma$"
_DISTINCT = "final distinct fraction (cells / tokens)"
_CURVES = 3
_SHOWN = {
    "black_holes": "black holes",
    "largest": "tokens in the largest black hole",
    "singletons": "singletons",
    "isolated": "isolated cells",
    "farthest": "largest distance between black holes",
}
_GREATEST = ("farthest",)
_SHARES = {
    "black_holes": "as many black holes",
    "largest": "as many tokens in the largest",
    "singletons": "as many singletons",
    "similar": "as many black holes, and tokens in them",
    "all": "all of these",
}


def figures(facts: Facts) -> dict[str, Figure]:
    """Return every figure that has something to show, by the name of its file."""
    found = {
        "curves": curves([facts.made.run(run["name"]) for run in _spread(facts)]),
        "phase": phase(_transition(facts), -1, ExpectedPairs(True)),
        "structure": _structure(facts),
        "arithmetic": _arithmetic(facts),
        "formats": rescaling.figure(facts.formats, _caption(facts)),
        "prediction": _prediction(facts),
        "directions": _directions(facts),
    }
    if facts.closest:
        found["populations"] = _populations(facts, facts.closest)
    return found


def _transition(facts: Facts) -> SweepSlice:
    return SweepSlice(facts.made.sweep("transition"), ("sigma", "steps"), {})


def _spread(facts: Facts) -> list[Row]:
    """Return runs of the first direction, from nearly one cell to nearly all tokens distinct."""
    first = where(facts.clouds, direction_seed=facts.plan["directions"][0])
    coalesced = [run for run in first if run["black_holes"]] or first
    at = np.linspace(len(coalesced) // 3, len(coalesced) - 1, _CURVES).round().astype(int)
    return [coalesced[k] for k in dict.fromkeys(at.tolist())]


def _caption(facts: Facts, *names: str) -> str:
    drift = facts.plan["drift"]
    known = {name: drift[name] for name in ("tokens", "dims", *names)}
    return captions([known])[0]


def _populations(facts: Facts, shown: list[Row]) -> Figure:
    found = [
        Populations(
            run["name"],
            f"{in_symbols('sigma', run['sigma'])}, direction seed {run['direction_seed']}",
            np.array(run["digest"]["populations"]),
        )
        for run in shown
    ]
    return holes(found, _caption(facts, "radius", "steps", "format"), with_observed=True)


def _structure(facts: Facts) -> Figure:
    found, levels = [], []
    for ink, (key, label) in enumerate(_SHOWN.items()):
        sigmas = values(facts.clouds, "sigma")
        each = [[run[key] for run in where(facts.clouds, sigma=sigma)] for sigma in sigmas]
        shown = [max(counts) if key in _GREATEST else np.median(counts) for counts in each]
        found.append(Line(label, sigmas, [float(count) for count in shown], ink))
        levels.append((number(facts.seen[key]), float(facts.seen[key]), ink))
    how = f"median over {len(facts.plan['directions'])} directions (maximum for distances)"
    caption = f"{_caption(facts, 'radius', 'steps', 'format')}\n{how}; dotted: observed in Qwen3-4B"
    return lines(found, _SIGMA, "number", caption, "x0", levels)


def _directions(facts: Facts) -> Figure:
    found = shares(facts.directions, facts.seen)
    sigmas = [each["sigma"] for each in found]
    shown = [
        Line(label, sigmas, [each[key] for each in found], ink)
        for ink, (key, label) in enumerate(_SHARES.items())
    ]
    how = f"share of {found[0]['directions']:,} directions within a factor of {FACTOR:g}"
    caption = f"{_caption(facts, 'radius', 'steps', 'format')}\n{how} of what was observed"
    return lines(shown, _SIGMA, "share of directions", caption)


def _fraction(points: list[Row]) -> list[float]:
    return [point["distinct"] / point["alive"] for point in points]


def _arithmetic(facts: Facts) -> Figure:
    found = [
        Line(name, values(points, "sigma"), _fraction(points), ink, ink)
        for ink, (name, points) in enumerate(facts.variants.items())
    ]
    caption = _caption(facts, "radius", "steps", "format")
    return lines(found, _SIGMA, _DISTINCT, caption)


def _prediction(facts: Facts) -> Figure:
    points = [one for one in facts.agreement if one["expected"] * one["clouds"] >= 1]
    points = points or facts.agreement
    at, clouds = [point["sigma"] for point in points], facts.agreement[0]["clouds"]
    curve = sorted((one["sigma"], one["pairs"]) for one in facts.curve)
    curve = [(sigma, pairs) for sigma, pairs in curve if min(at) <= sigma <= max(at)]
    sigmas, pairs = zip(*curve, strict=True)
    found = [
        Line("expected", sigmas, pairs, 0, marked=False),
        Line(
            f"mean of {clouds:,} clouds, ± 2 standard errors",
            at,
            [point["pairs"] for point in points],
            1,
            error=[2 * point["standard_error"] for point in points],
            joined=False,
        ),
    ]
    return lines(
        found, _SIGMA, "coalesced pairs", _caption(facts, "radius", "steps", "format"), "xy"
    )
