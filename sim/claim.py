"""May a run be written where it is asked to be?

A place is free, or holds the unfinished beginning of this very run, which is
then resumed. Anything else is refused, and nothing that drift did not write is
ever replaced.
"""

from importlib.metadata import version
from typing import Any

import numpy as np

from sim import layout
from sim.errors import BadInput, NotBegun
from sim.places import Address
from sim.simulation import Simulation
from sim.spec import Drift
from sim.store import RunStore


def begin(out: Address, simulation: Simulation, attributes: dict[str, Any]) -> None:
    """Put an empty store at `out`, in the place of what may be there.

    Raises BadInput where it can't be written.
    """
    cloud = simulation.initial
    known = {"cloud": cloud.facts} if cloud.facts else {}
    with out.begin({**attributes, **known, **layout.FIRST}) as group:
        layout.fill(group, simulation.drift, simulation.u, cloud.token_ids)


def resumable(drift: Drift, out: Address, overwrite: bool) -> bool:
    """Whether `out` holds the beginning of this run; BadInput where it is in the way."""
    if not out.exists():
        return False
    try:
        store = RunStore(out)
    except NotBegun:
        return False
    if overwrite:
        return False
    if store.complete:
        raise BadInput(f"{out} is complete; --overwrite runs it again, --out names another place")
    mine, theirs = drift.as_json(), store.attrs["spec"]
    differing = [name for name in mine if mine[name] != theirs.get(name)]
    if differing:
        name = differing[0]
        raise BadInput(
            f"{out} is an unfinished run with {name} {theirs.get(name)}, not {mine[name]};"
            f" --overwrite replaces it"
        )
    made_by, this = store.attrs["versions"]["bf16-drift"], version("bf16-drift")
    if made_by != this:
        raise BadInput(
            f"{out} was begun by version {made_by}, this is {this}; --overwrite replaces it"
        )
    return True


def check_cloud(store: RunStore, simulation: Simulation) -> None:
    """Raise BadInput where a checkpoint's rows changed since the run was begun."""
    origin = simulation.drift.origin
    if origin is not None and store.attrs["cloud"] != simulation.initial.facts:
        raise BadInput(
            f"{store.address} was begun with other rows than {origin.path} holds now;"
            " --overwrite replaces it"
        )


def check_direction(store: RunStore, simulation: Simulation) -> None:
    """Raise BadInput where a direction file changed since the run was begun."""
    if not np.array_equal(store.read("direction"), simulation.u):
        raise BadInput(
            f"{store.address} was begun with another direction than"
            f" {simulation.drift.direction} gives; --overwrite replaces it"
        )
