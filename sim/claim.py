"""May a run be written where it is asked to be?

A place is free, or holds the unfinished beginning of this very run, which is
then resumed. Anything else is refused, and nothing that drift did not write is
ever replaced.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any

import numpy as np

from drift.sim import interrupts, layout, lock
from drift.sim.errors import BadInput, Damaged, NotBegun, unwritten
from drift.sim.places import Address
from drift.sim.simulation import Simulation
from drift.sim.spec import Drift
from drift.sim.store import RunStore


def look(drift: Drift, out: Address, overwrite: bool) -> None:
    """Raise BadInput where it is known already that it may not: before a cloud is drawn."""
    resumable(drift, out, overwrite)
    if lock.is_held(out):
        raise BadInput(lock.taken(out))


@contextmanager
def claimed(
    simulation: Simulation, out: Address, overwrite: bool, attributes: dict[str, Any]
) -> Iterator[RunStore]:
    """The store at `out`, for a block to write: the beginning of this run, or an empty one.

    `attributes` say by what it is made. Raises BadInput as `resumable` does, and where
    another process has it.
    """
    with lock.held(out) as still:
        resuming = resumable(simulation.drift, out, overwrite)
        if not resuming:
            with interrupts.waiting():
                begin(out, simulation, attributes)
        store = RunStore(out, writing=True, still=still)
        if resuming:
            check_inputs(store, simulation, "--overwrite replaces it")
            out.clean()
            try:
                store.update(engine=attributes["engine"])
            except OSError as error:
                raise unwritten(out, error) from error
        yield store


def begin(out: Address, simulation: Simulation, attributes: dict[str, Any]) -> None:
    """Put an empty store at `out`, in the place of what may be there.

    Raises BadInput where it can't be written.
    """
    cloud = simulation.initial
    known = {"cloud": cloud.facts} if cloud.facts else {}
    with out.begin({**attributes, **known, **layout.FIRST}) as group:
        layout.fill(group, simulation.drift, simulation.u, cloud.token_ids)


def resumable(drift: Drift, out: Address, overwrite: bool) -> bool:
    """Whether `out` holds the beginning of this run; BadInput where it is in the way.

    Raises Damaged for a store that is damaged, unless `overwrite`.
    """
    if not out.exists():
        return False
    try:
        store = RunStore(out)
        store.records()
    except NotBegun:
        return False
    except Damaged as error:
        if overwrite:
            return False
        raise Damaged(f"{error}; --overwrite replaces it") from error
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


def check_inputs(store: RunStore, simulation: Simulation, then: str) -> None:
    """Raise BadInput where the rows or the direction are others than the run was begun with.

    `then` says what follows.
    """
    drift = simulation.drift
    if drift.origin is not None and store.attrs["cloud"] != simulation.initial.facts:
        found = f"with other rows than {drift.origin.path} holds now"
    elif not np.array_equal(store.read("direction"), simulation.u):
        found = f"with another direction than {drift.direction} gives"
    else:
        return
    raise BadInput(f"{store.address} was begun {found}; {then}")
