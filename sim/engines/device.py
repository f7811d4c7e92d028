"""The step engine on devices: blocks of steps by the kernels, until all is at rest.

at rest  no step moves anything any more. That is so where all steps are equal and one moved
         no coordinate that it displaces; then even the signs of zeros are those they will keep
"""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import jax
import numpy as np

from drift.kernels.exact_sum_jax import MOST_COUNTED
from drift.sim.devices.shards import Shards
from drift.sim.engines.chunks import Chunks, Fill
from drift.sim.engines.fused_trial import fast_path
from drift.sim.engines.rows import CloudRows
from drift.sim.engines.step import NoiseOf, StepEngine, StepObservation
from drift.sim.motions.motion import Motion
from drift.sim.sampling.philox import Stream
from drift.sim.settling.engine import SettlingEngine
from drift.sim.spec.schedule import keys

_FIRST_VALUES, _BLOCK_SECONDS = 1e10, 1.0
"""The coordinates that the first block of steps moves, at most, and the seconds of later ones."""


def device_engine(
    motion: Motion,
    strengths: np.ndarray,
    chunks: Chunks,
    on: jax.Device | Shards,
    pool: ThreadPoolExecutor,
) -> "DeviceEngine | SettlingEngine":
    """Return the step engine of devices: one that carries less, where they are no CPU.

    Left to this one is what several devices do to tokens that differ in their steps.
    """
    shards, arithmetic = Shards.of(on), motion.drift.arithmetic
    apart = len(shards) > 1 and not arithmetic.shared
    if shards.on_host or chunks.tokens > MOST_COUNTED or apart:
        return DeviceEngine(motion, strengths, chunks, shards, pool)
    path = fast_path(shards.devices[0], arithmetic)
    return SettlingEngine(motion, strengths, chunks, shards, pool, path)


class DeviceEngine:
    """Moves the cloud of a drift by its `motion`; `strengths` is float32 (tokens,)."""

    name = "step"

    def __init__(
        self,
        motion: Motion,
        strengths: np.ndarray,
        chunks: Chunks,
        on: jax.Device | Shards,
        pool: ThreadPoolExecutor,
    ):
        drift = motion.drift
        self._drift, self._motion = drift, motion
        self._engine = StepEngine(chunks, drift.arithmetic, strengths, on, pool)
        self.path = self._engine.path
        """the way in which the kernels step, in words"""
        self._present = np.ones(drift.tokens, bool)
        self._most = max(1, int(_FIRST_VALUES / (drift.tokens * drift.dims)))

    @property
    def state_rows(self) -> CloudRows:
        """The codes in the state format, until the next step is taken."""
        return self._engine.state_rows

    def load(self, fill: Fill, step: int = 0) -> None:
        """Take the cloud of any `step` from `fill`, called once a chunk, from several threads."""
        self._engine.load(fill, step)
        self._step, self._at_rest = step, False
        self._observed_at_rest: StepObservation | None = None

    def observe_only(self, present: np.ndarray) -> None:
        """Observe from now on the tokens for which `present`, bool (tokens,), is true."""
        self._present = present
        self._engine.observe_only(present)

    def approach(self, step: int, bound: float) -> Iterator[int]:
        """Move on towards `step`, where that takes long; yield earlier steps once they are taken.

        No value exceeds `bound` in magnitude.
        """
        engine = self._engine
        leaving, block = not self._present.all(), min(engine.block, self._most)
        unseen = leaving and not self._at_rest and step - self._step > block
        if unseen:
            # Those that have left are kept, and move on: only all tokens can tell of rest.
            engine.observe_only(np.ones_like(self._present))
        # At rest no step is taken any more: all later observations are the one that showed it.
        while not self._at_rest and step - self._step > min(engine.block, self._most):
            steps, began = min(engine.block, self._most), time.monotonic()
            resting = engine.move(self._next(steps), *self._beside(steps))
            self._step += steps
            self._at_rest = self._is_at_rest(resting)
            # So few steps together that a signal is heard soon; their number changes no bit.
            pace = steps / max(time.monotonic() - began, 1e-9)
            self._most = max(1, int(min(pace * _BLOCK_SECONDS, engine.block)))
            yield self._step
        if unseen:
            engine.observe_only(self._present)

    def observe(
        self, step: int, exponent: int, bound: float, following: int | None = None
    ) -> StepObservation:
        """Move on to `step` and observe.

        Values are summed on the grid of 2**`exponent`, see kernels.exact_sum, and none exceeds
        `bound` in magnitude.
        """
        moved = self._observed_at_rest is None
        for _ in self.approach(step, bound):
            pass
        return replace(self._observe(step, exponent), moved=moved)

    def _observe(self, step: int, exponent: int) -> StepObservation:
        """Take the steps that are left, a block at most, and observe."""
        engine, everyone = self._engine, bool(self._present.all())
        if step > self._step and not self._at_rest:
            steps = step - self._step
            found = engine.observe(self._next(steps), exponent, *self._beside(steps))
            self._step = step
            if everyone and self._is_at_rest(found.resting):
                self._at_rest, self._observed_at_rest = True, found
            return found
        if not self._at_rest:
            return engine.stay(exponent)
        self._step, kept = step, self._observed_at_rest
        if kept is None or not np.array_equal(kept.present, self._present):
            alive = int(np.count_nonzero(self._present))
            stalled = self._motion.moving_dims * alive
            self._observed_at_rest = kept = replace(engine.stay(exponent), stalled=stalled)
        return kept

    def _is_at_rest(self, resting: int) -> bool:
        """Return whether no later step can move anything after one that left so many `resting`.

        All tokens must have been observed.
        """
        motion = self._motion
        return motion.may_rest and resting == motion.moving_dims * self._drift.tokens

    def _next(self, steps: int) -> np.ndarray:
        return self._motion.displacements(self._step + 1, self._step + steps)

    def _beside(self, steps: int) -> tuple[np.ndarray | None, np.ndarray | None, NoiseOf | None]:
        """Return what the next steps have beside displacements: keys, factors and noise, if any."""
        drift, first, last = self._drift, self._step + 1, self._step + steps
        stochastic = drift.rounding == "stochastic"
        noise = None
        if drift.noise:
            noise = self._motion.amplitudes(first, last), keys(drift, first, last, Stream.NOISE)
        return (
            keys(drift, first, last) if stochastic else None,
            self._motion.factors(first, last),
            noise,
        )
