"""The parts of the study: four motions, five kinds of arithmetic, two places to start from.

motion  straight; sgd and adamw, of a gradient that all tokens share; fading: adamw whose gradient
        fades and whose learning rate decays. The first three are asked to go as far
kind    nearest, stochastic, master, kahan, noise
start   origin, or around a centre of the norm R
widths  sweeps over sigma, rounding to nearest
"""

import math
from dataclasses import dataclass
from typing import Any

from drift.experiments.studies.optimizers.measured import measured
from drift.experiments.studies.parts import Note, Part, Sweep
from drift.experiments.studies.rows import spread
from drift.sim.spec.drift import Drift
from drift.sim.sweeps.grid import Grid

MOTIONS = ("straight", "sgd", "adamw", "fading")
STARTS = ("origin", "centre")
NOISE = 0.1
_FADES = 1e-3
"""The share of the gradient's size that is left at the last step."""

KINDS: dict[str, dict[str, Any]] = {
    "nearest": {},
    "stochastic": {"rounding": "stochastic"},
    "master": {"master": "float32"},
    "kahan": {"kahan": True},
    "noise": {"noise": NOISE},
}
"""The kinds of arithmetic, and the fields of each."""


@dataclass(frozen=True)
class StudyShape:
    """Values that are varied, and the shape of the cloud."""

    tokens: int = 2212
    """tokens of every cloud, as many as in the diary's"""
    dims: int = 256
    """dimensions of every cloud, a tenth of the diary's"""
    steps: int = 500
    """steps of every drift"""
    records: int = 25
    """intervals between records"""
    sigma: float = 1e-6
    """standard deviation of the clouds of which all kinds are run"""
    sigmas: tuple[float, ...] = spread(1e-7, 1e-3, 9)
    """standard deviations of the sweeps"""
    directions: tuple[int, ...] = (0, 1, 2)
    """direction seeds; each run of them has a cloud of its own, of the same seed"""


def _plan(quick: bool) -> StudyShape:
    if quick:
        return StudyShape(
            tokens=60, dims=16, steps=40, records=8, sigmas=spread(1e-6, 1e-3, 3), directions=(0, 1)
        )
    return StudyShape()


def parts(quick: bool = False) -> list[Part]:
    """Return the parts, in the order they are carried out."""
    plan, made = _plan(quick), list[Part]()
    for start in STARTS:
        for name, motions in (("widths", MOTIONS[:-1]), ("widths-fading", MOTIONS[-1:])):
            made.append(Sweep(f"{name}-{start}", _grid(plan, start, motions)))
        for motion in MOTIONS:
            for kind in KINDS:
                made.append(_note(plan, start, motion, kind))
    usual = _drift(plan, "origin", "straight", "nearest").as_json()
    found = {
        "drift": usual,
        "directions": list(plan.directions),
        "sigmas": list(plan.sigmas),
        "noise": NOISE,
        "fades": _FADES,
        **{name: value for name, value in _optimizer(plan).items() if name != "motion"},
    }
    return [*made, Note("plan", found, lambda _: found)]


def _optimizer(plan: StudyShape) -> dict[str, Any]:
    """Return the learning rate and the gradient of optimizers that go as far as a straight drift.

    AdamW moves every coordinate by the learning rate, whatever the gradient is, and SGD by the
    learning rate times the gradient, whose coordinates are of the size 1 here.
    """
    radius = Drift(sigma=plan.sigma).radius
    lr = float(f"{radius / plan.steps / math.sqrt(plan.dims):.3g}")
    return {"lr": lr, "gradient": math.sqrt(plan.dims)}


def _motion(plan: StudyShape, motion: str) -> dict[str, Any]:
    if motion == "straight":
        return {}
    fields = {"motion": "sgd" if motion == "sgd" else "adamw", **_optimizer(plan)}
    return {**fields, **_fading(plan)} if motion == "fading" else fields


def _fading(plan: StudyShape) -> dict[str, Any]:
    return {"gradient_decay": _FADES ** (1 / plan.steps), "lr_schedule": "cosine"}


def _start(start: str) -> dict[str, Any]:
    return {} if start == "origin" else {"centre": f"random:{Drift(sigma=1.0).radius}"}


def _drift(plan: StudyShape, start: str, motion: str, kind: str) -> Drift:
    shape = {"tokens": plan.tokens, "dims": plan.dims, "steps": plan.steps}
    known: dict[str, Any] = {"sigma": plan.sigma, "records": plan.records, **shape}
    return Drift(**known, **_start(start), **_motion(plan, motion), **KINDS[kind])


def _grid(plan: StudyShape, start: str, motions: tuple[str, ...]) -> Grid:
    fields: dict[str, Any] = {"tokens": plan.tokens, "dims": plan.dims, "steps": plan.steps}
    fields |= {"sigma": plan.sigmas, "direction_seed": plan.directions, "records": 1}
    fields |= {**_start(start), **_optimizer(plan)}
    if motions == MOTIONS[-1:]:
        return Grid.given({**fields, "motion": "adamw", **_fading(plan)})
    return Grid.given({**fields, "motion": motions})


def _note(plan: StudyShape, start: str, motion: str, kind: str) -> Note:
    drift = _drift(plan, start, motion, kind)
    asked = {"drift": drift.as_json(), "directions": list(plan.directions)}
    return Note(
        f"{start}-{motion}-{kind}", asked, lambda made: measured(drift, list(plan.directions))
    )
