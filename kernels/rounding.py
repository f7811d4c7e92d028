"""Codes of a format, their float32 values, and the roundings between them.

Rounding is integer arithmetic on the float32's bits. It is written so on
purpose: compilers for CUDA and TPU drop a float32 -> bfloat16 -> float32 cast
pair inside one program, but they cannot drop integer operations.

nearest       to the nearest value, ties to the even code
toward-zero   to the value of smaller or equal magnitude
stochastic    the magnitude rounds up exactly when a random 32-bit word is below
              2**32 times the fraction of a cell that lies beyond the lower one;
              never beyond the largest finite value

Input is finite, no float32 subnormal, and no nearest rounding may leave the
format's range: callers have checked that. -0 stays -0, and what rounds to
zero keeps its sign.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from drift.kernels.formats import Format, Rounding

_FLOAT32_PRECISION = 24
_FLOAT32_BIAS = 127
_FLOAT32_SIGN = 1 << 31
_FRACTION = (1 << 23) - 1


def _u32(number: int) -> jax.Array:
    return jnp.uint32(number)


def _smaller(a: jax.Array, b: jax.Array) -> jax.Array:
    """Return the minimum, so written that Mosaic, which has no unsigned one, compiles it."""
    return jnp.where(a < b, a, b)


def _larger(a: jax.Array, b: jax.Array) -> jax.Array:
    """Return the maximum, so written that Mosaic compiles it."""
    return jnp.where(a < b, b, a)


def _dropped(target: Format) -> int:
    """Return the significand bits that a float32 has beyond the target's."""
    return _FLOAT32_PRECISION - target.precision


def _is_truncated_float32(target: Format) -> bool:
    """Return whether codes are the upper bits of a float32: its exponents are the same."""
    return target.smallest_exponent == 1 - _FLOAT32_BIAS


def widen(codes: jax.Array, source: Format) -> jax.Array:
    """Return the float32 values, exact, of `codes` (unsigned, any shape)."""
    codes = codes.astype(jnp.uint32)
    if _is_truncated_float32(source):
        return lax.bitcast_convert_type(codes << _u32(32 - source.width), jnp.float32)
    magnitude = codes & _u32(source.sign - 1)
    signs = (codes & _u32(source.sign)) << _u32(32 - source.width)
    rebias = (source.smallest_exponent - 1 + _FLOAT32_BIAS) << 23
    normal = (magnitude << _u32(_dropped(source))) + _u32(rebias)
    # Below the smallest normal value a code counts units; the product is exact.
    unit = np.float32(2.0 ** (source.smallest_exponent - source.precision + 1))
    # (By way of int32, which every device can turn into float32 at once.)
    counted = magnitude.astype(jnp.int32).astype(jnp.float32)
    below = lax.bitcast_convert_type(counted * unit, jnp.uint32)
    is_below = magnitude < _u32(1 << (source.precision - 1))
    return lax.bitcast_convert_type(jnp.where(is_below, below, normal) | signs, jnp.float32)


def quantise(
    values: jax.Array, target: Format, rounding: Rounding, words: jax.Array | None = None
) -> jax.Array:
    """Return uint32 codes of float32 `values` (any shape) rounded to `target`.

    `words`, uint32 of the same shape, are used by the stochastic rounding alone.
    """
    bits = lax.bitcast_convert_type(values, jnp.uint32)
    drop = _dropped(target)
    if drop == 0:
        return bits
    if _is_truncated_float32(target) and rounding != "stochastic":
        return _shortened(bits, drop, rounding)
    # From here on magnitudes alone are rounded; the sign is put back at the end.
    signs = (bits & _u32(_FLOAT32_SIGN)) >> _u32(32 - target.width)
    bits = bits & _u32(_FLOAT32_SIGN - 1)
    if _is_truncated_float32(target):
        lower, remainder = bits >> _u32(drop), bits & _u32((1 << drop) - 1)
        half, threshold = _u32(1 << (drop - 1)), remainder << _u32(32 - drop)
    else:
        lower, remainder, half, threshold = _split(bits, target)
    if rounding == "nearest":
        # Past the midpoint, or on it and odd: adding the odd bit decides both at once.
        up = remainder + (lower & _u32(1)) > half
    elif rounding == "stochastic":
        assert words is not None, "stochastic rounding needs words"
        up = words < threshold
        # A carry beyond the largest finite value would make an infinity or a NaN: it stops there.
        return _smaller(lower + up.astype(jnp.uint32), _u32(target.largest_magnitude)) | signs
    else:
        return lower | signs
    return (lower + up.astype(jnp.uint32)) | signs


def _shortened(bits: jax.Array, drop: int, rounding: Rounding) -> jax.Array:
    """Return the upper bits of a float32, rounded; the sign goes along: no carry reaches it."""
    if rounding == "nearest":
        # What is added carries where the remainder is past the midpoint, or on it and the
        # lower code odd: to nearest, ties to even, without a comparison.
        bits = bits + _u32((1 << (drop - 1)) - 1) + ((bits >> _u32(drop)) & _u32(1))
    return bits >> _u32(drop)


def _split(bits: jax.Array, target: Format) -> tuple[jax.Array, ...]:
    """Return the lower code, the remainder of the significand, its half unit, its threshold.

    Below the target's smallest normal value the unit stays, so more bits drop.
    The threshold is the remainder over the unit, times 2**32, rounded up: a whole
    number is below a real one exactly when it is below the next whole one.
    """
    exponent = bits >> _u32(23)
    significand = jnp.where(exponent == _u32(0), _u32(0), (bits & _u32(_FRACTION)) | _u32(1 << 23))
    smallest = target.smallest_exponent + _FLOAT32_BIAS
    inside = _larger(exponent, _u32(smallest))
    drop = inside - exponent + _u32(_dropped(target))
    shift = _smaller(drop, _u32(31))  # 25 already leaves nothing
    lower = (significand >> shift) + ((inside - _u32(smallest)) << _u32(target.precision - 1))
    remainder = significand & ((_u32(1) << shift) - _u32(1))
    scaled_up = remainder << (_u32(32) - _smaller(drop, _u32(32)))
    down = _smaller(_larger(drop, _u32(32)) - _u32(32), _u32(31))
    scaled_down = (remainder + (_u32(1) << down) - _u32(1)) >> down
    threshold = jnp.where(drop <= _u32(32), scaled_up, scaled_down)
    return lower, remainder, _u32(1) << (shift - _u32(1)), threshold


def merge_zeros(codes: jax.Array, source: Format) -> jax.Array:
    """Return uint32 `codes` with -0 replaced by +0: equal results mean the same cell."""
    codes = codes.astype(jnp.uint32)
    return jnp.where(codes == _u32(source.sign), _u32(0), codes)
