"""One drift from its initial cloud to its last step, a record at a time."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import jax
import numpy as np

from drift.kernels.exact_sum import scale_exponent
from drift.sim import centroid, engines, reach, rest, tokens
from drift.sim.chunks import Chunks, Fill
from drift.sim.direction import direction
from drift.sim.engine import Observation, StepEngine
from drift.sim.engines import Engine
from drift.sim.initial import initial
from drift.sim.leap import LeapEngine
from drift.sim.partition import Partition
from drift.sim.schedule import displacements, keys
from drift.sim.shards import Shards
from drift.sim.spec import Drift
from drift.sim.state import State, count


class Simulation:
    """A drift whose cloud is there and whose range is checked, at step 0.

    Raises BadInput where the drift would leave the format's range, and where its
    cloud can't be had.
    """

    def __init__(
        self,
        drift: Drift,
        chunks: Chunks,
        on: jax.Device | Shards,
        pool: ThreadPoolExecutor,
        engine: Engine = "step",
    ):
        self.drift = drift
        self.initial = initial(drift)
        self.u = direction(drift.direction, drift.dims, drift.direction_seed, self._centroid)
        strengths = tokens.strengths(drift)
        self._ranks = tokens.ranks(drift)
        self._partition = self._unsettled()
        self.engine: StepEngine | LeapEngine
        if engine == "leap":
            self.engine = LeapEngine(drift, self.u, chunks, pool)
        else:
            self.engine = StepEngine(chunks, drift.motion, strengths, on, pool)
        self.step = 0
        self._resting: Observation | None = None
        self._may_rest = rest.may_come(drift)
        target, held = drift.target, drift.motion.held
        farthest = np.zeros((len(chunks), drift.dims), np.int64)

        def fill(start: int, stop: int) -> np.ndarray:
            codes = self.initial.codes(start, stop)
            farthest[start // chunks.size] = np.max(codes & (target.sign - 1), axis=0)
            return codes if held == target else held.code(target.value(codes))

        self.engine.load(fill)
        extent = target.value(farthest.max(axis=0))
        strength = max(1.0, float(np.max(np.abs(strengths))))
        reach.check(drift, self.u, extent, strength)
        self._bound = reach.bound(drift, self.u, extent, strength)
        self._exponent = scale_exponent(self._bound)

    def _centroid(self) -> np.ndarray:
        drift = self.drift
        return centroid.mean(self.initial.codes, drift.tokens, drift.dims, drift.target)

    def _unsettled(self) -> Partition:
        return Partition(self.drift.tokens, lasting=engines.moves_values_alike(self.drift))

    def resume(self, step: int, fill: Fill) -> None:
        """Go on from the held cloud that `fill` gives, which is that of `step`."""
        self.engine.load(fill, step)
        self.step, self._resting = step, None
        self._partition = self._unsettled()

    def states(self, steps: Iterable[int]) -> Iterator[State]:
        """Move to each of `steps` in turn (rising, none behind) and count there.

        Whoever keeps a state keeps its cloud in memory beside the one that moves on.
        """
        for step in steps:
            if self.drift.survivors is not None:
                self.engine.observe_only(self._ranks < self.drift.alive(step))
            yield self._state_at(step)

    def _state_at(self, step: int) -> State:
        engine, grid = self.engine, self._exponent
        if isinstance(engine, LeapEngine):
            leapt = engine.observe(step, grid, self._bound)
            return count(leapt, self._partition, step, self.u, grid)
        moved = self._resting is None
        seen = self._stepped(engine, step) if step > self.step else engine.stay(grid)
        return count(replace(seen, moved=moved), self._partition, step, self.u, grid)

    def _stepped(self, engine: StepEngine, step: int) -> Observation:
        """What is seen at a later step."""
        while self._resting is None:
            steps = min(engine.block, step - self.step)
            if self.step + steps == step:
                seen = engine.observe(self._next(steps), self._exponent, self._keys(steps))
                self.step = step
                self._resting = seen if self._rests(seen.stalled) else None
                return seen
            stalled = engine.move(self._next(steps), self._keys(steps))
            self.step += steps
            if self._rests(stalled):
                self._resting = replace(engine.stay(self._exponent), stalled=stalled)
        self.step = step
        return self._resting

    def _rests(self, stalled: int) -> bool:
        """Whether no later step can move anything, of which the last one stalled so many."""
        return self._may_rest and stalled == rest.stalled_at(self.drift, self.u)

    def _next(self, steps: int) -> np.ndarray:
        return displacements(self.drift, self.u, self.step + 1, self.step + steps)

    def _keys(self, steps: int) -> np.ndarray | None:
        stochastic = self.drift.rounding == "stochastic"
        return keys(self.drift, self.step + 1, self.step + steps) if stochastic else None
