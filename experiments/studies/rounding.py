"""Study `rounding`: how the kind of rounding, and master weights, change a drift.

kind  nearest, toward-zero, stochastic; or master: float32 weights, rounded only to be counted
"""

from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure

from drift.experiments.figures.captions import captions
from drift.experiments.studies.line_figure import Line, lines
from drift.experiments.studies.page import Page, Table
from drift.experiments.studies.parts import Note, Part, StudyStores, Sweep
from drift.experiments.studies.rows import Row, limits, rows, spread, values, where
from drift.sim.spec.drift import Drift
from drift.sim.sweeps.grid import Grid

_KINDS = ("nearest", "toward-zero", "stochastic")
_ARRIVAL = 0.95
"""Share of R from which a drift has arrived."""


def parts(quick: bool = False) -> list[Part]:
    """Return two sweeps over σ and X: of the roundings, and of master weights."""
    shape: dict[str, Any] = {"tokens": 60, "dims": 32} if quick else {"tokens": 400, "dims": 256}
    sigmas = spread(1e-9, 1e-4, 3) if quick else spread(1e-10, 1e-4, 13)
    steps = (10, 300) if quick else (10, 30, 100, 300, 1000, 3000)
    fields: dict[str, tuple] = {name: (value,) for name, value in shape.items()}
    fields |= {"sigma": sigmas, "steps": steps, "records": (1,)}
    plan = {"drift": Drift(sigma=sigmas[0], **shape).as_json(), "steps": list(steps)}
    return [
        Sweep("roundings", Grid.given({**fields, "rounding": _KINDS})),
        Sweep("master", Grid.given({**fields, "master": ("float32",)})),
        Note("plan", plan, lambda _: plan),
    ]


def page(made: StudyStores, command: str) -> Page:
    """Return the page drawn from the stores."""
    plan = made.note("plan")
    drift, steps = plan["drift"], plan["steps"]
    points = [{"kind": row.pop("rounding"), **row} for row in rows(made.sweep("roundings"))]
    points += [{"kind": "master", **row} for row in rows(made.sweep("master"))]
    kinds, sigma = values(points, "kind"), min(values(points, "sigma"))
    tight = where(points, sigma=sigma)
    last = where(tight, steps=steps[-1])
    arriving = [one["kind"] for one in last if one["reached"] >= _ARRIVAL * drift["radius"]]
    coalescence = {
        count: [limits(where(points, steps=count, kind=kind)) for kind in kinds] for count in steps
    }
    facts = {
        "drift": drift,
        "kinds": kinds,
        "sigma": sigma,
        "most_steps": steps[-1],
        "reached": {count: where(tight, steps=count) for count in steps},
        "arrival": _ARRIVAL,
        "arriving": arriving,
        "short": [one for one in last if one["kind"] not in arriving],
        "coalescence": coalescence,
        "stochastic_holes": [one for one in where(points, kind="stochastic") if one["black_holes"]],
        "holes": {
            kind: ends["holes"] for kind, ends in zip(kinds, coalescence[steps[-1]], strict=True)
        },
    }
    known = {name: drift[name] for name in ("tokens", "dims", "radius", "format")}
    figures = {
        "reached": _reached(tight, captions([{"sigma": sigma, **known}])[0]),
        "coalescence": _coalescence(points, steps, captions([known])[0]),
    }
    return Page("rounding.md.j2", facts, command, figures, {"rounding": Table(points)})


def _reached(least: Sequence[Row], caption: str) -> Figure:
    drawn = []
    for ink, kind in enumerate(values(least, "kind")):
        there = where(least, kind=kind)
        at, y = [row["steps"] for row in there], [row["reached"] for row in there]
        drawn.append(Line(kind, at, y, ink, ink))
    return lines(drawn, "number of steps, $X$", "radius reached, $r$", caption, "xy")


def _coalescence(found: Sequence[Row], steps: Sequence[int], caption: str) -> Figure:
    drawn = []
    for ink, kind in enumerate(values(found, "kind")):
        for dash, count in enumerate((steps[len(steps) // 2 - 1], steps[-1])):
            there = where(found, kind=kind, steps=count)
            y = [row["distinct"] / row["alive"] for row in there]
            at = [row["sigma"] for row in there]
            drawn.append(Line(f"{kind}, $X$ = {count:,}", at, y, ink, dash))
    x, shown = (
        r"standard deviation of the cloud, $\sigma$",
        "final distinct fraction (cells / tokens)",
    )
    return lines(drawn, x, shown, caption)
