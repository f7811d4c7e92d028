"""One drift in every format, σ and R counted in each one's spacing.

target    R/√D, the magnitude of a typical coordinate where the drift is to end
spacing   ulp(target), the distance between a format's values there
spacings  σ' in units of the format's spacing at the target

What rounding does to a cloud depends on σ / ulp(target). For a format f instead of g

    R' = R · 2^k                                    k the largest with 2 R' max|u| ≤ largest
    σ' = σ · ulp_f(R'/√D) / ulp_g(R/√D)

so that the target keeps its place within its binade, σ stays the same number of
spacings, and the target is as far above the smallest values as the range allows: a
format whose smallest value is far above σ' starts as a single cell. A step is R/X, and
in units of the spacing it shrinks with the precision; what it was in g it is in f after

    X' = X · 2^(p_f − p_g)                          p significant bits, X' at least 1

steps. With X steps a format of fewer bits stalls earlier.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from drift.experiments.console.files import markdown_table
from drift.experiments.studies.line_figure import Line, lines
from drift.experiments.studies.page import few, joined, picture, span
from drift.experiments.studies.parts import Made, Sweep
from drift.experiments.studies.rows import Row, limits, rows, values, where
from drift.kernels.formats import FORMATS
from drift.sim.clouds.direction import direction
from drift.sim.spec.drift import Drift
from drift.sim.sweeps.grid import Grid


@dataclass(frozen=True)
class Scaled:
    """A drift's numbers in another format."""

    format: str
    radius: float
    sigma_factor: float
    """σ' / σ"""
    steps: int
    spacing: float
    """ulp of the format at the target"""
    smallest: float
    """its smallest positive value"""


def scaled(drift: Drift, name: str) -> Scaled:
    """The numbers of `drift` in the format `name`; in its own format they stay."""
    mine, other = drift.target, FORMATS[name]
    typical = drift.radius / math.sqrt(drift.dims)
    power = 0
    if mine != other:
        u = direction(drift.direction, drift.dims, drift.direction_seed)
        room = other.largest / (2 * drift.radius * float(np.max(np.abs(u))))
        power = math.floor(math.log2(room))
    factor = 2.0**power
    spacing = float(other.ulp(np.array([typical * factor]))[0])
    return Scaled(
        name,
        drift.radius * factor,
        spacing / float(mine.ulp(np.array([typical]))[0]),
        max(1, round(drift.steps * 2.0 ** (other.precision - mine.precision))),
        spacing,
        float(other.value(np.array([1]))[0]),
    )


RESCALED = ("bfloat16", "float16", "float8_e4m3fn", "float8_e5m2", "float4_e2m1fn")

_COLUMNS = (
    "format", "R'", "ulp at the target", "σ'/σ", "X", "reached / R'", "stalled",
    "one cell at the start up to", "one cell at the end up to", "half gone up to",
    "black holes up to",
)  # fmt: skip


def scales(drift: Drift) -> dict[str, dict[str, Any]]:
    """The numbers of `drift` in each format, as plain values."""
    return {name: vars(scaled(drift, name)) for name in RESCALED}


def sweeps(drift: Drift, sigmas: Sequence[float]) -> list[Sweep]:
    """One for each format, over σ', with X as it is and as rescaled."""
    return [_sweep(drift, name, sigmas) for name in RESCALED]


def _sweep(drift: Drift, name: str, sigmas: Sequence[float]) -> Sweep:
    its = scaled(drift, name)
    fields = {
        "tokens": (drift.tokens,),
        "dims": (drift.dims,),
        "records": (1,),
        "sigma": tuple(sigma * its.sigma_factor for sigma in sigmas),
        "radius": (its.radius,),
        "steps": tuple(dict.fromkeys((drift.steps, its.steps))),
        "format": (name,),
    }
    return Sweep(f"format-{name}", Grid.given(fields))


def cells(made: Made, formats: Mapping[str, Any]) -> list[Row]:
    """The cells of every format, `formats` being their scales."""
    found = []
    for name, its in formats.items():
        store = made.sweep(f"format-{name}")
        for row in rows(store):
            fixed = {"steps": store.grid.base.get("steps"), "radius": its["radius"]}
            counted = {"spacings": row["sigma"] / its["spacing"]}
            found.append({"format": name, **counted, **fixed, **row})
    return found


def figure(found: Sequence[Row], caption: str) -> Figure:
    """The distinct fraction before the drift, where it is not all, and after it."""
    drawn = []
    for ink, name in enumerate(values(found, "format")):
        of_format = where(found, format=name)
        for dash, steps in enumerate(values(of_format, "steps")):
            there = where(of_format, steps=steps)
            at = [cell["spacings"] for cell in there]
            ended = [cell["distinct"] / cell["alive"] for cell in there]
            drawn.append(Line(f"{name}, $X$ = {steps:,}", at, ended, ink, dash))
        start = [cell["start"] / cell["alive"] for cell in there]
        if min(start) < 1:
            drawn.append(Line(f"{name}, before the drift", at, start, ink, 3, marked=False))
    x = r"$\sigma$ in units of the format's spacing at the target, $\sigma'/\mathrm{ulp}$"
    return lines(drawn, x, "distinct fraction (cells / tokens)", caption)


def said(found: Sequence[Row], formats: Mapping[str, Any], drift: Mapping[str, Any]) -> list[str]:
    """The rescaling, its numbers, and what was found; `drift` is the spec in its own format."""
    table = []
    for name, its in formats.items():
        of_format = where(found, format=name)
        for steps in values(of_format, "steps"):
            there = where(of_format, steps=steps)
            at, least = limits(there, by="spacings"), there[0]
            numbers = (its["radius"], its["spacing"], its["sigma_factor"], steps)
            gone = (few(least["reached"] / its["radius"]), f"{least['stalled']:.0%}")
            ends = map(few, (at["lone"], at["one"], at["half"], at["holes"]))
            table.append((name, *map(few, numbers), *gone, *ends))
    smallest = ", ".join(f"{few(its['smallest'])} in {name}" for name, its in formats.items())
    return [
        "A cloud starts as a single cell where σ is far below the smallest positive value of its"
        f" format: {smallest}. What rounding does depends on σ in units of the spacing (*ulp*)"
        " where the cloud is going, so R and σ are rescaled for each format f:",
        "> R' = R · 2ᵏ, with the largest whole k for which 2R'·max|u| is within the format's range"
        "  \n> σ' = σ · ulp_f(R'/√D) / ulp(R/√D)",
        f"ulp being that of {drift['format']}. The target keeps its place within its binade and is"
        " as far above the smallest value as can be. A step, R/X, counts fewer spacings the fewer"
        " bits there are, so beside X there is X · 2^(p_f − p), p being the significant bits, and"
        " at least 1 step. In the last four columns σ' is counted in spacings at the target;"
        " reached and stalled are of the smallest σ.",
        markdown_table(_COLUMNS, table),
        picture("formats", "Distinct fraction against σ in spacings, in each format"),
        *_met(found),
    ]


def _met(found: Sequence[Row]) -> list[str]:
    """In which formats a cloud is told apart at first and then meets, and with which σ."""
    met, not_met = [], []
    for name in values(found, "format"):
        there = [
            row["spacings"]
            for row in where(found, format=name)
            if 2 * row["start"] > row["alive"] > 2 * row["distinct"]
        ]
        if there:
            met.append(f"{name} ({span(there)} spacings)")
        else:
            not_met.append(name)
    told = (
        "With one X or the other a cloud of which more than half is told apart at first, and less"
        " than half at the end, is"
    )
    said = f"{told} there in {joined(met)}" if met else f"{told} there in none of them"
    if met and not_met:
        said += (
            f"; not in {joined(not_met)}: between the smallest value and the spacing at the target"
            " there is too little room for it."
        )
    return [said.rstrip(".") + "."]
