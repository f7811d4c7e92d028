"""Small drifts of one group, moved and counted together: one alone leaves a processor idle.

group    drifts that can be handed over together (sim.batches.sizing.group_key)
replica  one of the drifts that are moved in one call (sim.batches.stacked)
shared   the motion of drifts whose displacements are equal too; many of them are moved by
         value (sim.batches.shared_motion)

Every count has the bits that sim.engines.simulation gives, which also takes each drift that is
too large for a batch, or leaps.
"""

from concurrent.futures import ThreadPoolExecutor

import jax
import numpy as np

from drift.kernels.stepping.block import plain
from drift.sim import interrupts
from drift.sim.batches import shared_motion, sizing
from drift.sim.batches.shared_motion import SharedStart
from drift.sim.batches.sizing import displacement_key, worth_sharing
from drift.sim.batches.stacked import StackedClouds, StackedCounts
from drift.sim.counting.cells import Counts
from drift.sim.devices.device import worker_count
from drift.sim.devices.shards import Shards
from drift.sim.engines import choose
from drift.sim.engines.chunks import Chunks
from drift.sim.engines.simulation import Simulation, State
from drift.sim.spec.drift import Drift, recorded


def batch_size(drift: Drift, on: jax.Device | Shards, engine: str = "auto") -> int:
    """Return how many drifts of its group are best handed over at once: sim.batches.sizing."""
    shards = Shards.of(on)
    return sizing.batch_size(
        drift, shards.platform, len(shards), worker_count(shards.devices[0]), engine
    )


def count_batch(
    drifts: list[Drift],
    on: jax.Device | Shards,
    pool: ThreadPoolExecutor,
    engine: str = "auto",
) -> list[list[Counts]]:
    """Return the records of each of `drifts`, which are of one group; all of them, also repeats.

    `pool` has a thread for each of the device's workers; several devices share each
    drift. Raises BadInput for a drift that leaves its format's range (handed over one by one,
    the faulty one is found) and where `engine`, as in drift.run, does not apply.
    """
    shards, steps = Shards.of(on), _all_records(drifts[0])
    slots = sizing.slots(drifts[0], shards.platform, len(shards), engine)
    if slots == 1:
        found = [_alone(drift, shards, pool, engine) for drift in drifts]
    else:
        found = _by_motion(drifts, slots, shards.devices[0], pool)
    return [[counts[step] for step in steps] for counts in found]


def _by_motion(
    drifts: list[Drift], slots: int, on: jax.Device, pool: ThreadPoolExecutor
) -> list[dict[int, Counts]]:
    """Count each drift by step: first those that share their motion, then the others."""
    groups: dict[object, list[int]] = {}
    for k, drift in enumerate(drifts):
        groups.setdefault(displacement_key(drift), []).append(k)
    found: list[dict[int, Counts]] = [{} for _ in drifts]
    others = []
    for group in groups.values():
        if on.platform == "cpu" and worth_sharing(drifts[group[0]], len(group)):
            # From this thread alone: two would wait for each other at every small array.
            shared = shared_motion.count_shared(SharedStart([drifts[k] for k in group]))
            for k, counts in zip(group, shared, strict=True):
                found[k] = counts
        else:
            others += group
    parts = [sorted(others)[start : start + slots] for start in range(0, len(others), slots)]
    moved = pool.map(lambda part: _count_stacked([drifts[k] for k in part], slots, on), parts)
    for part, each in zip(parts, moved, strict=True):
        for k, counts in zip(part, each, strict=True):
            found[k] = counts
    return found


def _all_records(drift: Drift) -> tuple[int, ...]:
    """Return the steps of all records, repeats too."""
    return drift.at if drift.at is not None else recorded(drift.steps, drift.records)


def _alone(
    drift: Drift, shards: Shards, pool: ThreadPoolExecutor, engine: str
) -> dict[int, Counts]:
    """Count one drift by step, as `drift run` does."""
    chunks = Chunks.plan(
        drift.tokens, drift.dims, worker_count(shards.devices[0]), devices=len(shards)
    )
    name = choose.choose_engine(drift, engine, shards.platform, len(shards))
    simulation = Simulation(drift, chunks, shards, pool, name)
    found = {}
    for state in simulation.states_and_pauses(drift.record_steps):
        if isinstance(state, State):
            found[state.counts.step] = state.counts
        interrupts.give_up_if_pending()
    return found


def _count_stacked(drifts: list[Drift], slots: int, on: jax.Device) -> list[dict[int, Counts]]:
    """Count each drift by step, all clouds moved in one call."""
    clouds, first = StackedClouds(drifts, slots, on, plain(on.platform)), drifts[0]
    stacked_counts = StackedCounts(clouds.replicas)
    found: list[dict[int, Counts]] = [{} for _ in drifts]
    moving = [each.motion.moving_dims for each in clouds.replicas]
    may_rest = clouds.replicas[0].motion.may_rest
    stalled_at_end = np.array(moving) * first.tokens
    stalled, at_rest, result = np.zeros(len(drifts), np.int64), False, None
    leaving = first.survivors is not None
    for step in first.record_steps:
        if leaving and not at_rest and not clouds.reaches(step):
            clouds.observe_only(0)  # those that leave move on: only all tokens can tell of rest
        moved = result is None
        while clouds.step < step and not at_rest:
            interrupts.give_up_if_pending()
            last = clouds.reaches(step)
            if leaving and last:
                clouds.observe_only(step)
            result, moved = clouds.move(step), True
            stalled = np.asarray(result.stalled)[: len(drifts)].sum(axis=1, dtype=np.int64)
            everyone = not (leaving and last)
            at_rest = everyone and may_rest and np.array_equal(stalled, stalled_at_end)
        if leaving and at_rest:
            clouds.observe_only(step)
            result, moved = clouds.stay(), True
            stalled = stalled_at_end // first.tokens * first.alive(step)
        elif result is None or (moved and clouds.step < step):
            result = clouds.stay()  # nothing has been observed yet, or not since all is at rest
        for mine, one in zip(
            found, stacked_counts.counts(step, result, stalled, moved), strict=True
        ):
            mine[step] = one
    return found
