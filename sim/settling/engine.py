"""The step engine of accelerators, and of several devices: it carries what can still differ.

Tokens whose states are equal go on together for ever, and a dimension in which all tokens hold one
state is settled for ever, where a step is one function for all tokens. What is carried then is one
row for each state, in the open dimensions (kernels.stepping.carried). Where tokens differ in their
steps all is carried to the end; cells are found on the device there too.

A record is one call, and one array of some bytes a row that comes back. The next steps are begun
before that is waited for. Tokens that have left go on as all others do: a snapshot wants them.
Bit for bit this is what sim.engines.host and sim.engines.step give.
"""

import threading
import time
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import jax
import numpy as np

from drift.kernels.exact_sum_jax import part_bits
from drift.kernels.row_groups_jax import MOST_ROWS
from drift.kernels.stepping.block import ACCELERATOR_BLOCK, BLOCK, Path
from drift.kernels.stepping.carried import CarriedCodes, StepsResult
from drift.kernels.stepping.fused import Fused
from drift.kernels.stepping.summary import Summary, read_summary
from drift.sim.devices.shards import Shards
from drift.sim.errors import BadInput
from drift.sim.motions.motion import Motion
from drift.sim.settling import sizes
from drift.sim.settling.carrier_feed import CarrierFeed
from drift.sim.settling.observation import CarriedObservation
from drift.sim.settling.part import CloudPart, RowCells, cells_of
from drift.sim.settling.programs import programs
from drift.sim.settling.rows import HeldCodes, SettlingRows
from drift.sim.settling.step_feed import StepFeed

if TYPE_CHECKING:
    from drift.sim.engines.chunks import Chunks, Fill

_FIRST_VALUES, _BLOCK_SECONDS = 1e10, 1.0
"""The coordinates that the first block of steps moves, at most, and the seconds of later ones."""
_AHEAD_BYTES = 4 << 30
"""The most that is carried twice, so that the next steps can begin early."""


class SettlingEngine:
    """Moves the cloud of a drift by its `motion`; `strengths` is float32 (tokens,).

    The kernels step along `path`.
    """

    name = "step"

    def __init__(
        self,
        motion: Motion,
        strengths: np.ndarray,
        chunks: "Chunks",
        on: jax.Device | Shards,
        pool: Executor,
        path: tuple[Path, str],
    ):
        self._drift, self._motion, self._chunks, self._pool = motion.drift, motion, chunks, pool
        self._arithmetic = motion.drift.arithmetic
        self._way, self.path = path
        """the way in which the kernels step, in words"""
        self._whole_rows = sizes.first_rows(len(chunks) * chunks.size, chunks.dims, self._way)
        if self._whole_rows > MOST_ROWS:
            raise BadInput(f"tokens is {chunks.tokens}; devices take about {MOST_ROWS} at most")
        self._devices = Shards.of(on)
        self._block = ACCELERATOR_BLOCK if isinstance(self._way, Fused) else BLOCK
        bits = part_bits(chunks.tokens)
        self._programs = programs(self._devices, self._arithmetic, self._way, bits)
        placing, own = self._programs.placing, not self._arithmetic.shared
        self._feed = StepFeed(motion, placing, self._block)
        self._whom = CarrierFeed(placing, strengths if own else None)
        self._present = np.ones(chunks.tokens, bool)
        self._at_once = _FIRST_VALUES

    def load(self, fill: "Fill", step: int = 0) -> None:
        """Take the cloud of any `step` from `fill`, called once a chunk, from several threads."""
        chunks, feed, programs = self._chunks, self._feed, self._programs
        rows = self._whole_rows
        states = programs.zeros((rows, feed.columns))
        writing = threading.Lock()

        def one(chunk: int) -> None:
            nonlocal states
            start, stop = chunks.bounds(chunk)
            piece = programs.put(chunks.filled(fill(start, stop)), partial(feed.wide, other=0))
            with writing:
                states = programs.place(states, piece, programs.placing.whole(np.int32(start)))

        list(self._pool.map(one, range(len(chunks))))
        self._carried = programs.finish(states, programs.placing.whole(np.int32(chunks.tokens)))
        self._part = CloudPart.whole(chunks.tokens, chunks.dims, rows, len(self._devices))
        self._origin = self._step = step
        self._cut_at, self._at_rest = step + 1, False
        self._observed_at_rest: CarriedObservation[SettlingRows] | None = None
        self._given: weakref.ref[HeldCodes] | None = None
        self._waiting: jax.Array | None = None

    def observe_only(self, present: np.ndarray) -> None:
        """Observe from now on the tokens for which `present`, bool (tokens,), is true."""
        self._present = present

    @property
    def state_rows(self) -> SettlingRows:
        """The codes in the state format, until the next step is taken."""
        return self._rows(self._held())[1]

    def _rows(self, held: HeldCodes) -> tuple[SettlingRows, SettlingRows]:
        """Return what is held in the view format, and as it is held."""
        arithmetic = self._arithmetic
        view, state = (
            SettlingRows(held, arithmetic, each) for each in (arithmetic.view, arithmetic.held)
        )
        return view, state

    def approach(self, step: int, bound: float) -> Iterator[int]:
        """Move on towards `step`, where that takes long; yield earlier steps once they are taken.

        No value exceeds `bound` in magnitude.
        """
        began = time.monotonic()
        while not self._at_rest and step - self._step > self._most:
            steps, before, values = self._most, self._waiting, self._values
            self._waiting = None
            if self._is_due(self._step + steps):
                summary = self._read(self._observe(steps, 0))
                self._cut_down(summary, self._cells(summary, self._held()))
            else:
                self._move(steps)
            if before is not None:
                # Asked only now: while one block's end is told the next is on its way.
                self._at_rest = bool(jax.device_get(before)[0]) and self._motion.may_rest
            # So few steps together that a signal is heard soon; their number changes no bit.
            took, began = max(time.monotonic() - began, 1e-9), time.monotonic()
            self._at_once = values * steps / took * _BLOCK_SECONDS
            yield self._step

    def _is_due(self, step: int) -> bool:
        """Return whether to look, after a step that is not recorded, what has settled."""
        return self._arithmetic.shared and self._values > sizes.SMALL and step >= self._cut_at

    @property
    def _values(self) -> int:
        """The number of values that are carried."""
        return self._part.rows * self._part.dim.size

    @property
    def _most(self) -> int:
        """The steps that are taken together, at most."""
        return max(1, min(self._block, int(self._at_once / self._values)))

    def observe(
        self, step: int, exponent: int, bound: float, following: int | None = None
    ) -> CarriedObservation[SettlingRows]:
        """Move on to `step` and observe.

        Values are summed on the grid of 2**`exponent`, see kernels.exact_sum, and none exceeds
        `bound` in magnitude. `following` is the step that will be observed next, if any.
        """
        last = self._observed_at_rest
        if last is not None and np.array_equal(last.present, self._present):
            return replace(last, moved=False)
        for _ in self.approach(step, bound):
            pass
        steps = 0 if self._at_rest else step - self._step
        told, held = self._observe(steps, exponent), self._held()
        self._given, self._step = weakref.ref(held), step
        self._go_ahead(following)
        summary, alive = self._read(told), int(np.count_nonzero(self._present))
        cells = self._cells(summary, held)
        found = self._part.numbers(summary, alive, exponent, self._arithmetic)
        resting, self._at_rest = (
            self._at_rest,
            self._at_rest or (steps > 0 and found.still and self._motion.may_rest),
        )
        view, state = self._rows(held)
        observed = CarriedObservation(
            rows=view,
            state_rows=state,
            present=self._present,
            stalled=alive * self._motion.moving_dims if resting else found.stalled,
            limbs=found.limbs,
            moved=last is None,
            cells=cells.first,
            kept=found.kept if self._arithmetic.moves_unasked else None,
        )
        self._cut_down(summary, cells)
        if self._at_rest:
            self._observed_at_rest = observed
        return observed

    def _go_ahead(self, following: int | None) -> None:
        """Begin the steps that come before the one that will be observed next."""
        if following is None or self._devices.on_host:  # whose cores have enough to do
            return
        steps = min(following - self._step - 1, self._most)
        nbytes = sum(each.nbytes for each in jax.tree.leaves(self._carried.codes))
        if steps > 0 and not self._at_rest and nbytes <= _AHEAD_BYTES:
            self._move(steps)

    def _move(self, steps: int) -> None:
        self._waiting = self._call(self._programs.move, steps)

    def _observe(self, steps: int, exponent: int) -> jax.Array:
        """Take some steps, or none, and ask for the summary, which is not waited for."""
        weights, scale = self._feed.weights, self._feed.scale(exponent)
        return self._call(self._programs.observe, steps, weights, scale)

    def _call(
        self, program: Callable[..., StepsResult], steps: int, *others: jax.Array
    ) -> jax.Array:
        held, self._given = self._given and self._given(), None
        # The program writes over what it is given; what somebody may still ask for is copied.
        carried = self._carried if held is None else self._programs.copy(self._carried)
        carriers = self._whom.carriers(self._part, self._present)
        first, self._step = self._step + 1, self._step + steps
        moved = program(carried, carriers, self._feed.steps(first, self._step), *others)
        self._carried = moved.carried
        moved.told.copy_to_host_async()
        return moved.told

    def _read(self, told: jax.Array) -> Summary:
        """Wait for a summary of what is carried as it stands."""
        part = self._part
        return read_summary(
            jax.device_get(told), part.rows, part.share, self._programs.parts, len(part.dim)
        )

    def _held(self) -> HeldCodes:
        return HeldCodes(self._carried, self._part, self._programs)

    def _cells(self, summary: Summary, held: HeldCodes) -> RowCells:
        used = held.part.dim.ravel() >= 0

        def fetch(rows: np.ndarray) -> np.ndarray:
            return np.concatenate([each[:, used] for each in held.fetch(rows)])

        return cells_of(summary, fetch, self._arithmetic)

    def _cut_down(self, summary: Summary, cells: RowCells) -> None:
        """Carry less from now on, where that is worth it."""
        # The first steps part most; later ones are looked at again and again, but ever more seldom.
        self._cut_at = self._origin + max(1, 2 * (self._step - self._origin))
        cut = self._part.cut_down(summary, cells) if self._arithmetic.shared else None
        if cut is not None:
            placing = self._programs.placing
            rows, columns = placing.whole(cut.rows), placing.entries(cut.columns)
            codes = self._programs.cut(self._carried.codes, rows, columns)
            self._carried, self._part = CarriedCodes(codes, self._carried.sample), cut.part
