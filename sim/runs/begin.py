"""The store of a run, begun or found: as the beginning of the same run, or as all of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import zarr

from drift.sim import interrupts
from drift.sim.clouds.initial import same_rows
from drift.sim.engines.simulation import Simulation
from drift.sim.errors import BadInput, unwritten
from drift.sim.spec.drift import Drift
from drift.sim.spec.motion_rules import TABLE, USED, kind_of
from drift.sim.stores import lock, run_layout
from drift.sim.stores.layouts import told
from drift.sim.stores.location import StoreLocation
from drift.sim.stores.resume import held
from drift.sim.stores.run_store import RunStore


@contextmanager
def open_or_create(
    simulation: Simulation, out: StoreLocation, overwrite: bool, attributes: dict[str, Any]
) -> Iterator[RunStore]:
    """The store at `out`, for a block to write: the beginning of this run, or an empty one.

    `attributes` say by what it is made. Raises BadInput as `resumable` does, and where
    another process has it.
    """
    with lock.held(out) as still:
        resuming = resumable(simulation.drift, out, overwrite)
        if resuming and RunStore(out).complete:
            raise BadInput(f"{out} was completed meanwhile by another process; run it again")
        made = None
        if not resuming:
            with interrupts.delay_signals():
                made = create(out, simulation, attributes)
        store = RunStore(out, writing=True, still=still)
        if made is not None:
            store.adopt(*made)
            made = None  # all of it may be in memory
        else:
            out.clean()
            found = simulation.u, simulation.initial.token_ids, arrays_of(simulation)
            for name, values in run_layout.coordinates(simulation.drift, *found).items():
                store.mend(name, partial(run_layout.write_again, store.group, name, values))
            check_inputs(store, simulation, "--overwrite replaces it")
            try:
                store.update(engine=attributes["engine"])
            except OSError as error:
                raise unwritten(out, error) from error
        yield store


def create(
    out: StoreLocation, simulation: Simulation, attributes: dict[str, Any]
) -> tuple[zarr.Group, dict[str, zarr.Array]]:
    """Put an empty store at `out`, in the place of what may be there; return what it was made of.

    Raises BadInput where it can't be written.
    """
    cloud = simulation.initial
    motion = simulation.motion
    known = {"cloud": cloud.facts, "motion": motion.facts}
    about = {name: each for name, each in known.items() if each}
    with out.begin(told.written({**attributes, **about, **run_layout.FIRST})) as group:
        more = cloud.token_ids, arrays_of(simulation)
        made = run_layout.fill(group, simulation.drift, motion.u, *more)
    return group, made


def resumable(drift: Drift, out: StoreLocation, overwrite: bool) -> bool:
    """Return whether `out` holds this run, or its beginning; BadInput where it is in the way.

    Raises Damaged for a store that is damaged, unless `overwrite`.
    """
    return held(RunStore, out, drift.as_json(), overwrite) is not None


def finished(drift: Drift, out: StoreLocation, overwrite: bool) -> RunStore | None:
    """Return the store of this run where all of it is there, and None where work is left.

    Raises BadInput where it is known already that `out` may not be written: before a cloud is
    drawn.
    """
    store = held(RunStore, out, drift.as_json(), overwrite)
    if store is not None and store.complete:
        return store
    if lock.is_held(out):
        raise BadInput(lock.taken(out))
    return None


def rests_on_files(drift: Drift) -> bool:
    """Return whether a spec names files, which may hold something else than when it was run."""
    named = drift.direction.endswith(".npy") or isinstance(drift.gradient, str)
    return drift.origin is not None or named or kind_of(drift.motion) == TABLE


def arrays_of(simulation: Simulation) -> dict[str, np.ndarray]:
    """Return the arrays that a store keeps of motion and cloud beside u, by their names."""
    centre = simulation.initial.centre
    return {**simulation.motion.arrays, **({} if centre is None else {run_layout.CENTRE: centre})}


def check_inputs(store: RunStore, simulation: Simulation, then: str) -> None:
    """Raise BadInput where rows, centre or direction are others than the run was begun with.

    `then` says what follows.
    """
    drift = simulation.drift
    if drift.origin is not None and not same_rows(store.attrs["cloud"], simulation.initial.facts):
        found = f"with other rows than {drift.origin.path} holds now"
    elif store.attrs.get("motion", {}) != simulation.motion.facts:
        found = f"with another {drift.motion} than there is now"
        if drift.motion in USED:
            found = f"with other sizes of the gradient than {drift.gradient} holds now"
    elif not np.array_equal(store.read("direction"), simulation.u, equal_nan=True):
        found = f"with another direction than {drift.direction} gives"
    elif drift.centre is not None and not np.array_equal(
        store.read(run_layout.CENTRE), arrays_of(simulation)[run_layout.CENTRE]
    ):
        found = f"with another centre than {drift.centre} gives"
    else:
        return
    raise BadInput(f"{store.address} was begun {found}; {then}")
