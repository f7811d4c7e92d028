"""One drift from its initial cloud to its last step, a record at a time."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import jax
import numpy as np

from kernels.advance import BLOCK, Advanced
from kernels.fixed_point import scale_exponent
from sim import reach, spread, tokens
from sim.chunks import Chunks
from sim.cloud import draw
from sim.counts import State, count
from sim.direction import direction
from sim.engine import Fill, StepEngine
from sim.schedule import displacements, keys
from sim.shards import Shards
from sim.spec import Drift


class Simulation:
    """A drift whose cloud is drawn and whose range is checked, at step 0.

    Raises BadInput where the drift would leave the format's range.
    """

    def __init__(
        self, drift: Drift, chunks: Chunks, on: jax.Device | Shards, pool: ThreadPoolExecutor
    ):
        self.drift = drift
        self.u = direction(drift.direction, drift.dims, drift.direction_seed)
        strengths = tokens.strengths(drift)
        self._ranks = tokens.ranks(drift)
        self.engine = StepEngine(chunks, drift.motion, strengths, on, pool)
        self.step = 0
        target, held = drift.target, drift.motion.held
        farthest = np.zeros((len(chunks), drift.dims), np.int64)

        def fill(start: int, stop: int) -> np.ndarray:
            codes = draw(drift, start, stop)
            chunk = (start - chunks.first) // chunks.size
            farthest[chunk] = np.max(codes & (target.sign - 1), axis=0)
            return codes if held == target else held.code(target.value(codes))

        self.engine.load(fill)
        extent = target.value(spread.largest(farthest.max(axis=0)))
        strength = max(1.0, float(np.max(np.abs(strengths))))
        reach.check(drift, self.u, extent, strength)
        self._exponent = scale_exponent(reach.bound(drift, self.u, extent, strength))

    def resume(self, step: int, fill: Fill) -> None:
        """Go on from the held cloud that `fill` gives, which is that of `step`."""
        self.engine.load(fill)
        self.step = step

    def states(self, steps: Iterable[int]) -> Iterator[State]:
        """Move to each of `steps` in turn (rising, none behind) and count there.

        Whoever keeps a state keeps its cloud in memory beside the one that moves on.
        """
        for step in steps:
            if self.drift.survivors is not None:
                self.engine.observe_only(self._ranks < self.drift.alive(step))
            yield self._state_at(step)

    def _state_at(self, step: int) -> State:
        seen = self._move_to(step) if step > self.step else self.engine.stay(self._exponent)
        return count(self.engine.observe(seen), step, self.u, self._exponent)

    def _move_to(self, step: int) -> list[Advanced]:
        while self.step + BLOCK < step:
            self._take(BLOCK)
        return self._take(step - self.step)

    def _take(self, steps: int) -> list[Advanced]:
        first, last = self.step + 1, self.step + steps
        block = displacements(self.drift, self.u, first, last)
        stochastic = self.drift.rounding == "stochastic"
        step_keys = keys(self.drift, first, last) if stochastic else None
        self.step = last
        return self.engine.move(block, self._exponent, step_keys)
