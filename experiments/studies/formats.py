"""The study `formats`: the transition, and how far a drift gets, in eight and in four bits.

transition  sigma, counted in each format's spacing (.widths)
ways        a cloud that is one cell, by steps: how far it gets
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from drift.experiments.figures.captions import captions
from drift.experiments.studies import rescaling
from drift.experiments.studies.line_figure import Line, lines
from drift.experiments.studies.page import Page, Table, few, files, listed, picture
from drift.experiments.studies.parts import Made, Note, Part, Sweep
from drift.experiments.studies.rescaling import scaled
from drift.experiments.studies.rows import Row, rows, spread, values, where
from drift.sim.spec.drift import Drift
from drift.sim.sweeps.grid import Grid

_NEAR = 0.95
"""The share of the way from which a drift has arrived."""


def parts(quick: bool = False) -> list[Part]:
    """A sweep for each format, two of them."""
    shape: dict[str, Any] = {"tokens": 60, "dims": 32} if quick else {"tokens": 400, "dims": 256}
    drift = Drift(sigma=1e-9, **shape)
    sigmas = spread(1e-10, 1e-4, 4) if quick else spread(1e-10, 1e-4, 25)
    steps = (1, 10, 100) if quick else (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
    made: list[Part] = [*rescaling.sweeps(drift, sigmas)]
    for name in rescaling.RESCALED:
        its = scaled(drift, name)
        still = replace(drift, sigma=sigmas[0] * its.sigma_factor, radius=its.radius, format=name)
        fields = {key: (value,) for key, value in still.as_json().items() if key in _FIELDS}
        made.append(Sweep(f"way-{name}", Grid.given({**fields, "steps": steps, "records": (1,)})))
    plan = {"drift": drift.as_json(), "formats": rescaling.scales(drift), "steps": list(steps)}
    made.append(Note("plan", plan, lambda _: plan))
    return made


_FIELDS = ("sigma", "tokens", "dims", "radius", "format")


def page(made: Made, command: str) -> Page:
    """The page of what was made, by that command."""
    plan = made.note("plan")
    drift, formats = plan["drift"], plan["formats"]
    found = rescaling.cells(made, formats)
    way = [
        {"format": name, "share": row["reached"] / its["radius"], **row}
        for name, its in formats.items()
        for row in rows(made.sweep(f"way-{name}"))
    ]
    caption = captions([{"tokens": drift["tokens"], "dims": drift["dims"]}])[0]
    drawn = [
        Line(
            name, values(way, "steps"), [row["share"] for row in where(way, format=name)], ink, ink
        )
        for ink, name in enumerate(formats)
    ]
    x, y = "steps of the drift, $X$", "share of the way, radius reached / $R'$"
    parts = [
        "# Do clouds coalesce in eight and in four bits?",
        f"A cloud of {few(drift['tokens'])} tokens in {few(drift['dims'])} dimensions, drawn from"
        " N(0, σ), moves along a random unit vector in X equal steps of one float32 addition and"
        " one rounding to nearest. Does what holds in bfloat16 hold in formats of fewer bits?",
        "## The transition",
        *rescaling.said(found, formats, drift),
        "## How far it gets",
        *_arrived(way),
        picture("way", "Share of the way that is reached against the number of steps"),
        "A coordinate stops where half the spacing reaches a step. With p significant bits it then"
        " is 2^p to 2^(p+1) times as large as a step, so that more than about 2^p steps do not"
        " arrive.",
        "## What it cannot say",
        "One direction and one cloud; values are used over the whole range of their format, as"
        " tensors in eight bits are scaled, while no scale for blocks of values is kept.",
        files(["transition", "way"], command),
    ]
    pictures = {"formats": rescaling.figure(found, caption), "way": lines(drawn, x, y, caption)}
    return Page(parts, pictures, {"transition": Table(found), "way": Table(way)})


def _arrived(way: Sequence[Row]) -> list[str]:
    """For each format the X with which the drift comes near R', and the share at the largest."""
    said = []
    for name in values(way, "format"):
        there = where(way, format=name)
        near = [row["steps"] for row in there if row["share"] >= _NEAR]
        last = there[-1]
        said.append(
            f"- {name}: "
            + (f"arrives, {_NEAR:.0%} of the way or more, with X of {listed(near)}" if near
               else f"arrives with no X tried, that is, goes less than {_NEAR:.0%} of the way")
            + f"; with X = {few(last['steps'])} it gets {last['share']:.1%} of the way and"
            f" {last['stalled']:.0%} of its coordinates are stalled."
        )  # fmt: skip
    return ["\n".join(said)]
