"""One drift from its initial cloud to its last step, a record at a time.

state    the cloud at one step, counted
pause    a step between two of them, between blocks of steps: work can be saved or given up there
"""

import math
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Protocol, TypeGuard

import numpy as np

from drift.kernels.exact_sum import from_limbs, scale_exponent
from drift.kernels.formats import Compensated
from drift.sim.clouds import drawn
from drift.sim.clouds.direction import exact_mean
from drift.sim.clouds.initial import extremes, initial_cloud
from drift.sim.counting.cells import Counts
from drift.sim.counting.partition import Partition
from drift.sim.devices.host import Host
from drift.sim.engines import choose, range_check
from drift.sim.engines.choose import Engine
from drift.sim.engines.chunks import Chunks, Fill
from drift.sim.engines.rows import CloudRows, initial_sums
from drift.sim.motions.make import motion_of
from drift.sim.motions.motion import Motion
from drift.sim.motions.since import RecordSums, mean_change, shortened
from drift.sim.spec.drift import Drift
from drift.sim.stopwatch import Stopwatch

if TYPE_CHECKING:
    import jax

    from drift.sim.devices.shards import Shards


class Observation(Protocol):
    """The cloud at one step, as an engine finds it."""

    @property
    def rows(self) -> CloudRows:
        """The codes in the view format, which are counted."""

    @property
    def state_rows(self) -> CloudRows:
        """The codes in the state format, from which the next step starts."""

    @property
    def present(self) -> np.ndarray:
        """The tokens that are observed, bool (tokens,)."""

    @property
    def stalled(self) -> int:
        """The number of coordinates that the last step left where they were."""

    @property
    def limbs(self) -> np.ndarray:
        """The exact sum over present tokens, int64 (LIMBS, dims): kernels.exact_sum."""

    @property
    def kept(self) -> int | None:
        """The number of coordinates that the last step left where they were, displaced or not.

        None where only what is displaced can move.
        """

    @property
    def moved(self) -> bool:
        """True where any token may be elsewhere than at the observation before."""

    def representatives(self, tokens: np.ndarray) -> np.ndarray:
        """Return the representatives of `tokens`, int64, as sim.counting.coalesce does."""


class MovingCloud(Protocol):
    """The cloud of one drift, in an engine that moves it."""

    @property
    def state_rows(self) -> CloudRows:
        """The codes in the state format, until the next step is taken."""

    def load(self, fill: Fill, step: int = 0) -> None:
        """Take the cloud of any `step` from `fill`, called once a chunk, from several threads."""

    def observe_only(self, present: np.ndarray) -> None:
        """Observe from now on the tokens for which `present`, bool (tokens,), is true."""

    def approach(self, step: int, bound: float) -> Iterator[int]:
        """Move on towards `step`, where that takes long; yield earlier steps once they are taken.

        No value exceeds `bound` in magnitude.
        """

    def observe(
        self, step: int, exponent: int, bound: float, following: int | None = None
    ) -> Observation:
        """Move on to `step` and observe; sums are on the grid of 2**`exponent`.

        The steps up to the one before `following`, which is observed next, may begin.
        """


@dataclass(frozen=True)
class State:
    """The cloud at one step: its counts, its black holes, its codes."""

    counts: Counts
    """what is reported of the step"""
    populations: np.ndarray
    """int64 (black holes,): the tokens of each, falling"""
    observation: Observation
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
    engine: MovingCloud
    """the one that took it"""

    @property
    def state_rows(self) -> CloudRows:
        """The codes in the state format, until the next step is taken."""
        return self.engine.state_rows


def _is_state(found: State | Pause) -> TypeGuard[State]:
    return isinstance(found, State)


def count(
    observation: Observation,
    after: RecordSums,
    partition: Partition,
    motion: Motion,
    exponent: int,
    before: RecordSums | None,
) -> State:
    """Count the cells of what the engine observed, `after` a step of its motion.

    `exponent` is that of the sums' grid, `before` are those of the last record, if any.
    """
    step, tokens, dims, u = after.step, int(after.alive), motion.dims, motion.u
    cells = partition.cells(observation.present, observation.representatives, observation.moved)
    if before is None:
        (after,) = shortened(after)
    else:
        before, after = shortened(before, after)
    along = math.fsum((from_limbs(after.limbs, exponent) * u).ravel().tolist())
    counts = Counts(
        step=step,
        **cells.counts(),
        alive=tokens,
        radius=None if math.isnan(along) else along / tokens,
        stalled=observation.stalled / (tokens * dims),
        asked=0.0 if before is None else motion.asked(before.step, step),
        done=0.0 if before is None else float(mean_change(before, after, exponent)),
        moved=motion.changed(step, tokens, observation.stalled, observation.kept) / (tokens * dims),
    )
    return State(counts, cells.populations, observation)


class Simulation:
    """A drift whose cloud is there and whose range is checked, at step 0.

    Raises BadInput where the drift would leave the format's range, and where its
    cloud can't be had.
    """

    def __init__(
        self,
        drift: Drift,
        chunks: Chunks,
        on: "jax.Device | Shards | Host",
        pool: ThreadPoolExecutor,
        engine: Engine = "step",
    ):
        self.drift = drift
        self.watch = Stopwatch("draw", "move", "count", "write")
        """where the time goes; writing is timed by who writes"""
        with self.watch.timing("draw"):
            self.initial = initial_cloud(drift)
            self.motion = motion_of(drift, self._centroid)
            self.u = self.motion.u
            strengths = drawn.strengths(drift)
            self._survivor_ranks = drawn.survivor_ranks(drift)
        self._partition, self._recorded = self._new_partition(), {*drift.record_steps}
        self.since: RecordSums | None = None
        """the sums at the last record, or at step 0; None before it"""
        self.engine = choose.moving_cloud(self.motion, strengths, chunks, on, pool, engine)
        with self.watch.timing("draw"):
            extent = self._load(chunks)
        strength = max(1.0, float(np.max(np.abs(strengths))))
        range_check.check_range(self.motion, extent, strength, self._extremes)
        self._bound = float(range_check.largest_reached(self.motion, extent, strength))
        self._exponent = scale_exponent(self._bound)

    def _load(self, chunks: Chunks) -> np.ndarray:
        """Draw the cloud into the engine; return the largest magnitudes, float (dims,)."""
        state, held = self.drift.arithmetic.state, self.drift.arithmetic.held
        farthest = np.zeros((len(chunks), self.drift.dims), np.int64)

        def fill(start: int, stop: int) -> np.ndarray:
            codes = self.initial.states(start, stop)
            # Found on the way, so that the range check reads the cloud no second time.
            farthest[start // chunks.size] = np.max(codes & (state.sign - 1), axis=0)
            return held.pair(codes) if isinstance(held, Compensated) else codes

        self.engine.load(fill)
        return state.value(farthest.max(axis=0))

    def _extremes(self) -> np.ndarray:
        """Return the smallest and the largest value in each dimension, float64 (2, dims)."""
        return extremes(self.initial, self.drift)

    def _centroid(self) -> np.ndarray:
        drift = self.drift
        state = drift.arithmetic.state
        return exact_mean(self.initial.states, drift.tokens, drift.dims, state)

    def _new_partition(self) -> Partition:
        return Partition(self.drift.tokens, monotone=choose.has_monotone_steps(self.drift))

    def resume(self, step: int, fill: Fill, since: RecordSums) -> None:
        """Go on from the cloud of `step` that `fill` gives, in the state format.

        `since` are the sums at the last record before it.
        """
        self.since = since
        with self.watch.timing("draw"):
            self.engine.load(fill, step)
        self._partition = self._new_partition()

    def states(self, steps: Iterable[int]) -> Iterator[State]:
        """Move to each of `steps` in turn (rising, none behind) and count there.

        A state that is kept keeps its cloud in memory beside the one that moves on.
        """
        # A loop's variable would keep each state's cloud until the next one is there.
        return filter(_is_state, self.states_and_pauses(steps))

    def states_and_pauses(self, steps: Iterable[int]) -> Iterator[State | Pause]:
        """Move to each of `steps`, as `states` does, and pause every second or so on the way."""
        for step, following in pairwise(chain(steps, [None])):
            if step is not None:
                self._observe_present(step)
                yield (yield from self._state_at(step, following))

    def _observe_present(self, step: int) -> None:
        """Observe from now on the tokens that are present after `step`; others move unseen."""
        if self.drift.survivors is not None:
            self.engine.observe_only(self._survivor_ranks < self.drift.alive(step))

    def _state_at(self, step: int, following: int | None) -> Generator[Pause, None, State]:
        if step and self.since is None:  # nothing is counted yet, and nothing has moved
            with self.watch.timing("count"):
                rows = self.engine.state_rows
                self.since = initial_sums(rows, self.drift.target, self._exponent)
        for reached in self.watch.each("move", self.engine.approach(step, self._bound)):
            yield Pause(reached, self.engine)
        with self.watch.timing("move"):
            found = self.engine.observe(step, self._exponent, self._bound, following)
        with self.watch.timing("count"):
            after = RecordSums(step, int(np.count_nonzero(found.present)), found.limbs)
            before = self.since if step else None
            counted = count(found, after, self._partition, self.motion, self._exponent, before)
            if step == 0 or step in self._recorded:
                self.since = after
            return counted
