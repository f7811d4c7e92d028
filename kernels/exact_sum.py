"""Sums that no order of addition can change, in integers on a device and exact on the host.

limb   a value is written as LIMBS integers of 15 bits on a fixed grid,

           value * scale = limb[0] + limb[1] * 2**-15 + limb[2] * 2**-30 + ...,

       where |value * scale| <= 2**15, and the limbs are summed as int32. What lies below
       the last limb is rounded, the same way for the same value, so the sum is a function
       of the values alone: not of chunks, engines or devices

On the host, rows of float64 terms are summed as math.fsum sums them, many rows at a time.
Pairs are added, and what each addition rounds away is known exactly (Knuth's TwoSum;
D. E. Knuth, The Art of Computer Programming 2, 4.2.2). Those errors are added too, the
ordinary way; where the loss in that could change the last bit, fsum decides. Nothing here loads
JAX: kernels.exact_sum_jax sums limbs on a device.
"""

import math

import numpy as np

LIMBS = 4
LIMB_BITS = 15
MOST_ROWS = 1 << 15
"""Rows that one int32 sum of limbs can hold: 2**15 rows of at most 2**15."""


def scale_exponent(bound: float) -> int:
    """Return the e for which scale = 2**e suits values of magnitude at most `bound`."""
    _, exponent = np.frexp(np.float64(bound))
    return int(np.clip(LIMB_BITS - int(exponent), -126, 127))


def limbs_of(values: np.ndarray, scale: np.float32) -> np.ndarray:
    """Return the limbs of every one of `values` (…) float32, int64 (LIMBS, …), on the host."""
    remainder, found = values * scale, []
    for _ in range(LIMBS):
        limb = np.rint(remainder)
        found.append(limb.astype(np.int64))
        remainder = (remainder - limb) * np.float32(1 << LIMB_BITS)
    return np.stack(found)


_EXACT_ROWS = 1 << (24 - LIMB_BITS)
"""Rows of limbs that float32 adds without rounding."""


def limb_sums_of(
    values: np.ndarray,
    counts: np.ndarray | None,
    scale: np.float32,
    scratch: np.ndarray | None = None,
    largest: float = math.inf,
) -> np.ndarray:
    """Sum the limbs of `values` (rows, dims) float32 over rows, int64 (LIMBS, dims), on the host.

    Each row counts as often as `counts`, float64 (rows,), says; once where it is None. `values`
    are written over, and so is `scratch`, of their shape and type, where it is given. None exceeds
    `largest` in magnitude.
    """
    first, power = 0, float(scale)
    # Limbs that are 0 of all values are passed over. No product is subnormal where the scale is 1
    # or more, so that it does not matter how often values are multiplied.
    while first < LIMBS - 1 and 1 <= power < 2.0**64 and largest * power <= 0.5:
        first, power = first + 1, power * (1 << LIMB_BITS)
    remainder = np.multiply(values, np.float32(power), out=values)
    limb = np.empty_like(values) if scratch is None else scratch
    sums = np.zeros((LIMBS, values.shape[1]), np.int64)
    for k in range(first, LIMBS):
        np.rint(remainder, out=limb)
        if counts is not None:
            sums[k] = counts @ limb.astype(np.float64)
        else:
            for start in range(0, len(limb), _EXACT_ROWS):
                sums[k] += np.add.reduce(limb[start : start + _EXACT_ROWS]).astype(np.int64)
        np.subtract(remainder, limb, out=remainder)
        if k + 1 == LIMBS or not remainder.any():
            return sums
        np.multiply(remainder, np.float32(1 << LIMB_BITS), out=remainder)
    return sums


def from_limbs(sums: np.ndarray, exponent: int | np.ndarray) -> np.ndarray:
    """Return the float64 terms, same shape, that `sums` (LIMBS, …) of int64 stand for.

    The last limbs may be left out, where they are 0. `exponent` is the scale's, one or (…) many.
    The terms are exact; add them with math.fsum.
    """
    # Limb k counts units of 2**(-LIMB_BITS * k - exponent).
    exponents = -LIMB_BITS * np.arange(len(sums)).reshape(-1, *[1] * (sums.ndim - 1))
    return sums * np.ldexp(1.0, exponents - exponent)


_TERMS = 1 << 17
"""Terms that are added at a time, a megabyte: they and their errors stay in the caches."""


def exact_sums(terms: np.ndarray) -> np.ndarray:
    """Return the sum of each row of `terms`, finite float64 (rows, n), correctly rounded."""
    rows = max(1, _TERMS // max(1, terms.shape[1]))
    parts = [_exact_sums(terms[start : start + rows]) for start in range(0, len(terms), rows)]
    return np.concatenate(parts) if parts else np.zeros(0)


def _exact_sums(terms: np.ndarray) -> np.ndarray:
    sums, lost, sizes = terms, np.zeros(len(terms)), np.zeros(len(terms))
    while sums.shape[1] > 1:
        half = sums.shape[1] // 2
        added, errors = _two_sum(sums[:, :half], sums[:, half : 2 * half])
        lost += errors.sum(axis=1)
        sizes += np.abs(errors, out=errors).sum(axis=1)
        odd = sums.shape[1] % 2
        sums = np.concatenate([added, sums[:, 2 * half :]], axis=1) if odd else added
    total, remainder = _two_sum(sums[:, 0] if sums.shape[1] else lost, lost)
    # The errors were themselves added with rounding: `unsure` bounds what that lost. Where it
    # could carry the remainder past half a last place of the total, fsum decides.
    unsure = terms.shape[1] * 2.0**-52 * sizes
    below = np.spacing(np.nextafter(np.abs(total), 0))
    for row in np.flatnonzero(~(np.abs(remainder) + unsure < below / 2)).tolist():
        total[row] = math.fsum(terms[row].tolist())
    return total


def _two_sum(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a + b, rounded, and the error of that: a + b is exactly the sum of both."""
    total = a + b
    # The part of b that reached the total; comparing sizes first is not needed.
    of_b = total - a
    of_a = total - of_b
    errors = np.subtract(a, of_a, out=of_a)
    errors += np.subtract(b, of_b, out=of_b)
    return total, errors
