"""The choice of the engine: `step` moves every coordinate, `leap` every distinct value.

Both give the same bits; `auto` takes the cheaper one by a rough estimate, in units
of one coordinate stepped on a CPU (about 0.1 ns on two cores):

step   1 for every coordinate at every step, 10 at every record; a hundredth of it
       on an accelerator
leap   30 for every coordinate drawn, 20 for every entry of the tables of one step,
       200 for every class at every record; where steps differ, 2 for every class
       at every step

A class is a value that tokens have in one dimension; about a thousand are reckoned.
Once all is at rest, after some 6 x 2**precision steps, steps and records cost
nothing any more (the step engine notices it with equal steps alone, of all tokens, those
that leave among them).
"""

from typing import Literal, get_args

from drift.kernels.formats import FLOAT32
from drift.sim.errors import BadInput
from drift.sim.spec.drift import Drift

Engine = Literal["step", "leap"]
Wanted = Literal["auto", "step", "leap"]

_CLASSES = 1024
_ACCELERATED = 100


def has_monotone_steps(drift: Drift) -> bool:
    """Return whether a step is one function of a coordinate's value: equal tokens stay equal."""
    return drift.rounding != "stochastic" and drift.jitter == 0 and drift.master == "none"


def choose_engine(drift: Drift, wanted: str, platform: str, parts: int = 1) -> Engine:
    """Return the engine for a drift; raise BadInput where the wanted one does not apply.

    `parts` are the devices that share the tokens.
    """
    if wanted not in get_args(Wanted):
        raise BadInput(f"engine is {wanted!r}; it must be one of {', '.join(get_args(Wanted))}")
    missing = leap_unsupported_reason(drift)
    if wanted == "leap" and missing:
        raise BadInput(f"engine is leap, which does not support {missing}; step does")
    if wanted == "leap" and parts > 1:
        raise BadInput(f"engine is leap, which uses one device, not {parts}; step can use several")
    if wanted == "step" or missing or parts > 1:
        return "step"
    if wanted == "leap":
        return "leap"
    return "leap" if leap_cost(drift) < step_cost(drift, platform) else "step"


def leap_unsupported_reason(drift: Drift) -> str:
    """Return why the leap engine does not apply; empty where it does."""
    if drift.target == FLOAT32:
        return "float32, a lattice too fine for tables"
    if drift.master != "none":
        return "master weights"
    if drift.jitter > 0:
        return "jitter"
    return "stochastic rounding" if drift.rounding == "stochastic" else ""


def step_cost(drift: Drift, platform: str) -> float:
    """Return the cost of the step engine, in the units above."""
    steps, records = _until_rest(drift) if drift.schedule == "constant" else _all(drift)
    cost = drift.tokens * drift.dims * (steps + 10.0 * records)
    return cost if platform == "cpu" else cost / _ACCELERATED


def leap_cost(drift: Drift) -> float:
    """Return the cost of the leap engine, in the units above."""
    steps, records = _until_rest(drift)
    classes = drift.dims * min(drift.tokens, _CLASSES)
    cost = 30.0 * drift.tokens * drift.dims + 200.0 * classes * records
    if drift.schedule == "constant":
        return cost + 20.0 * drift.dims * (1 << drift.target.width)
    return cost + 2.0 * classes * steps


def _all(drift: Drift) -> tuple[int, int]:
    """Return the number of all steps, and of all records."""
    return drift.steps, len(drift.record_steps)


def _until_rest(drift: Drift) -> tuple[int, int]:
    """Return the steps and the records until all is at rest, roughly."""
    steps = min(drift.steps, 6 << drift.target.precision)
    return steps, sum(step <= steps for step in drift.record_steps) + (steps < drift.steps)
