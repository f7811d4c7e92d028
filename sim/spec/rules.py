"""Rules that tie two fields of a drift together; the rules of a single field are in its row."""

import itertools
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from drift.sim.array_text import DIGEST
from drift.sim.errors import BadInput, printable
from drift.sim.spec.motion_rules import check_given
from drift.sim.spec.origin import Origin

if TYPE_CHECKING:
    from drift.sim.spec.drift import Drift

MOST_RECORDS = 100_000
_SHOWN = 5
"""Values of a field that a line shows."""


def check_names(spec: Any, known: Collection[str], where: str) -> None:
    """Raise BadInput, which begins with `where`, for a JSON value that is no object of fields."""
    if not isinstance(spec, dict):
        raise BadInput(f"{where} is not a spec: a JSON object with a drift's fields is needed")
    for name in spec:
        if name not in known:
            accepted = ", ".join(known)
            raise BadInput(f"{where} has {printable(repr(name))}; a spec has {accepted}")


def check_used(given: Mapping[str, Collection[Any]]) -> None:
    """Raise BadInput for a field that was given and that changes nothing beside the others.

    `given` has the values of the fields that were given, by their JSON names; others have their
    defaults.
    """
    check_given(given)
    schedules, directions = given.get("schedule", ["constant"]), given.get("direction", ["random"])
    random = (
        any(given.get("jitter", [0]))
        or any(given.get("noise", [0]))
        or any(kept is not None for kept in given.get("survivors", [None]))
        or "stochastic" in given.get("rounding", ["nearest"])
    )
    walks = any(each != 1 for each in given.get("autocorrelation", [1]))
    named = f"schedule {', '.join(schedules)}", f"direction {', '.join(map(str, directions))}"
    rows = (
        "--from, whose rows are not drawn; jitter, noise, survivors and stochastic rounding use it"
    )
    for name, unused, beside in (
        ("records", "at" in given, "--at, which names the steps themselves"),
        ("decay", "exponential" not in schedules, f"{named[0]}; it is for exponential"),
        (
            "direction_seed",
            "random" not in directions and not walks,
            f"{named[1]}; it is for random",
        ),
        ("seed", "from" in given and not random, rows),
    ):
        if name in given and unused:
            values = ", ".join(str(value) for value in itertools.islice(given[name], _SHOWN))
            raise BadInput(f"{name} is {values} with {beside}")


def check_cloud(drift: "Drift") -> None:
    """Raise BadInput unless the cloud is either drawn or a checkpoint's, and u goes with it."""
    if not isinstance(drift.origin, Origin | None):
        raise BadInput(f"origin is {drift.origin!r}; it must be a drift.Origin, or None")
    if drift.origin is not None and drift.sigma is not None:
        raise BadInput(f"sigma is {drift.sigma:g} with --from; it is for a drawn cloud alone")
    if drift.origin is None and drift.sigma is None:
        raise BadInput("no cloud is named; --sigma draws one, --from takes a checkpoint's rows")
    if drift.origin is not None and (drift.centre is not None or drift.shape != "normal"):
        given = "shape" if drift.centre is None else "centre"
        value = printable(str(getattr(drift, given)))
        raise BadInput(f"{given} is {value} with --from; it is for a drawn cloud alone")
    if drift.centre is not None:
        _check_centre(drift, drift.centre)
    if drift.origin is None and drift.direction == "centroid":
        raise BadInput("direction is centroid; it is for a cloud of a checkpoint's rows, --from")
    if drift.direction.startswith(DIGEST):
        u = getattr(drift.direction, "u", None)  # a text alone has none: out of JSON
        if u is not None and u.shape != (drift.dims,):
            raise BadInput(
                f"direction is an array of shape {u.shape}; it must be ({drift.dims},), as dims is"
            )


def _check_centre(drift: "Drift", centre: str) -> None:
    values = getattr(centre, "values", None)  # a text alone has none
    if values is not None and values.shape != (drift.dims,):
        raise BadInput(
            f"centre is an array of shape {values.shape}; it must be ({drift.dims},), as dims is"
        )


def check_motion(drift: "Drift") -> None:
    """Raise BadInput for more survivors than tokens, and for what does not go with a master."""
    if drift.survivors is not None and drift.survivors > drift.tokens:
        raise BadInput(f"survivors is {drift.survivors}; it must be in 1 ... {drift.tokens}")
    if drift.master != "none" and drift.rounding != "nearest":
        raise BadInput(
            f"rounding is {drift.rounding} with master {drift.master};"
            f" a master's view is rounded to nearest"
        )
    if drift.master != "none" and drift.kahan:
        raise BadInput(
            f"kahan is on with master {drift.master}; each keeps what rounding would take: only one"
            " of them is used"
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


@lru_cache
def recorded(steps: int, records: int) -> tuple[int, ...]:
    """Return the steps of `records` + 1 records, floor(k * steps / records + 1/2).

    Some may repeat.
    """
    return tuple((2 * k * steps + records) // (2 * records) for k in range(records + 1))
