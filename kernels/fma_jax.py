"""Float32 operations that every device rounds as IEEE says: fma, quotient, square root.

Compilers contract a * b + c or leave it, and accelerators approximate float32's quotients and
roots. In float64 all of them agree; what comes out is rounded to float32 once. Quotients and roots
may be rounded twice, since float64 has more than twice float32's bits (Figueroa, "When is double
rounding innocuous?", 1995). Results below 2**-126 in magnitude become zeros of their sign. Callers
enable 64-bit types; `zero` is a uint32 0 that no compiler knows to be 0.
"""

import jax
import jax.numpy as jnp
from jax import lax
from jax.typing import ArrayLike

_MINUS_ZERO, _SMALLEST_NORMAL = 1 << 31, 1 << 23


def fma(a: ArrayLike, b: ArrayLike, c: ArrayLike, zero: jax.Array) -> jax.Array:
    """Return float32(a * b + c), rounded once, of float32 arrays whose shapes broadcast."""
    product, added = _wide(a) * _wide(b), _wide(c)  # 48 bits at most: the product is exact
    total = product + added
    # To odd, so that rounding on to float32 is rounding once: see sim.motions.arithmetic.
    of_added = total - product
    lost = (product - (total - of_added)) + (added - of_added)
    bits = lax.bitcast_convert_type(total, jnp.int64)
    grows = (lost > 0) == (total > 0)
    moved = jnp.where(grows, bits + jnp.int64(1), bits - jnp.int64(1))
    exact = (lost == 0) | ~jnp.isfinite(lost) | ((bits & jnp.int64(1)) == jnp.int64(1))
    odd = lax.bitcast_convert_type(jnp.where(exact, bits, moved), jnp.float64)
    return _narrow(odd, zero)


def quotient(a: ArrayLike, b: ArrayLike, zero: jax.Array) -> jax.Array:
    """Return float32(a / b) of float32 arrays whose shapes broadcast."""
    return _narrow(_wide(a) / _wide(b), zero)


def square_root(a: ArrayLike, zero: jax.Array) -> jax.Array:
    """Return float32(sqrt(a)) of a float32 array."""
    return _narrow(lax.sqrt(_wide(a)), zero)


def _wide(values: ArrayLike) -> jax.Array:
    return jnp.asarray(values).astype(jnp.float64)


def _narrow(values: jax.Array, zero: jax.Array) -> jax.Array:
    # The XOR keeps compilers from dropping this rounding where the result is widened again.
    bits = lax.bitcast_convert_type(values.astype(jnp.float32), jnp.uint32) ^ zero
    small = (bits & jnp.uint32(_MINUS_ZERO - 1)) < jnp.uint32(_SMALLEST_NORMAL)
    bits = jnp.where(small, bits & jnp.uint32(_MINUS_ZERO), bits)
    return lax.bitcast_convert_type(bits, jnp.float32)
