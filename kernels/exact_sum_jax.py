"""Sums of limbs on a device: kernels.exact_sum has their definition.

part   a limb is two parts of 8 bits where rows stand for many tokens: part[0] * 2**8 + part[1].
       A sum over MOST_COUNTED tokens of either stays within int32
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from drift.kernels.exact_sum import LIMB_BITS, LIMBS

_PART_BITS = 8
PARTS = 2 * LIMBS
"""Parts of a value."""
MOST_COUNTED = 1 << (31 - _PART_BITS)
"""Tokens whose parts can be added up."""


def limb_sums(values: jax.Array, present: jax.Array, scale: jax.Array) -> tuple[jax.Array, ...]:
    """Sum over the present rows the limbs of `values` (rows, dims) float32.

    `present` (rows,) bool; `scale` a float32 power of two. Returns LIMBS arrays
    (dims,) int32, kept apart since stacking them here makes XLA compute each from
    the start.
    """
    limbs = _limbs(jnp.where(present[:, None], values, jnp.float32(0)), scale)
    return tuple(jnp.sum(limb, axis=0, dtype=jnp.int32) for limb in limbs)


def part_sums(values: jax.Array, counts: jax.Array, scale: jax.Array) -> tuple[jax.Array, ...]:
    """Sum over rows, each as often as `counts` (rows,) int32 says, the parts of `values`.

    These are float32 (rows, dims). Returns PARTS arrays (dims,) int32; `limbs_of_parts` joins
    them.
    """
    parts = (
        part
        for limb in _limbs(values, scale)
        for part in (limb >> _PART_BITS, limb & ((1 << _PART_BITS) - 1))
    )
    return tuple(jnp.sum(part * counts[:, None], axis=0, dtype=jnp.int32) for part in parts)


def limbs_of_parts(sums: np.ndarray) -> np.ndarray:
    """Return the sums of limbs, int64 (LIMBS, dims), whose parts have `sums` (PARTS, dims)."""
    high, low = sums[::2].astype(np.int64), sums[1::2]
    return (high << _PART_BITS) + low


def _limbs(values: jax.Array, scale: jax.Array) -> list[jax.Array]:
    """Return the LIMBS limbs of every value, int32, each of its shape."""
    # Scaling by a power of two and taking the rounded part away are exact, so a fused
    # multiply-add gives the same bits.
    remainder, limbs = values * scale, []
    for _ in range(LIMBS):
        limb = lax.round(remainder, lax.RoundingMethod.TO_NEAREST_EVEN)
        limbs.append(limb.astype(jnp.int32))
        remainder = (remainder - limb) * jnp.float32(1 << LIMB_BITS)
    return limbs
