"""Steps of any schedule, taken by the distinct values of each dimension, one step after another.

rank   the number of a code by value, -0 just below +0: kernels.formats
tile   WIDTH values of one dimension, given by their ranks

All tokens that have a value go where it goes. Shapes are fixed, so nothing of a
drift but its format and rounding compiles anything.

Where displacements never rise, a value that a step left where it was stays there for good:
every later displacement is of the same sign and no larger. (Computed weights may
rise by rounding, by far less than a float32 can tell; so the next larger float32
has to leave the value where it is as well.) Such values are at rest and not stepped
again, and values that have met go on as one. The one exception is a -0 whose
displacement becomes 0 later on, as -0 + 0 is +0; it goes on.

A value stalls at the first step that leaves it where it was though its displacement
is not 0, -0 and +0 being one value.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from drift.kernels.formats import Format, Rounding
from drift.kernels.rounding import quantise, widen
from drift.kernels.value_map.classes import (
    Displacements,
    SteppedMap,
    ValueClasses,
    same_value,
)

TILES, WIDTH, BLOCK = 512, 64, 64
"""The tiles of a call, the values of a tile, the displacements of a call."""


class LastStep(NamedTuple):
    """The values of each tile around the last step."""

    before: jax.Array
    """ranks before the last step, in the storage type (TILES, WIDTH)"""
    after: jax.Array
    """ranks after it, likewise"""


@partial(jax.jit, static_argnames=("target", "rounding"))
def iterate(
    ranks: jax.Array,
    displacements: jax.Array,
    taken: jax.Array,
    target: Format,
    rounding: Rounding,
) -> LastStep:
    """Take the first `taken` (int32, 1 or more) of a block of steps.

    ranks          ranks of `target`, in its storage type (TILES, WIDTH)
    displacements  of each tile's dimension, float32 (TILES, BLOCK)
    """

    def tile(start: jax.Array, steps: jax.Array) -> tuple[jax.Array, ...]:
        def step(t: jax.Array, x: jax.Array) -> jax.Array:
            return widen(quantise(x + steps[t], target, rounding), target)

        before = lax.fori_loop(0, taken - 1, step, widen(_code(start, target), target))
        ends = before, step(taken - 1, before)
        return tuple(_rank(quantise(x, target, "nearest"), target) for x in ends)

    return LastStep(*lax.map(lambda each: tile(*each), (ranks, displacements)))


def _rank(codes: jax.Array, target: Format) -> jax.Array:
    """Return ranks, in the storage type, of uint32 `codes`."""
    return _flipped(codes, codes >= jnp.uint32(target.sign), target).astype(target.storage)


def _code(ranks: jax.Array, target: Format) -> jax.Array:
    """Return uint32 codes of `ranks`."""
    ranks = ranks.astype(jnp.uint32)
    return _flipped(ranks, ranks < jnp.uint32(target.sign), target)


def _flipped(bits: jax.Array, negative: jax.Array, target: Format) -> jax.Array:
    """Turn a code into a rank, or back: all bits where the value is negative, else the sign."""
    sign = target.sign
    return bits ^ jnp.where(negative, jnp.uint32(2 * sign - 1), jnp.uint32(sign))


class StepwiseMap(SteppedMap):
    """The steps after the first to the second of `steps`, from the initial classes `classes`.

    `falling` is false where a displacement may exceed the one before it, or change its sign.
    """

    def __init__(
        self,
        classes: ValueClasses,
        displacements: Displacements,
        steps: tuple[int, int],
        target: Format,
        rounding: Rounding,
        falling: bool = True,
    ):
        self._classes, self._step = classes, steps[0]
        self._displacements, self._falling = displacements, falling
        # Of an optimizer the last step would cost all steps.
        self._never_zero = displacements(steps[1], steps[1])[0] != 0 if falling else None
        self._target, self._rounding = target, rounding
        self._at_rest = np.zeros(len(classes.values), bool)

    def _arrive(self, step: int) -> tuple[ValueClasses, ValueClasses]:
        # Where all are at rest nothing but the last step is taken, to tell what is stalled.
        stalled_classes = self._advance(step if self._at_rest.all() else self._step + 1, step)
        return self._classes, stalled_classes

    def approach(self, step: int) -> Iterator[tuple[int, ValueClasses]]:
        """Move on towards `step`; yield earlier steps, one for each block, and the classes there.

        Their values are ranks. There are none where all are at rest: `to` takes one step then.
        """
        while self._step + BLOCK < step and not self._at_rest.all():
            self._advance(self._step + 1, self._step + BLOCK)
            yield self._step, self._classes

    def _advance(self, first: int, last: int) -> ValueClasses:
        """Take the steps `first` to `last`, BLOCK at most; return the classes stalled."""
        block, classes = self._displacements(first, last), self._classes
        before, after, at_rest = self._take(block)
        moving = np.repeat(block[-1] != 0, classes.sizes)
        self._classes, self._step = classes.moved(after), last
        kept = np.searchsorted(classes.first_value, self._classes.first_value)
        if self._falling:
            # A -0 that the next step may turn into +0 is not at rest.
            turning = (after == self._target.sign - 1) & moving & ~self._moves_to_the_end(classes)
            at_rest &= ~turning
        self._at_rest = at_rest[kept]
        return replace(classes, values=moving & same_value(before, after, self._target))

    def _moves_to_the_end(self, classes: ValueClasses) -> np.ndarray:
        """Return whether each class has a displacement at the last of all steps, bool."""
        assert self._never_zero is not None, "displacements never rise"
        return np.repeat(self._never_zero, classes.sizes)

    def _take(self, block: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return ranks before and after the last step of `block` (steps, dims), and which rest.

        A class is at rest where neither that step nor a slightly larger one moves it, and later
        ones are no larger.
        """
        before, after = self._classes.values.copy(), self._classes.values.copy()
        at_rest = np.full(len(after), self._falling)
        dim_of, tiles = self._tiles()
        steps = np.zeros((-(-len(tiles) // TILES) * TILES, BLOCK), np.float32)
        steps[: len(tiles), : len(block)] = block.T[dim_of]
        # One more step, by the next larger float32, tells which values are at rest.
        larger = np.zeros_like(steps)
        last = steps[:, len(block) - 1]
        larger[:, 0] = np.where(last == 0, last, np.nextafter(last, np.copysign(np.inf, last)))

        take, calls = partial(iterate, target=self._target, rounding=self._rounding), []
        for start in range(0, len(tiles), TILES):
            which, by = tiles[start : start + TILES], slice(start, start + TILES)
            padded = np.zeros((TILES, WIDTH), self._target.storage)
            padded[: len(which)] = self._classes.values[which]
            done = take(padded, steps[by], np.int32(len(block)))
            more = take(done.after, larger[by], np.int32(1)).after if self._falling else done.after
            calls.append((which, (*done, more)))
        for which, ranks in calls:  # all were made first: they run side by side
            ends = [np.asarray(each)[: len(which)] for each in ranks]
            before[which], after[which] = ends[:2]
            if self._falling:
                at_rest[which] = (ends[0] == ends[1]) & (ends[1] == ends[2])
        return before, after, at_rest

    def _tiles(self) -> tuple[np.ndarray, np.ndarray]:
        """Return tiles of the classes not at rest: dimension (tiles,), classes (tiles, WIDTH)."""
        moving = np.flatnonzero(~self._at_rest)
        bounds = np.searchsorted(moving, self._classes.bounds)
        count = -(-np.diff(bounds) // WIDTH)
        dim_of = np.repeat(np.arange(len(count)), count)
        nth = np.arange(len(dim_of)) - np.repeat(np.cumsum(count) - count, count)
        at = (bounds[dim_of] + nth * WIDTH)[:, None] + np.arange(WIDTH)
        # The last tile of a dimension is filled up with its last class.
        return dim_of, moving[np.minimum(at, bounds[dim_of + 1][:, None] - 1)]


STALL_WIDTH, STALL_BLOCK = 1024, 256
"""The values and the displacements of a call of `stall`."""


@partial(jax.jit, static_argnames=("state", "rounding"))
def stall(
    values: jax.Array,
    displacements: jax.Array,
    taken: jax.Array,
    state: Format,
    rounding: Rounding,
) -> tuple[jax.Array, jax.Array]:
    """Take the first `taken` (int32) of a block of steps, and find where each value stalls.

    values         of `state`, float32 (STALL_WIDTH,)
    displacements  float32 (STALL_BLOCK, STALL_WIDTH)

    Returns the values then, and the number of the step, from 0, at which each stalled,
    int32 (STALL_WIDTH,); STALL_BLOCK where it did not.
    """

    def step(t: jax.Array, carry: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        before, first = carry
        after = widen(quantise(before + displacements[t], state, rounding), state)
        stalled = (after == before) & (displacements[t] != 0)
        return after, jnp.where(stalled, jnp.minimum(first, t), first)

    return lax.fori_loop(0, taken, step, (values, jnp.full(STALL_WIDTH, STALL_BLOCK, jnp.int32)))
