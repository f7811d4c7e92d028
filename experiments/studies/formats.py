"""Study `formats`: the transition, and the radius reached, in eight and in four bits.

transition  coalescence against sigma, in units of each format's spacing (.rescaling)
ways        radius reached against the number of steps, by a cloud that is a single cell
"""

from dataclasses import replace
from typing import Any

from drift.experiments.figures.captions import captions
from drift.experiments.studies import rescaling
from drift.experiments.studies.line_figure import Line, lines
from drift.experiments.studies.page import Page, Table
from drift.experiments.studies.parts import Note, Part, StudyStores, Sweep
from drift.experiments.studies.rescaling import scaled
from drift.experiments.studies.rows import rows, spread, values, where
from drift.sim.spec.drift import Drift
from drift.sim.sweeps.grid import Grid

_ARRIVAL = 0.95
"""Share of R' from which a drift has arrived."""


def parts(quick: bool = False) -> list[Part]:
    """Return two sweeps for each format."""
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


def page(made: StudyStores, command: str) -> Page:
    """Return the page drawn from the stores."""
    plan = made.note("plan")
    drift, formats = plan["drift"], plan["formats"]
    points = rescaling.grid_points(made, formats)
    way = [
        {"format": name, "share": row["reached"] / its["radius"], **row}
        for name, its in formats.items()
        for row in rows(made.sweep(f"way-{name}"))
    ]
    ways = {name: where(way, format=name) for name in formats}
    facts = {
        "drift": drift,
        "formats": formats,
        "rescaled": rescaling.facts(points, formats),
        "arrival": _ARRIVAL,
        "most_steps": plan["steps"][-1],
        "ways": ways,
    }
    caption = captions([{"tokens": drift["tokens"], "dims": drift["dims"]}])[0]
    drawn = [
        Line(name, values(there, "steps"), [row["share"] for row in there], ink, ink)
        for ink, (name, there) in enumerate(ways.items())
    ]
    x, y = "number of steps, $X$", "radius reached / $R'$"
    figures = {"formats": rescaling.figure(points, caption), "way": lines(drawn, x, y, caption)}
    tables = {"transition": Table(points), "way": Table(way)}
    return Page("formats.md.j2", facts, command, figures, tables)
