"""Where single values stall: one for each dimension, stepped as every engine steps it.

A value stalls at the first step that leaves it where it was though its displacement
is not 0 (-0 and +0 being one value). Shapes are fixed, as in kernels.follow.
"""

from functools import partial

import jax
import jax.numpy as jnp
from jax import lax

from drift.kernels.formats import Format
from drift.kernels.motion import Rounding
from drift.kernels.rounding import quantise, widen

WIDTH, BLOCK = 1024, 256
"""Values and displacements of a call."""


@partial(jax.jit, static_argnames=("held", "rounding"))
def stall(
    values: jax.Array,
    displacements: jax.Array,
    taken: jax.Array,
    held: Format,
    rounding: Rounding,
) -> tuple[jax.Array, jax.Array]:
    """Take the first `taken` (int32) of a block of steps.

    values         of `held`, float32 (WIDTH,)
    displacements  float32 (BLOCK, WIDTH)

    Returns the values then, and the number of the step, from 0, at which each stalled,
    int32 (WIDTH,); BLOCK where it did not.
    """

    def step(t: jax.Array, seen: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        before, stalled = seen
        after = widen(quantise(before + displacements[t], held, rounding), held)
        still = (after == before) & (displacements[t] != 0)
        return after, jnp.where(still, jnp.minimum(stalled, t), stalled)

    return lax.fori_loop(0, taken, step, (values, jnp.full(WIDTH, BLOCK, jnp.int32)))
