"""Sums of limbs on a device: kernels.exact_sum has their definition.

part   a limb is several of so many bits where rows stand for many tokens, the highest first:
       two of 8 bits, part[0] * 2**8 + part[1], or more of fewer. Their sums stay within int32
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from drift.kernels.exact_sum import LIMB_BITS, LIMBS

_PART_BITS = (8, 4, 2)
_LIMB_WIDTH = 16
"""Bits of the parts of a limb together: with its sign it takes as many."""


def part_bits(tokens: int) -> int:
    """Return the most bits of a part for which the sums over so many tokens stay within int32.

    Raises ValueError for more than MOST_TOKENS.
    """
    for bits in _PART_BITS:
        if tokens <= most_counted(bits):
            return bits
    raise ValueError(f"{tokens} tokens are too many to be summed; {MOST_TOKENS} are not")


def most_counted(part_bits: int) -> int:
    """Return the most tokens whose parts of so many bits can be added up."""
    return 1 << (31 - part_bits)


MOST_TOKENS = most_counted(_PART_BITS[-1])
"""The most tokens that can be summed."""


def parts_of(part_bits: int) -> int:
    """Return the number of parts of a value."""
    return LIMBS * _LIMB_WIDTH // part_bits


def limb_sums(values: jax.Array, present: jax.Array, scale: jax.Array) -> tuple[jax.Array, ...]:
    """Sum over the present rows the limbs of `values` (rows, dims) float32.

    `present` (rows,) bool; `scale` a float32 power of two. Returns LIMBS arrays
    (dims,) int32, kept apart since stacking them here makes XLA compute each from
    the start.
    """
    limbs = _limbs(jnp.where(present[:, None], values, jnp.float32(0)), scale)
    return tuple(jnp.sum(limb, axis=0, dtype=jnp.int32) for limb in limbs)


def part_sums(
    values: jax.Array, counts: jax.Array, scale: jax.Array, part_bits: int = 8
) -> tuple[jax.Array, ...]:
    """Sum over rows, each as often as `counts` (rows,) int32 says, the parts of `values`.

    These are float32 (rows, dims). Returns arrays (dims,) int32, one for each of parts_of;
    `limbs_of_parts` joins them.
    """
    lowest, mask = range(0, _LIMB_WIDTH, part_bits), (1 << part_bits) - 1
    first, *others = reversed(lowest)
    parts = (
        part
        for limb in _limbs(values, scale)
        for part in (limb >> first, *((limb >> shift) & mask for shift in others))
    )
    return tuple(jnp.sum(part * counts[:, None], axis=0, dtype=jnp.int32) for part in parts)


def limbs_of_parts(sums: np.ndarray) -> np.ndarray:
    """Return the sums of limbs, int64 (LIMBS, dims), whose parts have `sums` (parts, dims)."""
    by_limb = sums.reshape(LIMBS, len(sums) // LIMBS, sums.shape[1]).astype(np.int64)
    found, bits = np.zeros_like(by_limb[:, 0]), _LIMB_WIDTH // by_limb.shape[1]
    for part in by_limb.swapaxes(0, 1):
        found = (found << bits) + part
    return found


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
