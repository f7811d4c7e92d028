"""The step engine of JAX on a CPU: moves every coordinate of the cloud, chunk by chunk.

It is for tokens that differ in their steps, of which nothing settles, and for so many steps that
to load JAX is soon made up for. One call of the kernel moves a chunk by up to BLOCK steps; chunks
are worked on side by side by the pool's threads, which is what uses the cores.

at rest  no step moves anything any more. That is so where all steps are equal and one moved
         no coordinate that it displaces; then even the signs of zeros are those they will keep
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache, partial

import jax
import numpy as np

from drift.kernels.exact_sum import LIMBS
from drift.kernels.formats import Arithmetic, Compensated, Format
from drift.kernels.row_hash_jax import as_words
from drift.kernels.stepping.block import BLOCK, BlockResult, Moved, plain, step_block_uncompiled
from drift.kernels.stepping.step import Held, Tokens
from drift.sim.counting.coalesce import coalesce
from drift.sim.devices.shards import Shards, jitted
from drift.sim.engines.chunks import TILE, Chunks, Fill
from drift.sim.engines.rows import CloudRows, ComparableRows, HostRows, PairedRows
from drift.sim.motions.motion import Motion
from drift.sim.settling.placing import Placing
from drift.sim.settling.step_feed import StepFeed

_FIRST_VALUES, _BLOCK_SECONDS = 1e10, 1.0
"""The coordinates that the first block of steps moves, at most, and the seconds of later ones."""


@cache
def step_block_of(platform: str, arithmetic: Arithmetic) -> Callable[..., BlockResult]:
    """Return kernels.stepping.block.step_block of an arithmetic, compiled for a platform."""
    given = partial(step_block_uncompiled, arithmetic=arithmetic, path=plain(platform))
    compiled: Callable[..., BlockResult] = jitted(given, platform)
    return compiled


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
    moved: bool
    """true where any token may be elsewhere than at the observation before"""
    kept: int | None
    """coordinates that the last step left where they were, displaced or not; None where only what
    is displaced can move"""

    def representatives(self, tokens: np.ndarray) -> np.ndarray:
        """Return the representatives of `tokens`, int64, as sim.counting.coalesce does."""
        return coalesce(tokens, [lambda some: self.fingerprints[some]], self.rows.equal)


class StepEngine:
    """Moves the cloud of a drift by its `motion`; `strengths` is float32 (tokens,)."""

    name = "step"

    def __init__(
        self,
        motion: Motion,
        strengths: np.ndarray,
        chunks: Chunks,
        device: jax.Device,
        pool: ThreadPoolExecutor,
    ):
        self._drift, self._motion, self._chunks, self._pool = motion.drift, motion, chunks, pool
        self._arithmetic, self._device = motion.drift.arithmetic, device
        self._kernel = step_block_of(device.platform, self._arithmetic)
        self._feed = StepFeed(motion, Placing(Shards.of(device)), BLOCK)
        # Few rows at a time: they stay in a core's cache.
        self._shape = (chunks.size // TILE, TILE)
        self._codes: list[Moved] = []
        self._present = np.ones(len(strengths), bool)
        columns = np.arange(len(strengths), dtype=np.uint32), strengths, self._present
        self._tokens = [Tokens(*parts) for parts in zip(*map(self._by_chunk, columns), strict=True)]
        self._most = max(1, int(_FIRST_VALUES / (chunks.tokens * chunks.dims)))

    def _by_chunk(self, column: np.ndarray) -> list[jax.Array]:
        """Put a column of the tokens, (tokens,), on the device, chunk by chunk."""
        chunks = self._chunks
        parts = (column[slice(*chunks.bounds(k))] for k in range(len(chunks)))
        return [self._put(chunks.filled(part).reshape(self._shape)) for part in parts]

    def _put(self, array: np.ndarray) -> jax.Array:
        return jax.device_put(array, self._device)

    def load(self, fill: Fill, step: int = 0) -> None:
        """Take the cloud of any `step` from `fill`, called once a chunk, from several threads."""
        held, shape = self._arithmetic.held, (*self._shape, self._chunks.dims)

        def one(chunk: int) -> Moved:
            codes = self._chunks.filled(fill(*self._chunks.bounds(chunk))).reshape(shape)
            if isinstance(held, Compensated):
                return Held(self._put(held.codes(codes)), self._put(held.compensations(codes)))
            return self._put(codes)

        self._codes = list(self._pool.map(one, range(len(self._chunks))))
        self._step, self._at_rest = step, False
        self._observed_at_rest: StepObservation | None = None

    def observe_only(self, present: np.ndarray) -> None:
        """Observe from now on the tokens for which `present`, bool (tokens,), is true."""
        self._present = present
        self._tokens = [
            tokens._replace(present=part)
            for tokens, part in zip(self._tokens, self._by_chunk(present), strict=True)
        ]

    @property
    def state_rows(self) -> CloudRows:
        """The codes in the state format, until the next step is taken."""
        return self._state_rows(self._codes)

    def approach(self, step: int, bound: float) -> Iterator[int]:
        """Move on towards `step`, where that takes long; yield earlier steps once they are taken.

        No value exceeds `bound` in magnitude.
        """
        present, everyone = self._present, bool(self._present.all())
        unseen = not everyone and not self._at_rest and step - self._step > self._most_at_once
        if unseen:
            # Those that have left are kept, and move on: only all tokens can tell of rest.
            self.observe_only(np.ones_like(present))
        # At rest no step is taken any more: all later observations are the one that showed it.
        while not self._at_rest and step - self._step > self._most_at_once:
            steps, began = self._most_at_once, time.monotonic()
            self._at_rest = self._is_at_rest(self.move(steps))
            # So few steps together that a signal is heard soon; their number changes no bit.
            pace = steps / max(time.monotonic() - began, 1e-9)
            self._most = max(1, int(pace * _BLOCK_SECONDS))
            yield self._step
        if unseen:
            self.observe_only(present)

    @property
    def _most_at_once(self) -> int:
        return min(BLOCK, self._most)

    def observe(
        self, step: int, exponent: int, bound: float, following: int | None = None
    ) -> StepObservation:
        """Move on to `step` and observe.

        Values are summed on the grid of 2**`exponent`, see kernels.exact_sum, and none exceeds
        `bound` in magnitude.
        """
        first_at_rest = self._observed_at_rest is None
        for _ in self.approach(step, bound):
            pass
        return replace(self._observe(step, exponent), moved=first_at_rest)

    def _observe(self, step: int, exponent: int) -> StepObservation:
        """Take the steps that are left, a block at most, and observe."""
        if not self._at_rest:
            steps = step - self._step
            results = self.move(steps, exponent)
            found = self._observation(results)
            if steps and self._present.all() and self._is_at_rest(results):
                self._at_rest, self._observed_at_rest = True, found
            return found
        self._step, kept = step, self._observed_at_rest
        if kept is None or not np.array_equal(kept.present, self._present):
            stalled = self._motion.moving_dims * int(np.count_nonzero(self._present))
            seen = self._observation(self.move(0, exponent))
            self._observed_at_rest = kept = replace(seen, stalled=stalled)
        return kept

    def _is_at_rest(self, results: list[BlockResult]) -> bool:
        """Return whether no later step can move anything after those of all tokens."""
        motion = self._motion
        parts = [one.stalled if one.resting is None else one.resting for one in results]
        return motion.may_rest and _total(parts) == motion.moving_dims * self._chunks.tokens

    def move(self, count: int, exponent: int | None = None) -> list[BlockResult]:
        """Take `count` steps, a block at most; observe after them where there is an `exponent`.

        Values are summed on its grid. Returns the kernel's result of every chunk.
        """
        first, self._step = self._step + 1, self._step + count
        observed = np.bool_(exponent is not None)
        steps = self._feed.steps(first, self._step)._replace(observed=observed)
        scale = self._feed.scale(exponent or 0)

        def one(chunk: int) -> BlockResult:
            codes, tokens = self._codes[chunk], self._tokens[chunk]
            done = self._kernel(codes, tokens, steps, self._feed.weights, scale)
            self._codes[chunk] = _state_of(done)
            # A thread that waits for its chunk bounds how many are worked on at once.
            return jax.block_until_ready(done)

        return list(self._pool.map(one, range(len(self._chunks))))

    def _observation(self, results: list[BlockResult]) -> StepObservation:
        """Join what the kernels observed in all chunks."""
        arithmetic = self._arithmetic
        values = self._rows([one.codes for one in results], arithmetic.state)
        views = [one.view for one in results if one.view is not None]
        prints = np.concatenate([np.asarray(one.fingerprints).reshape(-1, 2) for one in results])
        limbs = np.zeros((LIMBS, self._chunks.dims), np.int64)
        for one in results:
            limbs += np.asarray(one.limbs)
        kept = [one.kept for one in results if one.kept is not None]
        return StepObservation(
            rows=self._rows(views, arithmetic.view) if views else values,
            state_rows=self._state_rows([_state_of(one) for one in results]),
            present=self._present,
            fingerprints=as_words(prints[: self._chunks.tokens]),
            stalled=_total([one.stalled for one in results]),
            limbs=limbs,
            moved=True,
            kept=_total(kept) if kept else None,
        )

    def _state_rows(self, codes: list[Moved]) -> CloudRows:
        state = self._arithmetic.state
        pairs = [each for each in codes if isinstance(each, Held)]
        if not pairs:
            return self._rows([each for each in codes if not isinstance(each, Held)], state)
        columns = zip(*pairs, strict=True)
        return PairedRows(*(self._rows(list(column), state) for column in columns))

    def _rows(self, codes: list[jax.Array], target: Format) -> HostRows:
        """Return the rows of all tokens from their `codes`, chunk by chunk."""
        shape = self._chunks.size, self._chunks.dims
        # The host reads the memory of a CPU's device in place.
        return HostRows(self._chunks, [np.asarray(one).reshape(shape) for one in codes], target)


def _state_of(done: BlockResult) -> Moved:
    return done.codes if done.compensations is None else Held(done.codes, done.compensations)


def _total(parts: list[jax.Array]) -> int:
    """Return the sum of int32 counts, which may exceed int32."""
    return sum(int(np.asarray(part).sum(dtype=np.int64)) for part in parts)
