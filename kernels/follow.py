"""Steps of distinct values: what one value does, every token that has it does.

place   the rank of a code by value, -0 just below +0: kernels.formats
piece   WIDTH values of one dimension, given by their places

All pieces of a call take the same steps, each by the displacements of its own
dimension. Shapes are fixed, so nothing of a drift but its format and rounding
compiles anything.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from drift.kernels.formats import Format
from drift.kernels.motion import Rounding
from drift.kernels.rounding import quantise, widen

PIECES, WIDTH, BLOCK = 512, 64, 64
"""Pieces of a call, values of a piece, displacements of a call."""


class Followed(NamedTuple):
    """Where the values of each piece are about the last step."""

    before: jax.Array
    """the last step, places in the storage type (PIECES, WIDTH)"""
    after: jax.Array
    """likewise"""


@partial(jax.jit, static_argnames=("target", "rounding"))
def follow(
    places: jax.Array,
    displacements: jax.Array,
    taken: jax.Array,
    target: Format,
    rounding: Rounding,
) -> Followed:
    """Take the first `taken` (int32, 1 or more) of a block of steps.

    places         of `target`, in its storage type (PIECES, WIDTH)
    displacements  float32 (PIECES, BLOCK), those of each piece's dimension
    """

    def piece(start: jax.Array, steps: jax.Array) -> tuple[jax.Array, ...]:
        def step(t: jax.Array, x: jax.Array) -> jax.Array:
            return widen(quantise(x + steps[t], target, rounding), target)

        before = lax.fori_loop(0, taken - 1, step, widen(_code(start, target), target))
        ends = before, step(taken - 1, before)
        return tuple(_place(quantise(x, target, "nearest"), target) for x in ends)

    return Followed(*lax.map(lambda each: piece(*each), (places, displacements)))


def _place(codes: jax.Array, target: Format) -> jax.Array:
    """Places, in the storage type, of uint32 `codes`."""
    return _flipped(codes, codes >= jnp.uint32(target.sign), target).astype(target.storage)


def _code(places: jax.Array, target: Format) -> jax.Array:
    """uint32 codes of `places`."""
    places = places.astype(jnp.uint32)
    return _flipped(places, places < jnp.uint32(target.sign), target)


def _flipped(bits: jax.Array, negative: jax.Array, target: Format) -> jax.Array:
    """A code from a place and back: all bits turn where the value is negative, else the sign."""
    sign = target.sign
    return bits ^ jnp.where(negative, jnp.uint32(2 * sign - 1), jnp.uint32(sign))
