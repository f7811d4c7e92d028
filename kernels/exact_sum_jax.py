"""Sums of limbs on a device: kernels.exact_sum has their definition."""

import jax
import jax.numpy as jnp
from jax import lax

from drift.kernels.exact_sum import LIMB_BITS, LIMBS


def limb_sums(values: jax.Array, present: jax.Array, scale: jax.Array) -> tuple[jax.Array, ...]:
    """Sum over the present rows the limbs of `values` (rows, dims) float32.

    `present` (rows,) bool; `scale` a float32 power of two. Returns LIMBS arrays
    (dims,) int32, kept apart since stacking them here makes XLA compute each from
    the start.
    """
    # Scaling by a power of two and taking the rounded part away are exact, so a fused
    # multiply-add gives the same bits.
    remainder = jnp.where(present[:, None], values, jnp.float32(0)) * scale
    sums = []
    for _ in range(LIMBS):
        limb = lax.round(remainder, lax.RoundingMethod.TO_NEAREST_EVEN)
        sums.append(jnp.sum(limb.astype(jnp.int32), axis=0, dtype=jnp.int32))
        remainder = (remainder - limb) * jnp.float32(1 << LIMB_BITS)
    return tuple(sums)
