"""One drift from its initial cloud to its last step, a record at a time.

state    the cloud at one step, counted
pause    a step between two of them, between blocks of steps: work can be saved or given up there
at rest  no step moves anything any more. That is so where all steps are equal and one moved
         no coordinate that it displaces; then even the signs of zeros are those they will keep
"""

import math
import time
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import jax
import numpy as np

from drift.kernels.exact_sum import from_limbs, scale_exponent
from drift.sim.clouds import drawn
from drift.sim.clouds.direction import direction, exact_mean
from drift.sim.clouds.initial import initial_cloud
from drift.sim.counting.cells import Counts
from drift.sim.counting.partition import Partition
from drift.sim.devices.shards import Shards
from drift.sim.engines import choose, range_check
from drift.sim.engines.choose import Engine
from drift.sim.engines.chunks import Chunks, Fill
from drift.sim.engines.leap import LeapEngine, LeapObservation
from drift.sim.engines.rows import CloudRows
from drift.sim.engines.step import StepEngine, StepObservation
from drift.sim.spec.drift import Drift
from drift.sim.spec.schedule import displacements, keys


@dataclass(frozen=True)
class State:
    """The cloud at one step: its counts, its black holes, its codes."""

    counts: Counts
    """what is reported of the step"""
    populations: np.ndarray
    """int64 (black holes,): the tokens of each, falling"""
    observation: StepObservation | LeapObservation
    """the cloud as the engine found it"""

    @property
    def rows(self) -> CloudRows:
        """The codes that were counted, absent tokens' too."""
        return self.observation.rows

    @property
    def state_rows(self) -> CloudRows:
        """The codes in the state format, from which the next step starts."""
        return self.observation.state_rows


@dataclass(frozen=True)
class Pause:
    """A step on the way to the next state, which is not counted."""

    step: int
    """the last one that was taken"""
    engine: StepEngine | LeapEngine
    """the one that took it"""

    @property
    def state_rows(self) -> CloudRows:
        """The codes in the state format, until the next step is taken."""
        return self.engine.state_rows


def count(
    observation: StepObservation | LeapObservation,
    partition: Partition,
    step: int,
    u: np.ndarray,
    exponent: int,
) -> State:
    """Count the cells of what the engine observed at `step`.

    `u`, float64 (dims,), is the direction; `exponent` is that of the sums' grid.
    """
    tokens, dims = int(np.count_nonzero(observation.present)), len(u)
    cells = partition.cells(observation.present, observation.representatives, observation.moved)
    terms = from_limbs(observation.limbs, exponent) * u
    counts = Counts(
        step=step,
        **cells.counts(),
        alive=tokens,
        radius=math.fsum(terms.ravel().tolist()) / tokens,
        stalled=observation.stalled / (tokens * dims),
    )
    return State(counts, cells.populations, observation)


_FIRST_VALUES, _BLOCK_SECONDS = 1e10, 1.0
"""The coordinates that the first block of steps moves, at most, and the seconds of later ones."""


def may_rest(drift: Drift) -> bool:
    """Return whether one step can tell that no later one will move anything."""
    return drift.schedule == "constant" and drift.rounding != "stochastic"


def stalled_at_rest(drift: Drift, u: np.ndarray, step: int = 0) -> int:
    """Count the coordinates that each step leaves where they were, once the drift is at rest.

    They are those of the tokens that are present after `step`.
    """
    return int(np.count_nonzero(displacements(drift, u, 1, 1))) * drift.alive(step)


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
        self.initial = initial_cloud(drift)
        self.u = direction(drift.direction, drift.dims, drift.direction_seed, self._centroid)
        strengths = drawn.strengths(drift)
        self._survivor_ranks = drawn.survivor_ranks(drift)
        self._partition = self._new_partition()
        self.engine: StepEngine | LeapEngine
        if engine == "leap":
            self.engine = LeapEngine(drift, self.u, chunks, pool)
        else:
            self.engine = StepEngine(chunks, drift.arithmetic, strengths, on, pool)
        self.step = 0
        self._most = max(1, int(_FIRST_VALUES / (drift.tokens * drift.dims)))
        self._at_rest = False
        self._observation_at_rest: StepObservation | None = None
        self._may_rest = may_rest(drift)
        target, state = drift.target, drift.arithmetic.state
        farthest = np.zeros((len(chunks), drift.dims), np.int64)

        def fill(start: int, stop: int) -> np.ndarray:
            codes = self.initial.codes(start, stop)
            # Found on the way, so that the range check reads the cloud no second time.
            farthest[start // chunks.size] = np.max(codes & (target.sign - 1), axis=0)
            return codes if state == target else state.code(target.value(codes))

        self.engine.load(fill)
        extent = target.value(farthest.max(axis=0))
        strength = max(1.0, float(np.max(np.abs(strengths))))
        range_check.check_range(drift, self.u, extent, strength)
        self._bound = range_check.largest_reached(drift, self.u, extent, strength)
        self._exponent = scale_exponent(self._bound)

    def _centroid(self) -> np.ndarray:
        drift = self.drift
        return exact_mean(self.initial.codes, drift.tokens, drift.dims, drift.target)

    def _new_partition(self) -> Partition:
        return Partition(self.drift.tokens, monotone=choose.has_monotone_steps(self.drift))

    def resume(self, step: int, fill: Fill) -> None:
        """Go on from the cloud of `step` that `fill` gives, in the state format."""
        self.engine.load(fill, step)
        self.step, self._at_rest, self._observation_at_rest = step, False, None
        self._partition = self._new_partition()

    def states(self, steps: Iterable[int]) -> Iterator[State]:
        """Move to each of `steps` in turn (rising, none behind) and count there.

        A state that is kept keeps its cloud in memory beside the one that moves on.
        """
        return (state for state in self.states_and_pauses(steps) if isinstance(state, State))

    def states_and_pauses(self, steps: Iterable[int]) -> Iterator[State | Pause]:
        """Move to each of `steps`, as `states` does, and pause every second or so on the way."""
        for step in steps:
            self._observe_present(step)
            yield (yield from self._state_at(step))

    def _observe_present(self, step: int) -> None:
        """Observe from now on the tokens that are present after `step`; others move unseen."""
        if self.drift.survivors is not None:
            self.engine.observe_only(self._survivor_ranks < self.drift.alive(step))

    def _state_at(self, step: int) -> Generator[Pause, None, State]:
        engine, grid = self.engine, self._exponent
        if isinstance(engine, LeapEngine):
            for reached in engine.approach(step, self._bound):
                yield Pause(reached, engine)
            found = engine.observe(step, grid, self._bound)
            return count(found, self._partition, step, self.u, grid)
        moved = self._observation_at_rest is None
        if step > self.step:
            observation = yield from self._stepped(engine, step)
        else:
            observation = engine.stay(grid)
        return count(replace(observation, moved=moved), self._partition, step, self.u, grid)

    def _stepped(self, engine: StepEngine, step: int) -> Generator[Pause, None, StepObservation]:
        """Move on to a later step and return the observation there."""
        leaving, block = self.drift.survivors is not None, min(engine.block, self._most)
        unseen = leaving and not self._at_rest and step - self.step > block
        if unseen:
            # Those that have left are kept, and move on: only all tokens can tell of rest.
            engine.observe_only(np.ones(self.drift.tokens, bool))
        # At rest no step is taken any more: all later observations are the one that showed it.
        while not self._at_rest:
            steps, began = min(engine.block, self._most, step - self.step), time.monotonic()
            if self.step + steps == step:
                if unseen:
                    self._observe_present(step)
                observation = engine.observe(self._next(steps), self._exponent, self._keys(steps))
                self.step = step
                if not leaving and self._is_at_rest(observation.stalled):
                    self._at_rest, self._observation_at_rest = True, observation
                return observation
            stalled = engine.move(self._next(steps), self._keys(steps))
            self.step += steps
            self._at_rest = self._is_at_rest(stalled)
            # So few steps together that a signal is heard soon; their number changes no bit.
            pace = steps / max(time.monotonic() - began, 1e-9)
            self._most = max(1, int(min(pace * _BLOCK_SECONDS, engine.block)))
            yield Pause(self.step, engine)
        self.step = step
        if self._observation_at_rest is None or leaving:
            if unseen:
                self._observe_present(step)
            stalled = stalled_at_rest(self.drift, self.u, step)
            self._observation_at_rest = replace(engine.stay(self._exponent), stalled=stalled)
        return self._observation_at_rest

    def _is_at_rest(self, stalled: int) -> bool:
        """Return whether no later step can move anything after one that `stalled` so many.

        All tokens must have been observed.
        """
        return self._may_rest and stalled == stalled_at_rest(self.drift, self.u)

    def _next(self, steps: int) -> np.ndarray:
        return displacements(self.drift, self.u, self.step + 1, self.step + steps)

    def _keys(self, steps: int) -> np.ndarray | None:
        stochastic = self.drift.rounding == "stochastic"
        return keys(self.drift, self.step + 1, self.step + steps) if stochastic else None
