"""Many steps of a chunk, and what is observed after the last one.

Displacements come in blocks of BLOCK rows of which the first few are used, so
that no number of steps, radius or schedule compiles anything anew.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from kernels.fingerprint import fingerprint
from kernels.fixed_point import LIMBS, limb_sums
from kernels.rounding import merge_zeros, quantise, widen
from kernels.step import Motion, Steps, Tokens, step

BLOCK = 32
"""Displacements per call: few enough to stay in a core's cache at 2,560 dims."""

STAY = -0.0
"""The displacement that changes no bit: x + -0 is x, for both zeros too."""

Sums = tuple[jax.Array, ...]


class Advanced(NamedTuple):
    """A chunk of the cloud after `advance`, and what was seen of it."""

    codes: jax.Array
    """of the held format (tiles, tile rows, dims)"""
    view: jax.Array | None
    """of the seen format, where that is another one"""
    fingerprints: jax.Array
    """uint32 (tiles, tile rows, 2), of what is seen"""
    stalled: jax.Array
    """int32 (tiles, tile rows): coordinates the last step left where they were"""
    limbs: jax.Array
    """int32 (LIMBS, dims): the present rows' exact sum of what is seen: kernels.fixed_point"""


@partial(jax.jit, static_argnames="motion")
def advance(
    codes: jax.Array,
    tokens: Tokens,
    steps: Steps,
    weights: jax.Array,
    scale: jax.Array,
    motion: Motion,
) -> Advanced:
    """Take the first `steps.taken` of a block of steps and observe after the last.

    codes     of the held format (tiles, tile rows, dims)
    weights   uint32 (2, dims), see kernels.fingerprint
    scale     float32, a power of two, see kernels.fixed_point

    A coordinate is stalled where the last displacement is not 0 and yet the
    value held stayed (-0 and +0 being one value).
    """
    last = steps.taken - 1
    held, seen = motion.held, motion.seen

    def tile(limbs: Sums, rows: tuple[jax.Array, Tokens]) -> tuple[Sums, tuple]:
        tile_codes, here = rows
        take = partial(step, tokens=here, steps=steps, motion=motion)
        before = lax.fori_loop(0, last, lambda t, x: take(x, t), widen(tile_codes, held))
        after = take(before, last)
        moved = quantise(after, held, "nearest")
        view = moved if held == seen else quantise(after, seen, "nearest")
        moving = lax.dynamic_index_in_dim(steps.displacements, last) != 0
        still = (after == before) & moving & here.present[:, None]
        more = limb_sums(widen(view, seen), here.present, scale)
        return tuple(a + b for a, b in zip(limbs, more, strict=True)), (
            moved.astype(held.storage),
            None if held == seen else view.astype(seen.storage),
            fingerprint(merge_zeros(view, seen), weights),
            jnp.sum(still, axis=1, dtype=jnp.int32),
        )

    none = tuple(jnp.zeros(codes.shape[2], jnp.int32) for _ in range(LIMBS))
    limbs, (moved, view, fingerprints, stalled) = lax.scan(tile, none, (codes, tokens))
    return Advanced(moved, view, fingerprints, stalled, jnp.stack(limbs))
