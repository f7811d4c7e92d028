"""A drift streamed into a store: begun, resumed, finished.

Records are on disk within about a second. A signal is heard between two blocks of
steps, where a checkpoint is kept then. A run that was interrupted or killed goes on from its
last checkpoint (or from its cloud, made again) and ends with the arrays that an undisturbed
run writes.
"""

import dataclasses
import os
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from typing import Any

import numpy as np

from drift.sim import interrupts
from drift.sim.counting.cells import Counts
from drift.sim.devices import compilation, device
from drift.sim.engines.simulation import Pause, Simulation, State
from drift.sim.errors import unwritten
from drift.sim.motions import save
from drift.sim.results.notebook import NotebookBar
from drift.sim.runs import snapshots
from drift.sim.runs.begin import check_inputs, finished, open_or_create, rests_on_files
from drift.sim.runs.prepare import prepare
from drift.sim.runs.ran import Ran
from drift.sim.spec.drift import Drift
from drift.sim.stopwatch import Stopwatch
from drift.sim.stores.locate import locate
from drift.sim.stores.location import AnyLocation, StoreLocation
from drift.sim.stores.run_store import RunStore

Progress = Callable[[Counts, int, int], None]
"""Told of each record: its counts, how many are done, how many there are."""


def stream(
    simulation: Simulation,
    store: RunStore,
    pool: Executor,
    progress: Progress,
    checkpoint_seconds: float,
) -> tuple[Counts, np.ndarray]:
    """Run from where the store stands to the last step; its counts and populations."""
    drift = simulation.drift
    records, kept = drift.record_steps, drift.snapshot_steps
    checkpoints = snapshots.ResumePoints(store, pool, checkpoint_seconds)
    writing = partial(simulation.watch.timing, "write")
    done, begun = {counts.step for counts in store.records()}, "initial" in store.attrs
    ahead = ({*records} - done) | ({*kept} - store.snapshots()) | {drift.steps}
    if not begun:
        ahead.add(0)
    saved = checkpoints.latest() if begun else None
    resumed = -1
    if saved and saved[0] <= min(ahead):  # else records before it are lost
        resumed = saved[0]
        simulation.resume(*saved)
    # What is counted since a record needs that record too.
    before = {records[at - 1] for step in ahead if (at := bisect_left(records, step))}
    again = {step for step in before if step > resumed} - ahead
    states, final = simulation.states_and_pauses(sorted(ahead | again)), None
    with _flushed(store):
        while True:
            with interrupts.delay_signals():  # a first signal waits for the steps in hand
                state = next(states, None)
                if state is None:
                    break
                store.still()
                if isinstance(state, Pause):
                    with writing():
                        checkpoints.save_if_due(state.step, state, simulation.since)
                    continue
                step = state.counts.step
                if step in again:
                    continue
                recorded = step in records and step not in done
                with writing():
                    if step in kept:
                        _keep(store, kept.index(step), state, pool)
                    if step == 0:
                        store.update(initial=state.counts.as_json())
                    if recorded:
                        done.add(step)
                        store.put_record(records.index(step), state.counts)
                if recorded:
                    progress(state.counts, len(done), len(records))
                if step < drift.steps:
                    with writing():
                        checkpoints.save_if_due(step, state, simulation.since)
            final = state.counts, state.populations
            del state  # its cloud, before the next one is made
    with interrupts.delay_signals(), writing():
        checkpoints.drop()
    assert final is not None, "the last step is always ahead"
    return final


@contextmanager
def _flushed(store: RunStore) -> Iterator[None]:
    """Write what was counted where the block is left by an error, or a signal."""
    try:
        yield
    except BaseException:
        with interrupts.delay_signals(), suppress(OSError):
            store.still()
            store.flush()
        raise


def _keep(store: RunStore, snapshot: int, state: State, pool: Executor) -> None:
    """Write the codes of a snapshot, and who is present where tokens leave."""
    snapshots.write_codes(store.array("bits"), snapshot, state.rows, pool)
    if store.has("present"):
        store.array("present")[snapshot] = state.observation.present.astype(np.int8)


_GOES_ON = "; what is recorded is kept, and the same command goes on"


def run(
    drift: Drift,
    out: AnyLocation,
    *,
    on: str = "auto",
    engine: str = "auto",
    overwrite: bool = False,
    progress: Progress | None = None,
    checkpoint_seconds: float = 30.0,
    chunk_bytes: int = 16 << 20,
    devices: int = 1,
    memory: int | None = None,
    like: RunStore | None = None,
    save_motion: str | os.PathLike[str] | None = None,
) -> Ran:
    """Run `drift` into the store `out` and return its result, which has it as `store`.

    `out` is a path, or text: a path, or s3://BUCKET/NAME.
    `on` is auto, cpu, gpu or tpu; the dims are shared by `devices` of these. On
    the CPU they are virtual, and more than JAX has are made if it was not used
    before. `engine` is auto, step or leap, which give the same bits. `memory` is the
    host memory that may be used, in bytes; by default what is free. `like` is a store
    whose rows and direction must be met. `save_motion` names a .npy file for the displacements,
    float32 (steps, dims), which is a motion itself. Without `progress` a bar is shown in notebooks.
    An `out` that is complete, of the same spec, is returned as it is, and one that is not goes on.
    Raises BadInput, with nothing written, for a drift that leaves the format's range or does not
    fit, a device that is not there, an engine that does not apply, and an `out` that belongs to
    another spec (unless `overwrite`), that is no drift store, or that another process writes;
    Unfinished where the disk is full, or memory runs out. The same call goes on then.

        >>> import drift
        >>> found = drift.run(drift.Drift(sigma=1e-6, tokens=100, dims=32), "first.zarr")
        >>> found.final.distinct, found.populations[:3].tolist(), found.store.complete
        (27, [21, 13, 10], True)
    """
    compilation.release_programs()
    began, compiled = time.monotonic(), compilation.seconds()
    out = locate(out)
    device.request_devices(devices)
    done = finished(drift, out, overwrite)
    if done is not None and like is None and save_motion is None and not rests_on_files(drift):
        return Ran.of(done, was_complete=True)
    options: dict[str, Any] = {"on": on, "engine": engine, "chunk_bytes": chunk_bytes}
    with ExitStack() as held:
        bar = held.enter_context(NotebookBar(f"drift to {out}"))
        made = held.enter_context(
            prepare(drift, out, **options, devices=devices, memory=memory, then=_GOES_ON)
        )
        simulation, pool = made.simulation, made.pool
        if save_motion is not None:
            save.save_motion(simulation.motion, save_motion)
        if like is not None:
            check_inputs(like, simulation, "its spec can't be run again")
        if done is not None:
            check_inputs(done, simulation, "--overwrite replaces it")
            return Ran.of(done, was_complete=True)
        seconds = partial(_seconds, simulation.watch, began, compiled)
        with simulation.watch.timing("write"):
            store = held.enter_context(open_or_create(simulation, out, overwrite, made.about))
        with _writing(out):
            final, populations = stream(
                simulation, store, pool, progress or bar.record, checkpoint_seconds
            )
            with interrupts.delay_signals(), simulation.watch.timing("write"):
                store.still()
                store.finish(populations, final=final.as_json(), seconds=seconds())
        with simulation.watch.timing("write"):
            found = Ran.of(store)
        # The store was told before its last write, and before it was read again.
        return dataclasses.replace(found, seconds=seconds())


def _seconds(watch: Stopwatch, began: float, compiled: float) -> dict[str, float]:
    """Return what a run has taken since `began`, where `compiled` had gone into programs."""
    total, parts = time.monotonic() - began, watch.seconds
    compiling = min(total, compilation.seconds() - compiled)
    return {"total": total, "compile": compiling, "start": total - sum(parts.values()), **parts}


@contextmanager
def _writing(out: StoreLocation) -> Iterator[None]:
    """A store that can't be written to any more: what to say, and how to go on."""
    try:
        yield
    except OSError as error:
        raise unwritten(out, error, _GOES_ON) from error
