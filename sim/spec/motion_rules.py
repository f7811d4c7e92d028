"""Rules of motions: the fields that each uses, and how they are tied together.

kind   straight, table (a file or an array of displacements), sgd or adamw
"""

import itertools
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from drift.sim.displacements.paths import is_table
from drift.sim.errors import BadInput, printable
from drift.sim.spec.fields import shown

if TYPE_CHECKING:
    from drift.sim.spec.drift import Drift

TABLE = "table"
_SHOWN = 5
"""Values of a field that a line shows."""
_ALONG = ("steps", "direction", "direction_seed")
_OPTIMIZER = (
    *_ALONG,
    *("lr", "lr_schedule", "warmup", "state", "fused"),
    *("gradient", "gradient_decay", "autocorrelation"),
)
USED = {
    "straight": (*_ALONG, "radius", "schedule", "decay"),
    TABLE: ("motion_tensor",),
    "sgd": (*_OPTIMIZER, "momentum", "dampening", "nesterov"),
    "adamw": (*_OPTIMIZER, "beta1", "beta2", "eps"),
}
"""The fields that are used by some kinds of motion and not by others, by kind."""
_SOME = {name for names in USED.values() for name in names}


def kind_of(motion: str) -> str:
    """Return the kind of a motion."""
    return motion if motion in USED else TABLE


def unused_fields(motion: str, decays: bool) -> set[str]:
    """Return the fields that a motion does not use; `decays` is true with a weight decay."""
    return _SOME - {*USED[kind_of(motion)], *(["fused"] if decays else [])}


def has_equal_steps(drift: "Drift") -> bool:
    """Return whether all steps of a drift are one function of the value."""
    straight = drift.motion == "straight" and drift.schedule == "constant"
    return straight and not (drift.weight_decay or drift.kahan or drift.noise)


def check_given(given: Mapping[str, Collection[Any]]) -> None:
    """Raise BadInput for a field that was given and that no motion of those given uses.

    `given` has the values of the fields that were given, by their JSON names.
    """
    motions = [str(each) for each in given.get("motion", ["straight"])]
    decays = any(given.get("weight_decay", [0]))
    unused = set.intersection(*(unused_fields(motion, decays) for motion in motions))
    for name in given:
        if name in unused:
            values = ", ".join(map(str, itertools.islice(given[name], _SHOWN)))
            raise BadInput(_refused(name, values, ", ".join(motions)))


def trusted(motion: str) -> str:
    """Return the motion of a spec that is whole: its table fits, and may be gone by now."""
    if type(motion) is not str or motion in USED or not is_table(motion):
        return motion
    from drift.sim.displacements.table import DisplacementTable

    return DisplacementTable(motion, trusted=True)


def settle_table(drift: "Drift") -> None:
    """Give a drift whose motion is a table as many steps as it has.

    Raises BadInput where the table can't be had, or is of another shape than the drift.
    """
    if drift.motion in USED:
        return
    from drift.sim.displacements.table import DisplacementTable  # late: it loads NumPy

    table = drift.motion
    assert isinstance(table, DisplacementTable), "what is no name is a table"
    if table.trusted:
        return
    steps, dims = table.rows(drift.motion_tensor).shape
    if dims != drift.dims:
        raise BadInput(
            f"{table.named} has {dims} dims in each step; dims is {drift.dims}, and must be as many"
        )
    if drift.steps not in (drift.__dataclass_fields__["steps"].default, steps):
        raise BadInput(_refused("steps", str(drift.steps), f"{table}, which has {steps} steps"))
    object.__setattr__(drift, "steps", steps)


def check_motion_fields(drift: "Drift") -> None:
    """Raise BadInput for fields that the motion does not use, and for those it can't do without."""
    kind = kind_of(drift.motion)
    for name in sorted(unused_fields(drift.motion, drift.weight_decay > 0) - {"steps"}):
        value = getattr(drift, name)
        if value != drift.__dataclass_fields__[name].default:
            raise BadInput(_refused(name, shown(value).strip("'"), drift.motion))
    if kind in ("straight", TABLE):
        if drift.weight_decay > 1:
            raise BadInput(f"weight_decay is {drift.weight_decay:g}; a step's decay is at most 1")
        return
    if drift.gradient is None:
        raise BadInput(f"motion is {kind} without a gradient; --gradient gives its size")
    if drift.warmup > drift.steps:
        raise BadInput(f"warmup is {drift.warmup}; it must be in 0 ... {drift.steps}, as steps is")
    if isinstance(drift.gradient, str) and drift.gradient_decay != 1:
        raise BadInput(
            f"gradient_decay is {drift.gradient_decay:g} with gradient {printable(drift.gradient)};"
            " it is for a number"
        )
    if drift.weight_decay * drift.lr > 1:
        raise BadInput(
            f"weight_decay is {drift.weight_decay:g} with lr {drift.lr:g}; a step's decay, their"
            " product, is at most 1"
        )
    if drift.nesterov and (drift.momentum == 0 or drift.dampening != 0):
        raise BadInput(
            f"nesterov is on with momentum {drift.momentum:g} and dampening {drift.dampening:g};"
            " it needs a momentum and no dampening"
        )


def _refused(name: str, value: str, motion: str) -> str:
    text = printable(motion)
    return f"{name} is {printable(value)} with motion {text}; that motion does not use {name}"
