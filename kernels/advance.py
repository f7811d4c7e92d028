"""The step, many times, and what is observed after the last one.

    y = x + displacement    one IEEE float32 add
    x <- nearest(y)         to bfloat16, ties to even

Displacements come in blocks of BLOCK rows of which the first `steps` are used,
so that no number of steps, radius or schedule compiles anything anew. Nothing
is fused or kept wider: the result equals NumPy with ml_dtypes, bit for bit.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from kernels.fingerprint import fingerprint
from kernels.fixed_point import LIMBS, limb_sums
from kernels.rounding import narrow, nearest, widen

BLOCK = 32
"""Displacements per call: few enough to stay in a core's cache at 2,560 dims."""

STAY = -0.0
"""The displacement that changes no bit: x + -0 is x, for both zeros too."""


Sums = tuple[jax.Array, ...]


class Advanced(NamedTuple):
    """A chunk of the cloud after `advance`, and what was seen of it."""

    codes: jax.Array
    """uint16 (tiles, tile rows, dims)"""
    fingerprints: jax.Array
    """uint32 (tiles, tile rows, 2)"""
    stalled: jax.Array
    """int32 (tiles, tile rows): coordinates the last step left where they were"""
    limbs: jax.Array
    """int32 (LIMBS, dims): the present rows' exact sum, see kernels.fixed_point"""


@jax.jit
def advance(
    codes: jax.Array,
    present: jax.Array,
    displacements: jax.Array,
    steps: jax.Array,
    weights: jax.Array,
    scale: jax.Array,
) -> Advanced:
    """Move `codes` by the first `steps` displacements and observe the last step.

    codes           uint16 (tiles, tile rows, dims), bfloat16 bits
    present         bool (tiles, tile rows): the rows that are observed; all move
    displacements   float32 (BLOCK, dims)
    steps           int32, 1 to BLOCK
    weights         uint32 (2, dims), see kernels.fingerprint
    scale           float32, a power of two, see kernels.fixed_point

    A coordinate is stalled where the last displacement is not 0 and yet the
    value stayed (-0 and +0 being one value).
    """

    def step(t: jax.Array, values: jax.Array) -> jax.Array:
        return nearest(values + lax.dynamic_index_in_dim(displacements, t))

    def tile(limbs: Sums, rows: tuple[jax.Array, jax.Array]) -> tuple[Sums, tuple]:
        tile_codes, here = rows
        before = lax.fori_loop(0, steps - 1, step, widen(tile_codes))
        after = step(steps - 1, before)
        moved = narrow(after)
        moving = lax.dynamic_index_in_dim(displacements, steps - 1) != 0
        still = (after == before) & moving & here[:, None]
        stalled = jnp.sum(still, axis=1, dtype=jnp.int32)
        seen = (moved, fingerprint(moved, weights), stalled)
        more = limb_sums(after, here, scale)
        return tuple(a + b for a, b in zip(limbs, more, strict=True)), seen

    none = tuple(jnp.zeros(codes.shape[2], jnp.int32) for _ in range(LIMBS))
    limbs, (moved, fingerprints, stalled) = lax.scan(tile, none, (codes, present))
    return Advanced(moved, fingerprints, stalled, jnp.stack(limbs))
