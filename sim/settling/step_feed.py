"""Steps, as calls take them beside the cloud, and what never changes.

Nothing is put on the devices that is there already. Equal steps are there once; of others as many
are sent to an accelerator as are taken, and not a whole block.
"""

import jax
import numpy as np

from drift.kernels.row_hash_jax import weights
from drift.kernels.stepping.block import no_move
from drift.kernels.stepping.step import NO_DECAY, Noise, Steps
from drift.sim.motions.motion import Motion
from drift.sim.sampling.noise import noise_table
from drift.sim.sampling.philox import Stream
from drift.sim.settling import sizes
from drift.sim.settling.placing import Placing
from drift.sim.spec.schedule import keys


class StepFeed:
    """Puts the steps of a `motion` where `placing` says, `block` of them at most."""

    def __init__(self, motion: Motion, placing: Placing, block: int):
        self._motion, self._drift, self._placing, self._block = motion, motion.drift, placing, block
        devices = len(placing.shards)
        self.columns = devices * -(-motion.dims // devices)
        """columns of a whole cloud: its dims, and spare ones, so that devices have as many"""
        self.weights = placing.columns(self.wide(weights(motion.dims), 0))
        """uint32 (2, columns): kernels.row_hash_jax"""
        fixed = np.zeros((block, 2), np.uint32), np.uint32(0), np.bool_(True)
        self._no_keys, self._zero, self._true = placing.whole(fixed)
        self._no_move = no_move(motion.drift.arithmetic)
        self._table = placing.whole(noise_table()) if motion.drift.noise else None
        self._blocks: dict[bool, jax.Array] = {}
        self._scale: tuple[int, jax.Array] | None = None

    def wide(self, matrix: np.ndarray, other: float) -> np.ndarray:
        """Return a matrix (rows, dims) with spare columns, which hold `other`."""
        spare = self.columns - matrix.shape[1]
        return np.pad(matrix, ((0, 0), (0, spare)), constant_values=other)

    def scale(self, exponent: int) -> jax.Array:
        """Return 2**`exponent`: kernels.exact_sum."""
        if self._scale is None or self._scale[0] != exponent:
            self._scale = exponent, self._placing.whole(np.float32(np.ldexp(1.0, exponent)))
        return self._scale[1]

    def steps(self, first: int, last: int) -> Steps:
        """Return steps `first` ... `last`; one that changes no bit where there are none."""
        steps, step_keys, factors = last + 1 - first, None, None
        if self._drift.arithmetic.decay != "none":
            factors = np.full(self._block, NO_DECAY, np.float32)
            if steps:
                factors[:steps] = self._motion.factors(first, last)
        if self._drift.rounding == "stochastic" and steps:
            step_keys = np.zeros((self._block, 2), np.uint32)
            step_keys[:steps] = keys(self._drift, first, last)
        numbers = np.int32(max(1, steps)), step_keys, factors
        taken, new_keys, each_factor = self._placing.whole(numbers)
        return Steps(
            self._displacements(first, last),
            self._no_keys if new_keys is None else new_keys,
            *(taken, self._zero, self._true, each_factor, self._noise(first, last)),
        )

    def _noise(self, first: int, last: int) -> Noise | None:
        """Put the noise of some steps on the devices, if there is any."""
        if self._table is None:
            return None
        amplitudes = np.zeros(self._block, np.float32)
        noise_keys = np.zeros((self._block, 2), np.uint32)
        if steps := last + 1 - first:
            amplitudes[:steps] = self._motion.amplitudes(first, last)
            noise_keys[:steps] = keys(self._drift, first, last, Stream.NOISE)
        amplitude, random = self._placing.whole((amplitudes, noise_keys))
        return Noise(amplitude, random, self._table)

    def _displacements(self, first: int, last: int) -> jax.Array:
        """Put the displacements of some steps on the devices, where they are not there already."""
        none = last < first
        alike = none or self._motion.equal
        if alike and none in self._blocks:
            return self._blocks[none]
        rows = np.full((1, self._motion.dims), self._no_move, np.float32)
        if not none:
            rows = self._motion.displacements(first, first if self._motion.equal else last)
        # In a power of two of rows, the last one again and again: few sizes are compiled.
        more = sizes.size(len(rows), 1, self._block) - len(rows)
        wide = np.pad(self.wide(rows, self._no_move), ((0, more), (0, 0)), "edge")
        found = self._placing.repeat(wide, self._block)
        if alike:
            self._blocks[none] = found
        return found
