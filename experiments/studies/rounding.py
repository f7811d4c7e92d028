"""The study `rounding`: what the kind of rounding, and master weights, change of a drift.

kind  nearest, toward-zero, stochastic; or master: float32 weights that are rounded to be seen
"""

from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure

from drift.experiments.console.files import markdown_table
from drift.experiments.figures.captions import captions
from drift.experiments.studies.line_figure import Line, lines
from drift.experiments.studies.page import Page, Table, few, files, joined, picture
from drift.experiments.studies.parts import Made, Note, Part, Sweep
from drift.experiments.studies.rows import Row, limits, rows, spread, values, where
from drift.sim.spec.drift import Drift
from drift.sim.sweeps.grid import Grid

_KINDS = ("nearest", "toward-zero", "stochastic")


def parts(quick: bool = False) -> list[Part]:
    """Two sweeps over σ and X: of the roundings, and of master weights."""
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


def page(made: Made, command: str) -> Page:
    """The page of what was made, by that command."""
    plan = made.note("plan")
    drift = plan["drift"]
    found = [{"kind": row.pop("rounding"), **row} for row in rows(made.sweep("roundings"))]
    found += [{"kind": "master", **row} for row in rows(made.sweep("master"))]
    kinds, sigma = values(found, "kind"), min(values(found, "sigma"))
    least = where(found, sigma=sigma)
    known = {name: drift[name] for name in ("tokens", "dims", "radius")}
    columns = ("X", *(f"{kind}: reached, stalled" for kind in kinds))
    ways = [
        (few(steps), *(_way(where(least, steps=steps, kind=kind)[0]) for kind in kinds))
        for steps in plan["steps"]
    ]
    ends = [
        (few(steps), *(_ends(where(found, steps=steps, kind=kind)) for kind in kinds))
        for steps in plan["steps"]
    ]
    parts = [
        "# What do stochastic rounding and master weights change?",
        f"{few(drift['tokens'])} tokens in {few(drift['dims'])} dimensions, drawn from N(0, σ),"
        f" move by R = {few(drift['radius'])} along a random unit vector in X equal steps, in"
        f" {drift['format']}. Each step is rounded *nearest*, *toward-zero*, or by *stochastic*"
        " rounding, up or down with the chances that keep the mean; with *master* weights steps add"
        " up in float32, and what is looked at is rounded to nearest.",
        f"## How far it gets\n\nσ = {few(sigma)}.",
        markdown_table(columns, ways),
        picture("reached", "Radius reached against the number of steps, for each kind of rounding"),
        *_read_way(least, drift),
        "## What coalesces",
        "For each kind the largest σ up to which everything ends in one cell, and the largest at"
        " which there are black holes.",
        markdown_table(("X", *(f"{kind}: one cell, holes" for kind in kinds)), ends),
        picture("coalescence", "Distinct fraction against σ, for each kind of rounding"),
        *_read_ends(found, plan["steps"]),
        files(["rounding"], command),
    ]
    pictures = {
        "reached": _reached(least, captions([{"sigma": sigma, **known}])[0]),
        "coalescence": _coalescence(found, plan["steps"], captions([known])[0]),
    }
    return Page(parts, pictures, {"rounding": Table(found)})


def _way(row: Row) -> str:
    return f"{few(row['reached'])}, {row['stalled']:.0%}"


def _ends(there: Sequence[Row]) -> str:
    at = limits(there)
    return f"{few(at['one'])}, {few(at['holes'])}"


def _reached(least: Sequence[Row], caption: str) -> Figure:
    drawn = []
    for ink, kind in enumerate(values(least, "kind")):
        there = where(least, kind=kind)
        at, y = [row["steps"] for row in there], [row["reached"] for row in there]
        drawn.append(Line(kind, at, y, ink, ink))
    return lines(drawn, "steps of the drift, $X$", "radius reached, $r$", caption, "xy")


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


def _read_way(least: Sequence[Row], drift: dict[str, Any]) -> list[str]:
    """Who arrives with the most steps, and who falls short."""
    last = [row for row in least if row["steps"] == max(values(least, "steps"))]
    arrived = [row["kind"] for row in last if row["reached"] >= 0.95 * drift["radius"]]
    short = [
        f"{row['kind']} at {few(row['reached'])} ({row['stalled']:.0%} stalled)"
        for row in last
        if row["kind"] not in arrived
    ]
    near = f"{joined(arrived)} within 5% of R" if arrived else "none near R"
    said = f"At the end of X = {few(last[0]['steps'])} steps: {near}"
    said += f"; short of it {joined(short)}." if short else "."
    if "stochastic" in arrived:
        said += (
            " Under stochastic rounding a step that is shorter than half the spacing is taken now"
            " and then, in whole spacings, so that the mean arrives."
        )
    return [said]


def _read_ends(found: Sequence[Row], steps: Sequence[int]) -> list[str]:
    """Whether black holes survive stochastic rounding, and what master weights do."""
    stochastic = [row for row in where(found, kind="stochastic") if row["black_holes"]]
    said = "Under stochastic rounding "
    if stochastic:
        most = max(row["steps"] for row in stochastic)
        said += f"black holes are left with X up to {few(most)} alone."
    else:
        said += "no two tokens end in one cell at any σ and X tried."
    said += (
        " Tokens that meet are parted again by their own random numbers, unless an addition falls"
        " on the lattice exactly."
    )
    holes = {
        kind: limits(where(found, kind=kind, steps=steps[-1]))["holes"]
        for kind in ("nearest", "master")
    }
    if holes["nearest"] and holes["master"] and holes["nearest"] > holes["master"]:
        said += (
            f" With X = {few(steps[-1])}, which stalls where rounding is to nearest, there are"
            f" black holes up to σ = {few(holes['nearest'])}, and with master weights, which do not"
            f" stall, up to {few(holes['master'])}: stalling gathers tokens."
        )
    return [said]
