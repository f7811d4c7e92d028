"""The step engine: moves every coordinate of the cloud, chunk by chunk.

The cloud stays on the devices as codes, each chunk shared evenly among them. One
call of the kernel moves a chunk by up to BLOCK steps; chunks are worked on side by
side by the pool's threads, which on a CPU is what uses its cores.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import jax
import numpy as np

from drift.kernels.exact_sum import LIMBS
from drift.kernels.formats import Arithmetic, Compensated, Format
from drift.kernels.row_hash_jax import as_words, weights
from drift.kernels.stepping.block import ACCELERATOR_BLOCK, BLOCK, BlockResult, Moved, no_move
from drift.kernels.stepping.fused import Fused
from drift.kernels.stepping.step import NO_DECAY, Held, Noise, Steps, Tokens
from drift.sim.counting.coalesce import coalesce
from drift.sim.devices.shards import Shards
from drift.sim.engines.chunks import TILE, Chunks, Fill
from drift.sim.engines.device_rows import DeviceRows
from drift.sim.engines.fused_trial import fast_path
from drift.sim.engines.rows import CloudRows, ComparableRows, HostRows, PairedRows
from drift.sim.sampling.noise import noise_table


@dataclass(frozen=True)
class StepObservation:
    """The cloud at one step, as the step engine finds it."""

    rows: ComparableRows
    """the codes in the view format, which are counted"""
    state_rows: CloudRows
    """the codes in the state format, from which the next step starts"""
    present: np.ndarray
    """bool (tokens,): true for the tokens that were observed"""
    fingerprints: np.ndarray
    """uint64 (tokens,): equal for tokens of one cell"""
    stalled: int
    """coordinates that the last step left where they were"""
    limbs: np.ndarray
    """int64 (LIMBS, dims), the exact sum over tokens: kernels.exact_sum"""
    moved: bool = True
    """true where any token may be elsewhere than at the observation before"""
    kept: int | None = None
    """coordinates that the last step left where they were, displaced or not; None where only what
    is displaced can move"""
    resting: int = 0
    """coordinates of which the last step changed nothing though it displaces them: of compensated
    sums no compensation either"""

    def representatives(self, tokens: np.ndarray) -> np.ndarray:
        """Return the representatives of `tokens`, int64, as sim.counting.coalesce does."""
        return coalesce(tokens, [lambda some: self.fingerprints[some]], self.rows.equal)


NoiseOf = tuple[np.ndarray, np.ndarray]
"""The noise of some steps: amplitudes, float32 (steps,), and keys, uint32 (steps, 2)."""


def _state_of(done: BlockResult) -> Moved:
    return done.codes if done.compensations is None else Held(done.codes, done.compensations)


class StepEngine:
    """Holds the tokens of `chunks` on one device or more and moves them.

    `strengths` is float32 (tokens,).
    """

    name = "step"

    def __init__(
        self,
        chunks: Chunks,
        arithmetic: Arithmetic,
        strengths: np.ndarray,
        on: jax.Device | Shards,
        pool: ThreadPoolExecutor,
    ):
        self.chunks, self.arithmetic = chunks, arithmetic
        self._shards, self._pool = Shards.of(on), pool
        self._path, self.path = fast_path(self._shards.devices[0], arithmetic)
        self.block = ACCELERATOR_BLOCK if isinstance(self._path, Fused) else BLOCK
        # A CPU wants few rows at a time, in cache; an accelerator all at once.
        tile = TILE if self._shards.platform == "cpu" else chunks.size // len(self._shards)
        self._shape = (chunks.size // tile, tile)
        self._weights = self._shards.whole(weights(chunks.dims))
        self._table: jax.Array | None = None
        self._codes: list[Moved] = []
        self._present = np.ones(len(strengths), bool)
        columns = np.arange(len(strengths), dtype=np.uint32), strengths, self._present
        self._tokens = [Tokens(*parts) for parts in zip(*map(self._by_chunk, columns), strict=True)]

    def _by_chunk(self, column: np.ndarray) -> list[jax.Array]:
        """Put a column of the tokens, (tokens,), on the devices, chunk by chunk."""
        chunks = self.chunks
        parts = (column[slice(*chunks.bounds(k))] for k in range(len(chunks)))
        return [self._shards.split(chunks.filled(part).reshape(self._shape)) for part in parts]

    def observe_only(self, present: np.ndarray) -> None:
        """Observe from now on the tokens for which `present`, bool (tokens,), is true."""
        self._present = present
        self._tokens = [
            tokens._replace(present=part)
            for tokens, part in zip(self._tokens, self._by_chunk(present), strict=True)
        ]

    def load(self, fill: Fill, step: int = 0) -> None:
        """Take the cloud of any `step` from `fill`, called once a chunk, from several threads."""

        held = self.arithmetic.held

        def put(codes: np.ndarray) -> jax.Array:
            return self._shards.split(codes.reshape(*self._shape, self.chunks.dims))

        def one(chunk: int) -> Moved:
            codes = self.chunks.filled(fill(*self.chunks.bounds(chunk)))
            if isinstance(held, Compensated):
                return Held(put(held.codes(codes)), put(held.compensations(codes)))
            return put(codes)

        self._codes = list(self._pool.map(one, range(len(self.chunks))))

    def move(
        self,
        displacements: np.ndarray,
        keys: np.ndarray | None = None,
        factors: np.ndarray | None = None,
        noise: NoiseOf | None = None,
    ) -> int:
        """Move by `displacements`, float32 (1 to self.block, dims), and observe nothing.

        Returns how many coordinates of the observed tokens are `resting`: see StepObservation.
        `keys`, uint32 (steps, 2), are those of stochastic rounding, and
        `factors`, float32 (steps,), those of a decay.
        """
        steps = self._steps(displacements, keys, factors, noise, False)
        return self._resting(self._step_chunks(steps, 0))

    def observe(
        self,
        displacements: np.ndarray,
        exponent: int,
        keys: np.ndarray | None = None,
        factors: np.ndarray | None = None,
        noise: NoiseOf | None = None,
    ) -> StepObservation:
        """Move by `displacements`, as `move` does, and observe.

        Values are summed on the grid of 2**`exponent`, see kernels.exact_sum.
        """
        return self._observation(
            self._step_chunks(self._steps(displacements, keys, factors, noise, True), exponent)
        )

    def stay(self, exponent: int) -> StepObservation:
        """Observe without moving."""
        nothing = np.full((1, self.chunks.dims), no_move(self.arithmetic), np.float32)
        return self.observe(nothing, exponent)

    @property
    def state_rows(self) -> CloudRows:
        """The codes in the state format, until the next move."""
        return self._state_rows(self._codes)

    def _state_rows(self, codes: list[Moved]) -> CloudRows:
        state = self.arithmetic.state
        pairs = [each for each in codes if isinstance(each, Held)]
        if not pairs:
            return self._rows([each for each in codes if not isinstance(each, Held)], state)
        columns = zip(*pairs, strict=True)
        return PairedRows(*(self._rows(list(column), state) for column in columns))

    def _step_chunks(self, steps: Steps, exponent: int) -> list[BlockResult]:
        """Step every chunk, and return the kernel's result of each."""
        step_block = self._shards.compile_step_block(self.arithmetic, self._path)
        scale = self._shards.whole(np.float32(np.ldexp(1.0, exponent)))

        def one(chunk: int) -> BlockResult:
            codes, tokens = self._codes[chunk], self._tokens[chunk]
            done = step_block(codes, tokens, steps, self._weights, scale)
            self._codes[chunk] = _state_of(done)
            # A thread that waits for its chunk bounds how many are worked on at once.
            return jax.block_until_ready(done)

        return list(self._pool.map(one, range(len(self.chunks))))

    def _steps(
        self,
        displacements: np.ndarray,
        keys: np.ndarray | None,
        factors: np.ndarray | None,
        noise: NoiseOf | None,
        observed: bool,
    ) -> Steps:
        """Put a block of steps on the devices."""
        count = len(displacements)
        block = np.zeros((self.block, self.chunks.dims), np.float32)
        block[:count] = displacements
        step_keys = np.zeros((self.block, 2), np.uint32)
        if keys is not None:
            step_keys[:count] = keys
        whole, each_factor = self._shards.whole, None
        if self.arithmetic.decay != "none":
            every = np.full(self.block, NO_DECAY, np.float32)
            every[:count] = NO_DECAY if factors is None else factors
            each_factor = whole(every)
        numbers = whole(np.int32(count)), whole(np.uint32(0)), whole(np.bool_(observed))
        made = self._noise(count, noise) if self.arithmetic.noise else None
        return Steps(whole(block), whole(step_keys), *numbers, each_factor, made)

    def _noise(self, count: int, noise: NoiseOf | None) -> Noise:
        """Put the noise of a block of `count` steps on the devices."""
        amplitudes, keys = np.zeros(self.block, np.float32), np.zeros((self.block, 2), np.uint32)
        if noise is not None:
            amplitudes[:count], keys[:count] = noise
        if self._table is None:
            self._table = self._shards.whole(noise_table())
        return Noise(self._shards.whole(amplitudes), self._shards.whole(keys), self._table)

    def _stalled(self, results: list[BlockResult]) -> int:
        parts = jax.device_get([one.stalled for one in results])
        return sum(int(part.sum(dtype=np.int64)) for part in parts)

    def _resting(self, results: list[BlockResult]) -> int:
        parts = [one.stalled if one.resting is None else one.resting for one in results]
        return sum(int(part.sum(dtype=np.int64)) for part in jax.device_get(parts))

    def _kept(self, results: list[BlockResult]) -> int | None:
        parts = jax.device_get([one.kept for one in results if one.kept is not None])
        return sum(int(part.sum(dtype=np.int64)) for part in parts) if parts else None

    def _observation(self, results: list[BlockResult]) -> StepObservation:
        """Join what the kernels observed in all chunks."""
        arithmetic = self.arithmetic
        values = self._rows([one.codes for one in results], arithmetic.state)
        views = [one.view for one in results if one.view is not None]
        counted = jax.device_get([(one.fingerprints, one.limbs) for one in results])
        prints = np.concatenate([part.reshape(-1, 2) for part, _ in counted])
        limbs = np.zeros((LIMBS, self.chunks.dims), np.int64)
        for _, part in counted:  # the limbs of each device below one another
            limbs += part.reshape(-1, *limbs.shape).sum(axis=0, dtype=np.int64)
        return StepObservation(
            rows=self._rows(views, arithmetic.view) if views else values,
            state_rows=self._state_rows([_state_of(one) for one in results]),
            present=self._present,
            fingerprints=as_words(prints[: self.chunks.tokens]),
            stalled=self._stalled(results),
            limbs=limbs,
            kept=self._kept(results),
            resting=self._resting(results),
        )

    def _rows(self, codes: list[jax.Array], target: Format) -> ComparableRows:
        """Return the rows of all tokens from their `codes`, chunk by chunk."""
        pieces = [piece for one in codes for piece in self._shards.pieces(one)]
        parts = replace(self.chunks, size=self.chunks.size // len(self._shards))
        if not self._shards.on_host:
            return DeviceRows(parts, pieces, target)
        host = [np.asarray(piece).reshape(parts.size, parts.dims) for piece in pieces]
        return HostRows(parts, host, target)
