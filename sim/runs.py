"""A drift streamed into a store: begun, resumed, finished.

Each record is on disk before the next one begins. A run that was interrupted or
killed goes on from its last checkpoint (or from its cloud, drawn again) and ends
with the arrays that an undisturbed run writes.
"""

import time
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from sim import bits, compilation, device, fit, layout
from sim.chunks import Chunks
from sim.counts import Counts, State
from sim.errors import BadInput
from sim.simulation import Simulation
from sim.spec import Drift
from sim.store import RunStore, replace

Progress = Callable[[Counts, int, int], None]
"""Told of each record: its counts, how many are done, how many there are."""


def run(
    drift: Drift,
    out: Path,
    *,
    on: str = "auto",
    overwrite: bool = False,
    progress: Progress = lambda counts, done, total: None,
    checkpoint_seconds: float = 30.0,
    chunk_bytes: int = 16 << 20,
) -> dict[str, Any]:
    """Run `drift` into the store `out` and return what `drift run --json` prints.

    `on` is auto, cpu, gpu or tpu. Raises BadInput, with nothing written, for a
    drift that leaves the format's range or does not fit, a device that is not
    there, and an `out` that is complete (unless `overwrite`), that belongs to
    another spec, or that is no drift store.
    """
    began, compiled = time.monotonic(), compilation.seconds()
    resuming = _resumable(drift, out, overwrite)
    fit.check(drift, out)
    chosen = device.find(on)
    workers = device.workers(chosen)
    with ThreadPoolExecutor(workers) as pool:
        chunks = Chunks.plan(drift.tokens, drift.dims, workers, chunk_bytes)
        simulation = Simulation(drift, chunks, chosen, pool)
        if not resuming:
            _begin(out, simulation, _origin(chosen))
        store = RunStore(out, writing=True)
        if not np.array_equal(store.read("direction"), simulation.u):
            raise BadInput(
                f"{out} was begun with another direction than {drift.direction} gives;"
                f" --overwrite replaces it"
            )
        final = _go(simulation, store, pool, progress, checkpoint_seconds)
        seconds = {
            "total": time.monotonic() - began,
            "compile": compilation.seconds() - compiled,
        }
        store.finish(final.populations, final=final.counts.as_json(), seconds=seconds)
    return summary(store)


def summary(store: RunStore) -> dict[str, Any]:
    """What `drift run --json` prints of a complete store."""
    attrs = store.attrs
    final = {**attrs["final"], "populations": store.read("populations").tolist()}
    return {
        "spec": attrs["spec"],
        "engine": attrs["engine"],
        "device": attrs["device"],
        "initial": attrs["initial"],
        "final": final,
        "records": [counts.as_json() for counts in store.records()],
        "store": str(store.path),
        "seconds": attrs["seconds"],
    }


def _origin(chosen: Any) -> dict[str, Any]:
    packages = ("bf16-drift", "jax", "jaxlib", "numpy", "ml-dtypes", "zarr")
    return {
        "engine": "step",
        "device": {"platform": chosen.platform, "kind": chosen.device_kind},
        "versions": {name: version(name) for name in packages},
    }


def _begin(out: Path, simulation: Simulation, attributes: dict[str, Any]) -> None:
    """Put an empty store at `out`, in the place of what may be there."""
    new = out.with_name(out.name + ".new")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        layout.make(new, simulation.drift, simulation.u, attributes)
        replace(new, out)
    except OSError as error:
        raise BadInput(f"{out} can't be written: {error.strerror or error}") from error


def _resumable(drift: Drift, out: Path, overwrite: bool) -> bool:
    """Whether `out` holds the beginning of this run; BadInput where it is in the way."""
    if not out.exists():
        return False
    store = RunStore(out)
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


def _go(
    simulation: Simulation,
    store: RunStore,
    pool: Executor,
    progress: Progress,
    checkpoint_seconds: float,
) -> State:
    """Run from where the store stands to the last step, and return its state."""
    drift = simulation.drift
    records, kept = drift.record_steps, drift.snapshot_steps
    checkpoints = bits.Checkpoints(store, pool, checkpoint_seconds)
    done = {counts.step for counts in store.records()}
    begun = "initial" in store.attrs
    saved = checkpoints.latest() if begun else None
    if saved:
        simulation.resume(*saved)
    ahead = {step for step in records if step not in done} | {drift.steps}
    if not begun:
        ahead.add(0)
    state = None
    for state in simulation.states(sorted(ahead)):
        step = state.counts.step
        if step in kept:
            _keep(store, kept.index(step), state, pool)
        if step == 0:
            store.update(initial=state.counts.as_json())
        if step in records and step not in done:
            store.write_record(records.index(step), state.counts)
            done.add(step)
            progress(state.counts, len(done), len(records))
        if step < drift.steps:
            checkpoints.save_if_due(step, state.seen.held)
    checkpoints.drop()
    assert state is not None, "the last step is always ahead"
    return state


def _keep(store: RunStore, snapshot: int, state: State, pool: Executor) -> None:
    """Write the codes of a snapshot, and who is present where tokens leave."""
    bits.write(store.array("bits"), snapshot, state.rows, pool)
    if "present" in store.group:
        store.array("present")[snapshot] = state.seen.present.astype(np.int8)
