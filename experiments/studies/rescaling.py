"""One drift in every format, with σ and R in units of each format's spacing.

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

from drift.experiments.studies.line_figure import Line, lines
from drift.experiments.studies.parts import StudyStores, Sweep
from drift.experiments.studies.rows import Row, limits, rows, values, where
from drift.kernels.formats import FORMATS
from drift.sim.clouds.direction import direction
from drift.sim.spec.drift import Drift
from drift.sim.sweeps.grid import Grid


@dataclass(frozen=True)
class Scaled:
    """Drift rescaled to a format."""

    format: str
    """name of the format"""
    radius: float
    """R'"""
    sigma_factor: float
    """σ' / σ"""
    steps: int
    """X'"""
    spacing: float
    """ulp of the format at the target"""
    smallest: float
    """smallest positive value of the format"""


def scaled(drift: Drift, name: str) -> Scaled:
    """Return `drift` rescaled to the format `name`; in its own format nothing changes."""
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


def scales(drift: Drift) -> dict[str, dict[str, Any]]:
    """Return `drift` rescaled to each format, as plain values."""
    return {name: vars(scaled(drift, name)) for name in RESCALED}


def sweeps(drift: Drift, sigmas: Sequence[float]) -> list[Sweep]:
    """Return a sweep for each format, over σ', with X as it is and as rescaled."""
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


def grid_points(made: StudyStores, formats: Mapping[str, Any]) -> list[Row]:
    """Return a row for each grid point of every format, `formats` being their scales."""
    found = []
    for name, its in formats.items():
        store = made.sweep(f"format-{name}")
        for row in rows(store):
            fixed = {"steps": store.grid.base.get("steps"), "radius": its["radius"]}
            counted = {"spacings": row["sigma"] / its["spacing"]}
            found.append({"format": name, **counted, **fixed, **row})
    return found


def figure(found: Sequence[Row], caption: str) -> Figure:
    """Return the figure of the distinct fraction after the drift, and before it where below 1."""
    drawn = []
    for ink, name in enumerate(values(found, "format")):
        of_format = where(found, format=name)
        for dash, steps in enumerate(values(of_format, "steps")):
            there = where(of_format, steps=steps)
            at = [point["spacings"] for point in there]
            ended = [point["distinct"] / point["alive"] for point in there]
            drawn.append(Line(f"{name}, $X$ = {steps:,}", at, ended, ink, dash))
        start = [point["start"] / point["alive"] for point in there]
        if min(start) < 1:
            drawn.append(Line(f"{name}, before the drift", at, start, ink, 3, marked=False))
    x = r"$\sigma$ in units of the format's spacing at the target, $\sigma'/\mathrm{ulp}$"
    return lines(drawn, x, "distinct fraction (cells / tokens)", caption)


def facts(points: Sequence[Row], formats: Mapping[str, Any]) -> dict[str, Any]:
    """Return what rescaling.md.j2 says.

    rows        for each format and X its scales, and `limits` with σ' in spacings
    coalescing  for each format the spacings at which most tokens are distinct at the start, and
                most are not at the end
    others      formats in which there are none
    """
    found, coalescing = [], {}
    for name, its in formats.items():
        of_format = where(points, format=name)
        for steps in values(of_format, "steps"):
            there = where(of_format, steps=steps)
            share = there[0]["reached"] / its["radius"]
            ends = limits(there, by="spacings")
            counted = {"share": share, "stalled": there[0]["stalled"], **ends}
            found.append({**its, **counted, "steps": steps})
        coalescing[name] = [
            one["spacings"]
            for one in of_format
            if 2 * one["start"] > one["alive"] > 2 * one["distinct"]
        ]
    return {
        "rows": found,
        "coalescing": {name: there for name, there in coalescing.items() if there},
        "others": [name for name, there in coalescing.items() if not there],
    }
