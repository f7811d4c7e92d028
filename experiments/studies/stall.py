"""The study `stall`: radius reached against step count, and what is expected of it.

bounds  of a coordinate that stalls: 2^p to 2^(p+1) steps' length, p the significant bits
"""

import statistics
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from drift.experiments.console.files import markdown_table
from drift.experiments.figures.captions import captions
from drift.experiments.studies.coarsening.plan import expectations
from drift.experiments.studies.line_figure import Line, lines
from drift.experiments.studies.page import Page, Table, few, files, picture, span
from drift.experiments.studies.parts import Made, Note, Part, Sweep
from drift.experiments.studies.rows import Row, rows, values, where
from drift.sim.spec.drift import Drift
from drift.sim.sweeps.grid import Grid


def parts(quick: bool = False) -> list[Part]:
    """A sweep over X and σ; for each X what is expected, and when coordinates stall."""
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
    def find(made: Made) -> list[int | None]:
        from drift.sim.prediction.predict import stall_steps

        return stall_steps(drift)

    return Note(f"stall-{drift.steps}", {"stalls": drift.as_json()}, find)


def page(made: Made, command: str) -> Page:
    """The page of what was made, by that command."""
    plan = made.note("plan")
    drift, bits = plan["drift"], plan["bits"]
    found = [_row(made, row, drift) for row in rows(made.sweep("steps"))]
    sigmas = values(found, "sigma")
    least = where(found, sigma=sigmas[0])
    known = {name: drift[name] for name in ("tokens", "dims", "radius")}
    parts = [
        "# How far does a drift get?",
        f"{few(drift['tokens'])} tokens in {few(drift['dims'])} dimensions move by R ="
        f" {few(drift['radius'])} along a random unit vector, in X equal steps of one float32"
        f" addition and one rounding to {drift['format']}. The more steps, the shorter each one,"
        " and where half the spacing at a coordinate exceeds its step it is rounded back.",
        markdown_table(
            (
                "X",
                "radius reached",
                "radius expected",
                "stalled",
                "stalled expected",
                "half stall by step",
                *(f"cells, σ = {few(sigma)}" for sigma in sigmas),
            ),
            [_cells(where(found, steps=row["steps"])) for row in least],
        ),
        f"One cloud of each σ; but for the cells, all is of σ = {few(sigmas[0])}. *Half stall by"
        " step* is the step by which half of the coordinates that start at 0 have stopped; *cells*"
        f" are what is left of {few(drift['tokens'])} tokens at the end. What is expected is exact,"
        " and over all clouds ([how](../../sim/prediction/derivation.md)).",
        picture("stall", "Radius reached against the number of steps, simulated and expected"),
        *_read(found, least, bits),
        files(["stall"], command),
    ]
    return Page(parts, {"stall": _figure(found, captions([known])[0])}, {"stall": Table(found)})


def _row(made: Made, row: Row, drift: dict[str, Any]) -> Row:
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


def _cells(there: Sequence[Row]) -> tuple[str, ...]:
    row = there[0]
    return (
        few(row["steps"]), few(row["reached"]), few(row["expected_reached"]),
        f"{row['stalled']:.1%}", f"{row['expected_stalled']:.1%}", few(row["half_stall_by"]),
        *(few(each["distinct"]) for each in there),
    )  # fmt: skip


def _figure(found: Sequence[Row], caption: str) -> Any:
    drawn = []
    for ink, sigma in enumerate(dict.fromkeys(row["sigma"] for row in found)):
        there = where(found, sigma=sigma)
        at, label = [row["steps"] for row in there], rf"σ = {few(sigma)}"
        y = [row["reached"] for row in there]
        drawn.append(Line(f"{label}, simulated", at, y, ink, joined=False))
        y = [row["expected_reached"] for row in there]
        drawn.append(Line(f"{label}, expected", at, y, ink, ink, marked=False))
    return lines(drawn, "steps of the drift, $X$", "radius reached, $r$", caption, "xy")


def _read(found: Sequence[Row], least: Sequence[Row], bits: int) -> list[str]:
    """What the table says."""
    free = [row["steps"] for row in least if row["stalled"] == 0]
    still = [row for row in least if row["stalled"] == 1]
    off = max(abs(row["reached"] - row["expected_reached"]) / row["reached"] for row in found)
    said = [
        f"The simulated radius is nowhere farther than {off:.1e} of itself from the expected one."
    ]
    if free:
        said.append(f"Up to X = {few(max(free))} no coordinate is stalled at the end.")
    if still:
        ratios = [row["reached"] / row["step_length"] for row in still]
        inside = all(2**bits <= ratio <= 2 ** (bits + 1) for ratio in ratios)
        said.append(
            f"From X = {few(still[0]['steps'])} on all are. A coordinate with the step c stops at"
            f" 2^⌈log₂ c⌉ · 2^{bits}, the first power of two where half the spacing reaches the"
            f" step: {few(2**bits)} to {few(2 ** (bits + 1))} times the step, whatever R is. The"
            f" radius reached is {few(min(ratios))} to {few(max(ratios))} times R/X,"
            f" {'within' if inside else 'not within'} these bounds: the more steps, the less far."
        )
    return [" ".join(said), *_gathered(found)]


def _gathered(found: Sequence[Row]) -> list[str]:
    """What is left of the widest cloud where nothing stalls, and where all does."""
    widest = where(found, sigma=max(row["sigma"] for row in found))
    free = [row["distinct"] for row in widest if row["stalled"] == 0]
    still = [row for row in widest if row["stalled"] == 1]
    if not free or not still:
        return []
    first, last = still[0], still[-1]
    said = f"Of the cloud of σ = {few(first['sigma'])} {span(free)} cells are left where nothing"
    said += f" stalls, and {few(first['distinct'])} with X = {few(first['steps'])}, where all does."
    if first["distinct"] < min(free):
        said += (
            " Who is ahead stops at that power of two, and who is behind goes on until there as"
            " well: stalling gathers tokens."
        )
    if last["distinct"] > first["distinct"]:
        said += (
            f" With X = {few(last['steps'])} there are {few(last['distinct'])}: so near the origin"
            " the spacing where it stops is fine beside σ."
        )
    return [said]
