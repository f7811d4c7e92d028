"""Study `stall`: radius reached against the number of steps, counted and expected.

bounds  a coordinate stalls at 2^p to 2^(p+1) times the length of a step, p significant bits
"""

import statistics
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from drift.experiments.figures.captions import captions, in_symbols
from drift.experiments.studies.coarsening.plan import expectations
from drift.experiments.studies.line_figure import Line, lines
from drift.experiments.studies.page import Page, Table
from drift.experiments.studies.parts import Note, Part, StudyStores, Sweep
from drift.experiments.studies.rows import Row, rows, values, where
from drift.sim.spec.drift import Drift
from drift.sim.sweeps.grid import Grid


def parts(quick: bool = False) -> list[Part]:
    """Return a sweep over X and σ; for each X what is expected, and when coordinates stall."""
    shape: dict[str, Any] = {"tokens": 60, "dims": 32} if quick else {"tokens": 400, "dims": 256}
    steps = (1, 100, 10_000) if quick else tuple(k * 10**n for n in range(6) for k in (1, 2, 5))
    sigmas = (1e-9, 1e-6)
    fields = {name: (value,) for name, value in shape.items()}
    made: list[Part] = [
        Sweep("steps", Grid.given({**fields, "sigma": sigmas, "steps": steps, "records": (1,)}))
    ]
    drift = Drift(sigma=sigmas[0], **shape)
    for count in steps:
        one = replace(drift, steps=count)
        made += [expectations(f"expected-{count}", one, sigmas), _stalling(one)]
    plan = {"drift": drift.as_json(), "steps": list(steps), "bits": drift.target.precision}
    made.append(Note("plan", plan, lambda _: plan))
    return made


def _stalling(drift: Drift) -> Note:
    def find(made: StudyStores) -> list[int | None]:
        from drift.sim.prediction.stalling import stall_steps

        return stall_steps(drift)

    return Note(f"stall-{drift.steps}", {"stalls": drift.as_json()}, find)


def page(made: StudyStores, command: str) -> Page:
    """Return the page drawn from the stores."""
    plan = made.note("plan")
    drift, bits = plan["drift"], plan["bits"]
    points = [_point(made, row, drift) for row in rows(made.sweep("steps"))]
    sigmas = values(points, "sigma")
    tight, wide = where(points, sigma=min(sigmas)), where(points, sigma=max(sigmas))
    stalled = [point for point in tight if point["stalled"] == 1]
    errors = [abs(one["reached"] - one["expected_reached"]) / one["reached"] for one in points]
    facts = {
        "drift": drift,
        "bits": bits,
        "bounds": (2**bits, 2 ** (bits + 1)),
        "sigmas": sigmas,
        "by_steps": [where(points, steps=point["steps"]) for point in tight],
        "largest_error": max(errors),
        "moving": [point for point in tight if point["stalled"] == 0],
        "stalled": stalled,
        "ratios": [point["reached"] / point["step_length"] for point in stalled],
        "wide_moving": [point for point in wide if point["stalled"] == 0],
        "wide_stalled": [point for point in wide if point["stalled"] == 1],
    }
    caption = captions([{name: drift[name] for name in ("tokens", "dims", "radius", "format")}])[0]
    figures = {"stall": _figure(points, caption)}
    return Page("stall.md.j2", facts, command, figures, {"stall": Table(points)})


def _point(made: StudyStores, row: Row, drift: dict[str, Any]) -> Row:
    """Return a grid point with what is expected of it, beside what was counted."""
    curve = made.note(f"expected-{row['steps']}")["curve"]
    expected = where(curve, sigma=row["sigma"])[0]
    stalls: list[int | None] = made.note(f"stall-{row['steps']}")
    known = [step for step in stalls if step is not None]
    half = statistics.median_low(known) if 2 * len(known) > len(stalls) else None
    return {
        **row,
        "expected_reached": expected["radius"],
        "expected_stalled": expected["stalled"],
        "expected_pairs": expected["pairs"],
        "half_stall_by": half,
        "step_length": drift["radius"] / row["steps"],
    }


def _figure(found: Sequence[Row], caption: str) -> Any:
    drawn = []
    for ink, sigma in enumerate(dict.fromkeys(row["sigma"] for row in found)):
        there = where(found, sigma=sigma)
        at, label = [row["steps"] for row in there], in_symbols("sigma", sigma)
        y = [row["reached"] for row in there]
        drawn.append(Line(f"{label}, simulated", at, y, ink, joined=False))
        y = [row["expected_reached"] for row in there]
        drawn.append(Line(f"{label}, expected", at, y, ink, ink, marked=False))
    return lines(drawn, "number of steps, $X$", "radius reached, $r$", caption, "xy")
