"""Which drifts make sense: each rule names what was found and what is accepted."""

import itertools
import math
from typing import TYPE_CHECKING, get_args

from drift.kernels.formats import FORMATS, Rounding
from drift.sim.errors import BadInput
from drift.sim.streams import MOST_SEED

if TYPE_CHECKING:
    from drift.sim.spec import Drift, Origin

SMALLEST_SIGMA = 2.0**-100
MOST_JITTER = 10.0
"""Beyond it most tokens would run ten times too far, half of them backwards."""
MOST_RECORDS = 100_000
MOST_STEPS = 2**63 - 1
"""What an integer of a store holds."""


def check_cloud(drift: "Drift") -> None:
    """Raise BadInput unless the cloud is either drawn, within bounds, or a checkpoint's."""
    if drift.origin is not None:
        if drift.sigma is not None:
            raise BadInput(f"sigma is {drift.sigma:g} with --from; it is for a drawn cloud alone")
        return
    if drift.sigma is None:
        raise BadInput("no cloud is named; --sigma draws one, --from takes a checkpoint's rows")
    if not (math.isfinite(drift.sigma) and drift.sigma > 0):
        raise BadInput(f"sigma is {drift.sigma:g}; it must be positive and finite")
    if drift.sigma < SMALLEST_SIGMA:
        raise BadInput(f"sigma is {drift.sigma:g}; the smallest is 2**-100, about 7.9e-31")
    if drift.direction == "centroid":
        raise BadInput("direction is centroid; it is for a cloud of a checkpoint's rows, --from")


def check_origin(origin: "Origin") -> None:
    """Raise BadInput for a selection of which a half is missing, or out of bounds."""
    if (origin.near is None) != (origin.exponents is None):
        given = "exponents" if origin.near is None else "near"
        raise BadInput(
            f"{given} is {getattr(origin, given)}, alone; near names a token, exponents how far"
            " from its size others may be"
        )
    if origin.exponents is not None and origin.exponents < 0:
        raise BadInput(f"exponents is {origin.exponents}; it must be 0 or more")


def check_numbers(drift: "Drift") -> None:
    """Raise BadInput for a number that is out of bounds."""
    if not (math.isfinite(drift.radius) and drift.radius >= 0):
        raise BadInput(f"radius is {drift.radius:g}; it must be 0 or more, and finite")
    for name in ("tokens", "dims", "steps", "records"):
        if getattr(drift, name) < 1:
            raise BadInput(f"{name} is {getattr(drift, name)}; it must be 1 or more")
    if drift.steps > MOST_STEPS:
        raise BadInput(f"steps is {drift.steps}; it must be in 1 ... 2**63 - 1")
    for name in ("seed", "direction_seed"):
        if not 0 <= getattr(drift, name) <= MOST_SEED:
            raise BadInput(f"{name} is {getattr(drift, name)}; it must be in 0 ... 2**64 - 1")
    if not 0 < drift.decay < 1:
        raise BadInput(f"decay is {drift.decay:g}; it must be between 0 and 1, both excluded")
    if not 0 <= drift.jitter <= MOST_JITTER:
        raise BadInput(f"jitter is {drift.jitter:g}; it must be in 0 ... {MOST_JITTER:g}")
    if drift.survivors is not None and not 1 <= drift.survivors <= drift.tokens:
        raise BadInput(f"survivors is {drift.survivors}; it must be in 1 ... {drift.tokens}")


def check_choices(drift: "Drift") -> None:
    """Raise BadInput, listing what is known, for a name that is not."""
    from drift.sim.spec import Master, Schedule, Snapshots

    known = {
        "format": tuple(FORMATS),
        "rounding": get_args(Rounding),
        "schedule": get_args(Schedule),
        "master": get_args(Master),
        "snapshots": get_args(Snapshots),
    }
    for name, names in known.items():
        if getattr(drift, name) not in names:
            found = getattr(drift, name)
            raise BadInput(f"{name} is {found!r}; it must be one of {', '.join(names)}")
    if drift.master != "none" and drift.rounding != "nearest":
        raise BadInput(
            f"rounding is {drift.rounding} with master {drift.master};"
            f" a master's view is rounded to nearest"
        )


def check_records(drift: "Drift") -> None:
    """Raise BadInput for record steps that are outside the drift, repeated or too many."""
    if drift.at is None:
        if min(drift.records, drift.steps) > MOST_RECORDS:
            raise BadInput(f"records is {drift.records}; at most {MOST_RECORDS} are kept")
        return
    if not drift.at:
        raise BadInput("at is empty; it must name one step or more")
    if drift.at[0] < 0 or drift.at[-1] > drift.steps:
        wrong = drift.at[0] if drift.at[0] < 0 else drift.at[-1]
        raise BadInput(f"at names step {wrong}; it must be in 0 ... {drift.steps}")
    for step, following in itertools.pairwise(drift.at):
        if step == following:
            raise BadInput(f"at names step {step} twice; each step is recorded once")
