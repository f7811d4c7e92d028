"""Arguments of calls beside the cloud: the steps, whom rows stand for, and what never changes.

Nothing is put on the devices that is there already. Equal steps are there once; of others come as
many as are taken, and not a whole block.
"""

import jax
import numpy as np

from drift.kernels.row_hash_jax import weights
from drift.kernels.stepping.block import no_move
from drift.kernels.stepping.carried import Carriers
from drift.kernels.stepping.step import NO_DECAY, Noise, Steps, Tokens
from drift.sim.motions.motion import Motion
from drift.sim.sampling.noise import noise_table
from drift.sim.sampling.philox import Stream
from drift.sim.settling import sizes
from drift.sim.settling.part import CloudPart
from drift.sim.settling.programs import Programs
from drift.sim.spec.schedule import keys


class Feed:
    """Puts on the devices what the `programs` of a `motion` take, `block` steps at most."""

    def __init__(self, motion: Motion, strengths: np.ndarray, programs: Programs, block: int):
        self._motion, self._drift, self._strengths = motion, motion.drift, strengths
        self._programs, self._placing, self._block = programs, programs.placing, block
        devices = len(self._placing.shards)
        self.columns = devices * -(-motion.dims // devices)
        """columns of a whole cloud: its dims, and spare ones, so that devices have as many"""
        self.weights = self._placing.columns(self.wide(weights(motion.dims), 0))
        """uint32 (2, columns): kernels.row_hash_jax"""
        fixed = np.zeros((block, 2), np.uint32), np.uint32(0), np.bool_(True)
        self._no_keys, self._zero, self._true = self._placing.whole(fixed)
        self._no_move = no_move(motion.drift.arithmetic)
        self._table = self._placing.whole(noise_table()) if motion.drift.noise else None
        self._blocks: dict[bool, jax.Array] = {}
        self._scale: tuple[int, jax.Array] | None = None
        self._of: tuple[CloudPart, tuple[jax.Array, jax.Array, jax.Array]] | None = None
        self._counts: tuple[CloudPart, np.ndarray, jax.Array] | None = None

    def wide(self, matrix: np.ndarray, other: float) -> np.ndarray:
        """Return a matrix (rows, dims) with spare columns, which hold `other`."""
        spare = self.columns - matrix.shape[1]
        return np.pad(matrix, ((0, 0), (0, spare)), constant_values=other)

    def scale(self, exponent: int) -> jax.Array:
        """Return 2**`exponent`: kernels.exact_sum."""
        if self._scale is None or self._scale[0] != exponent:
            self._scale = exponent, self._placing.whole(np.float32(np.ldexp(1.0, exponent)))
        return self._scale[1]

    def carriers(self, part: CloudPart, present: np.ndarray) -> Carriers:
        """Return whom a part stands for, of the tokens that are `present`, bool (tokens,)."""
        if self._of is None or self._of[0] is not part:
            self._of = part, self._fixed(part, len(present))
        before = self._counts
        if before is None or before[0] is not part or not np.array_equal(before[1], present):
            before = self._counts = part, present, self._placing.whole(part.counts(present))
        number, strength, columns = self._of[1]
        return Carriers(Tokens(number, strength, before[2]), columns)

    def _fixed(self, part: CloudPart, tokens: int) -> tuple[jax.Array, jax.Array, jax.Array]:
        """Put on the devices what a part has of its own, whoever is present."""
        number, strength = np.zeros(part.rows, np.uint32), np.ones(part.rows, np.float32)
        if not self._drift.arithmetic.shared:  # then rows are tokens, and spare ones the first
            number[:tokens], strength[:tokens] = np.arange(tokens), self._strengths
            strength[tokens:] = self._strengths[0]
        whole = self._placing.whole
        return whole(number), whole(strength), self._placing.entries(part.on_devices)

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
        found = self._programs.repeat(wide, self._block)
        if alike:
            self._blocks[none] = found
        return found
