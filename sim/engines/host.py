"""The step engine on a CPU without JAX: it carries only what can still differ.

Here nothing depends on the token, so tokens whose states are equal go on together for ever, and a
dimension in which all tokens hold one state is settled for ever. What is moved is one row for each
state, in the dimensions that are open, and one value for each dimension that is settled.

state    the bits from which a step starts, -0 and +0 apart; the compensation's too
row      the state of one token or more, in the open dimensions
settled  a dimension in which all tokens hold one state; the others are open

Tokens that have left go on as all others do: a snapshot wants them. Bit for bit this is what the
step engine of a device gives (sim.engines.step).
"""

import weakref
from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from drift.kernels.exact_sum import LIMBS
from drift.kernels.formats import Compensated
from drift.kernels.stepping.host import RowsResult, step_rows
from drift.sim.engines.chunks import Chunks, Fill
from drift.sim.motions.motion import Motion
from drift.sim.settling.host_part import WORTHWHILE, Carried, CarriedRows
from drift.sim.settling.observation import CarriedObservation

_ELEMENTS = 1 << 18
"""Values that a thread moves at a time. Of half as many, NumPy's calls are so short that threads
wait for the interpreter's lock; twice as many leave the caches."""
_STEPS, _VALUES = 256, 1 << 30
"""Steps taken at a time, and coordinates moved in them, at most: about a second's work."""


class HostEngine:
    """Moves the cloud of a drift whose steps kernels.stepping.host supports, by its `motion`."""

    name = "step"

    def __init__(self, motion: Motion, chunks: Chunks, pool: Executor):
        self._drift, self._motion, self._chunks, self._pool = motion.drift, motion, chunks, pool
        self._present = np.ones(chunks.tokens, bool)

    def load(self, fill: Fill, step: int = 0) -> None:
        """Take the cloud of any `step` from `fill`, called once a chunk, from several threads."""
        tokens, dims, held = self._chunks.tokens, self._chunks.dims, self._drift.arithmetic.held
        codes = np.empty((tokens, dims), held.storage)
        ends = np.empty((len(self._chunks), 2, dims), held.storage)

        def one(chunk: int) -> None:
            start, stop = self._chunks.bounds(chunk)
            codes[start:stop] = fill(start, stop)
            if not isinstance(held, Compensated):
                ends[chunk] = held.extremes(codes[start:stop])

        list(self._pool.map(one, range(len(self._chunks))))
        self._ends: np.ndarray | None = None  # a step with compensated sums is not monotone
        if not isinstance(held, Compensated):
            self._ends = held.extremes(ends.reshape(-1, dims))
        none = np.zeros(0, np.int64)
        self._carried = Carried(codes, np.arange(tokens), np.arange(dims), none, codes[0, :0])
        self._origin = self._step = step
        self._cut_at, self._at_rest = step + 1, False
        self._observed_at_rest: CarriedObservation[CarriedRows] | None = None
        self._given: weakref.ref[Carried] | None = None

    def observe_only(self, present: np.ndarray) -> None:
        """Observe from now on the tokens for which `present`, bool (tokens,), is true."""
        self._present = present

    @property
    def state_rows(self) -> CarriedRows:
        """The codes in the state format, until the next step is taken."""
        return CarriedRows(self._carried, self._drift.arithmetic.held)

    def approach(self, step: int, bound: float) -> Iterator[int]:
        """Move on towards `step`, as far as one last move is not long; yield the steps reached."""
        while not self._at_rest and (stop := self._next_stop(step)) < step:
            moved = self._move(stop, None)
            if stop == self._cut_at:
                self._cut_down(moved.view.cells(self._drift.target))
            yield stop

    def _next_stop(self, step: int) -> int:
        """Return how far to go at once towards `step`."""
        at_once = _VALUES // max(1, self._carried.codes.size)
        return min(step, self._cut_at, self._step + min(max(1, at_once), _STEPS))

    def observe(
        self, step: int, exponent: int, bound: float, following: int | None = None
    ) -> CarriedObservation[CarriedRows]:
        """Move on to `step` and observe.

        Values are summed on the grid of 2**`exponent`, see kernels.exact_sum, and none exceeds
        `bound` in magnitude.
        """
        last = self._observed_at_rest
        if last is not None and np.array_equal(last.present, self._present):
            return replace(last, moved=False)
        for _ in self.approach(step, bound):
            pass
        scale = np.float32(np.ldexp(1.0, exponent))
        found = self._move(self._step if self._at_rest else step, scale)
        self._step, target = step, self._drift.target
        alive = int(np.count_nonzero(self._present))
        stalled, kept = found.stalled, found.kept
        if self._at_rest:  # no step may have been taken that tells it
            stalled, kept = alive * self._motion.moving_dims, alive * self._chunks.dims
        state = replace(self._carried)
        self._given = weakref.ref(state)
        view = state if found.view is self._carried else found.view
        observed = CarriedObservation(
            rows=CarriedRows(view, target),
            state_rows=CarriedRows(state, self._drift.arithmetic.held),
            present=self._present,
            stalled=stalled,
            limbs=found.limbs,
            moved=last is None,
            cells=view.cells(target),
            kept=kept if self._drift.arithmetic.moves_unasked else None,
        )
        self._cut_down(observed.cells)
        if self._at_rest:
            self._observed_at_rest = observed
        return observed

    def _cut_down(self, cells: np.ndarray) -> None:
        """Carry less from now on, where that is worth it."""
        self._carried = self._carried.cut_down(cells)
        # The first steps part most; later ones are looked at again and again, but ever more seldom.
        self._cut_at = self._origin + max(1, 2 * (self._step - self._origin))

    def _move(self, last: int, scale: np.float32 | None) -> "_Moved":
        """Take the steps up to `last`, none where that is where the cloud is; observe if asked."""
        arithmetic, met = self._drift.arithmetic, False
        if last > self._step and self._ends is not None:
            ends, self._ends = self._ends, None
            met = scale is None and self._settle(ends, last)
        carried, (alive, counts) = self._carried, self._counts()
        first, motion = self._step + 1, self._motion
        steps, factors = (
            motion.displacements(first, last, carried.open),
            motion.factors(first, last),
        )
        # Codes that nobody else has any more are written over: fresh memory costs more than a step.
        given = None if self._given is None else self._given()
        held = given is not None and given.codes is carried.codes
        codes = np.empty_like(carried.codes) if held and len(steps) else carried.codes
        size = max(1, _ELEMENTS // max(1, len(carried.open)))
        parts = [slice(start, start + size) for start in range(0, len(carried.codes), size)]

        def one(part: slice) -> RowsResult:
            here = None if counts is None else counts[part]
            out = codes[part] if len(steps) else None
            return step_rows(carried.codes[part], steps, here, scale, arithmetic, out, factors)

        moved = list((self._pool.map if len(parts) > 1 else map)(one, parts))
        settled = step_rows(
            carried.values[None],
            motion.displacements(first, last, carried.settled),
            np.array([alive], np.float64),
            scale,
            arithmetic,
            factors=factors,
        )
        self._carried = view = replace(carried, codes=codes, values=settled.codes[0])
        if arithmetic.view != arithmetic.held:
            seen = np.concatenate([each.view for each in moved])
            view = replace(carried, codes=seen, values=settled.view[0])
        if last > self._step:
            still = not met and settled.still and all(each.still for each in moved)
            self._at_rest = still and self._motion.may_rest
        self._step = last
        limbs = np.zeros((LIMBS, self._chunks.dims), np.int64)
        limbs[:, carried.settled] = settled.limbs
        for each in moved:
            limbs[:, carried.open] += each.limbs
        every = [settled, *moved]
        stalled, kept = (sum(getattr(each, name) for each in every) for name in ("stalled", "kept"))
        return _Moved(view, stalled, limbs, kept)

    def _settle(self, ends: np.ndarray, last: int) -> bool:
        """Settle dimensions whose tokens the steps up to `last` take to one state; is there any?

        `ends`, (2, dims), are codes of the least and the largest value of the cloud. A step is
        monotone: where they meet, all between them do. Which of these stalled is not told then.
        """
        carried, motion, first = self._carried, self._motion, self._step + 1
        # What all tokens share from the start may have been cut off at a record of that.
        ends = ends[:, carried.open]
        steps, factors = (
            motion.displacements(first, last, carried.open),
            motion.factors(first, last),
        )
        after = step_rows(ends, steps, None, None, self._drift.arithmetic, factors=factors).codes
        meets = after[0] == after[1]
        if np.count_nonzero(~meets) > WORTHWHILE * len(meets):
            return False
        kept, met = np.flatnonzero(~meets), np.flatnonzero(meets)
        codes = np.empty((len(carried.codes), len(kept)), carried.codes.dtype)

        def pick(chunk: int) -> None:
            part = slice(*self._chunks.bounds(chunk))
            np.take(carried.codes[part], kept, axis=1, out=codes[part], mode="clip")

        list(self._pool.map(pick, range(len(self._chunks))))
        # Any of its tokens stands for all of a settled dimension.
        settled = np.concatenate([carried.settled, carried.open[met]])
        values = np.concatenate([carried.values, ends[0, met]])
        self._carried = Carried(codes, carried.row, carried.open[kept], settled, values)
        return True

    def _counts(self) -> tuple[int, np.ndarray | None]:
        """Return the number of present tokens, and of each row, float64; None for one each."""
        row, rows = self._carried.row, len(self._carried.codes)
        alive = int(np.count_nonzero(self._present))
        if alive == rows == len(row):
            return alive, None
        return alive, np.bincount(row[self._present], minlength=rows).astype(np.float64)


class _Moved(NamedTuple):
    """The cloud after some steps: its codes in the view format, and what was observed."""

    view: Carried
    stalled: int
    limbs: np.ndarray
    kept: int
