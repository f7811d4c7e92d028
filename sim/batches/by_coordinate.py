"""Small drifts whose clouds are moved side by side on a device, coordinate by coordinate.

It serves what has randomness of its own for each token, and what many values are left of in each
dimension.
"""

from concurrent.futures import ThreadPoolExecutor

import jax
import numpy as np

from drift.kernels.stepping.block import plain
from drift.sim import interrupts
from drift.sim.batches.stacked import StackedClouds
from drift.sim.batches.stacked_counts import StackedCounts
from drift.sim.counting.cells import Counts
from drift.sim.spec.drift import Drift


def count_by_coordinate(
    drifts: list[Drift], slots: int, on: jax.Device, pool: ThreadPoolExecutor
) -> list[dict[int, Counts]]:
    """Return the counts by step of each of `drifts`, which are of one group; `slots` go together.

    Raises BadInput as sim.engines.simulation does.
    """
    parts = [drifts[start : start + slots] for start in range(0, len(drifts), slots)]
    moved = pool.map(lambda part: _count_stacked(part, slots, on), parts)
    return [counts for each in moved for counts in each]


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
