"""bfloat16 codes, their float32 values, and the rounding between them.

A bfloat16 is the upper half of a float32, so rounding is integer arithmetic on
the float32's bits. It is written so on purpose: compilers for CUDA and TPU drop
a float32 -> bfloat16 -> float32 cast pair inside one program, but they cannot
drop integer operations.

Infinities keep their value and the largest finite values overflow to them, as
IEEE 754 says; NaN never arises in a drift and is not handled. -0 stays -0.
"""

import jax
import jax.numpy as jnp
from jax import lax

SIGN = 0x8000
"""The code of -0; counting merges it with +0, whose code is 0."""

_LOW_HALF = 0xFFFF
_HALF_ULP_LESS_ONE = 0x7FFF


def widen(codes: jax.Array) -> jax.Array:
    """The float32 values, exact, of bfloat16 `codes` (uint16, any shape)."""
    return lax.bitcast_convert_type(codes.astype(jnp.uint32) << jnp.uint32(16), jnp.float32)


def narrow(values: jax.Array) -> jax.Array:
    """The uint16 codes of float32 `values` that are bfloat16 values already."""
    return (lax.bitcast_convert_type(values, jnp.uint32) >> jnp.uint32(16)).astype(jnp.uint16)


def nearest(values: jax.Array) -> jax.Array:
    """Round float32 `values` (any shape) to bfloat16, ties to even, and stay in float32."""
    bits = lax.bitcast_convert_type(values, jnp.uint32)
    odd = (bits >> jnp.uint32(16)) & jnp.uint32(1)
    rounded = (bits + jnp.uint32(_HALF_ULP_LESS_ONE) + odd) & jnp.uint32(~_LOW_HALF & 0xFFFFFFFF)
    return lax.bitcast_convert_type(rounded, jnp.float32)


def merge_zeros(codes: jax.Array) -> jax.Array:
    """`codes` with -0 replaced by +0: equal results mean the same cell."""
    return jnp.where(codes == jnp.uint16(SIGN), jnp.uint16(0), codes)
