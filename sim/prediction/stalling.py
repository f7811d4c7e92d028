"""The step at which each dimension stalls: the first that leaves the image of its centre there.

The centre of a cloud is 0, unless the drift has one.
"""

import numpy as np

from drift.kernels.stepping import host
from drift.kernels.value_map.classes import same_value
from drift.sim.devices import device
from drift.sim.motions.make import motion_of
from drift.sim.motions.motion import Motion
from drift.sim.prediction.starts import start_values
from drift.sim.prediction.supported import check_supported
from drift.sim.spec.drift import Drift

_BLOCK = 256
"""Steps whose displacements are made at once."""
_MANY = 20_000
"""Steps, unless they are equal, for which loading JAX is worth it."""


def stall_steps(drift: Drift) -> list[int | None]:
    """Return the first step that leaves the image of the centre where it was, by dimension.

    None where there is none within the drift's steps, or no displacement. Weights never
    rise, so a coordinate that has stalled stays. Raises BadInput where no exact form applies.
    """
    check_supported(drift)
    motion = motion_of(drift)
    many = drift.steps > _MANY and motion.falling and not motion.equal
    found = _by_jax(motion) if many or not host.supports(drift.arithmetic) else _here(motion)
    return [int(step) or None for step in found]


def _here(motion: Motion) -> np.ndarray:
    """Return the stall steps, int64 (dims,); 0 for none."""
    drift = motion.drift
    state, found = drift.arithmetic.state, np.zeros(drift.dims, np.int64)
    left = np.flatnonzero(motion.displacements(1, 1)[0])
    ranks = state.rank_of(state.code(start_values(drift)[left]))
    for first in range(1, drift.steps + 1, _BLOCK):
        last = min(first + _BLOCK - 1, drift.steps)
        block = motion.displacements(first, last, left)
        stalled = np.zeros(len(left), np.int64)
        for step, displaced in enumerate(block, first):
            codes = state.code_of_rank(ranks)[None]
            factors = motion.factors(step, step)
            moved = host.step_rows(
                codes, displaced[None], None, None, drift.arithmetic, factors=factors
            )
            before, ranks = ranks, state.rank_of(moved.codes[0])
            stays = same_value(before, ranks, state) & (displaced != 0) & (stalled == 0)
            stalled[stays] = step
        found[left] = stalled
        left, ranks = left[stalled == 0], ranks[stalled == 0]
        if not len(left):
            break
    return found


def _by_jax(motion: Motion) -> np.ndarray:
    """Return stall steps likewise."""
    from drift.kernels.value_map.iterate import STALL_WIDTH

    device.tell_jax()
    every = np.arange(motion.dims)
    strips = (every[k : k + STALL_WIDTH] for k in range(0, len(every), STALL_WIDTH))
    return np.concatenate([_strip_by_jax(motion, dims) for dims in strips])


def _strip_by_jax(motion: Motion, dims: np.ndarray) -> np.ndarray:
    """Return the stall steps of `dims`, at most STALL_WIDTH dimensions."""
    from drift.kernels.value_map.iterate import STALL_BLOCK, STALL_WIDTH, stall

    drift, values = motion.drift, np.zeros(STALL_WIDTH, np.float32)
    values[: len(dims)] = start_values(drift)[dims]
    found, state = np.zeros(len(dims), np.int64), drift.arithmetic.state
    moved = motion.displacements(1, 1, dims)[0] != 0
    for first in range(1, drift.steps + 1, STALL_BLOCK):
        last = min(first + STALL_BLOCK - 1, drift.steps)
        block = np.zeros((STALL_BLOCK, STALL_WIDTH), np.float32)
        block[: last - first + 1, : len(dims)] = motion.displacements(first, last, dims)
        taken = np.int32(last - first + 1)
        values, at = stall(values, block, taken, state=state, rounding=drift.rounding)
        now = np.asarray(at)[: len(dims)]
        found = np.where((found == 0) & (now < STALL_BLOCK), first + now, found)
        if np.all(found[moved]):
            break
    return found
