"""A drift streamed into its store: each record is on disk before the next one begins."""

from collections.abc import Callable
from concurrent.futures import Executor

import numpy as np

from drift.sim import bits, interrupts
from drift.sim.counts import Counts
from drift.sim.simulation import Simulation
from drift.sim.state import State
from drift.sim.store import RunStore

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
    checkpoints = bits.Checkpoints(store, pool, checkpoint_seconds)
    done, begun = {counts.step for counts in store.records()}, "initial" in store.attrs
    ahead = {step for step in records if step not in done} | {drift.steps}
    if not begun:
        ahead.add(0)
    saved = checkpoints.latest() if begun else None
    if saved and saved[0] <= min(ahead):  # else records before it are lost
        simulation.resume(*saved)
    states, final = simulation.states(sorted(ahead)), None
    while True:
        with interrupts.waiting():  # a first signal waits for the record in hand
            state = next(states, None)
            if state is None:
                break
            step = state.counts.step
            store.still()
            if step in kept:
                _keep(store, kept.index(step), state, pool)
            if step == 0:
                store.update(initial=state.counts.as_json())
            if step in records and step not in done:
                done.add(step)
                store.write_record(records.index(step), state.counts)
                progress(state.counts, len(done), len(records))
            if step < drift.steps:
                checkpoints.save_if_due(step, state.seen.held)
        final = state.counts, state.populations
        del state  # its cloud, before the next one is made
    with interrupts.waiting():
        checkpoints.drop()
    assert final is not None, "the last step is always ahead"
    return final


def _keep(store: RunStore, snapshot: int, state: State, pool: Executor) -> None:
    """Write the codes of a snapshot, and who is present where tokens leave."""
    bits.write(store.array("bits"), snapshot, state.rows, pool)
    if store.has("present"):
        store.array("present")[snapshot] = state.seen.present.astype(np.int8)
