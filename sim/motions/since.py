"""Distances since the last record: how far a cloud was asked to go, and how far it went.

asked  the norm of the sum of the displacements of the steps since then
done   the norm of the change of the tokens' mean since then, from exact sums (kernels.exact_sum):
       of the tokens that are present at either record
"""

from dataclasses import dataclass, replace

import numpy as np

from drift.kernels.exact_sum import LIMB_BITS, exact_sums, from_limbs, limb_sums_of
from drift.kernels.formats import Format

_HALF = 1 << (LIMB_BITS - 1)


@dataclass(frozen=True)
class RecordSums:
    """The sums of the tokens that are present at a step."""

    step: int
    """after so many steps"""
    alive: int | np.ndarray
    """the number of these tokens, one or (…,) for several clouds"""
    limbs: np.ndarray
    """int64 (LIMBS, dims), or (…, LIMBS, dims) of several clouds: kernels.exact_sum"""


def shortened(*sums: RecordSums) -> list[RecordSums]:
    """Return the sums of one cloud without the last limbs that are 0 in all of them.

    Half of the limbs mostly are, and all that is made of them takes as long as of others.
    """
    used = [np.flatnonzero(each.limbs.any(axis=1)) for each in sums]
    most = 1 + max((int(each[-1]) for each in used if len(each)), default=0)
    return [replace(each, limbs=each.limbs[:most]) for each in sums]


def mean_change(before: RecordSums, after: RecordSums, exponents: int | np.ndarray) -> np.ndarray:
    """Return the norm of the change of the mean of each cloud, float64 (…,).

    `exponents` are those of the grids of the sums, one or (…,) many. The last limbs may be left
    out of both sums, where they are 0.
    """
    # As whole numbers, so that nothing is cancelled away: limbs of either sum are far from 2**63.
    old, new = (np.asarray(each.alive, np.int64)[..., None] for each in (before, after))
    alike = np.array_equal(old, new)
    if alike:
        limbs, parts = after.limbs - before.limbs, new.astype(np.float64)
    else:
        limbs = after.limbs * old[..., None] - before.limbs * new[..., None]
        parts = old.astype(np.float64) * new
    limbs = np.moveaxis(limbs.astype(np.int64, copy=False), -2, 0)
    exponents = np.asarray(exponents)[..., None]
    if alike and len(limbs) == 2:  # both in one number, which is rounded once, as their sum is
        units = (limbs[0] << LIMB_BITS) + limbs[1]
        return lengths(units * np.ldexp(1.0, -LIMB_BITS - exponents) / parts)
    for k in range(len(limbs) - 1, 0, -1):
        # Lower limbs are brought below half a unit of the one above: no two then cancel.
        carry = (limbs[k] + _HALF) >> LIMB_BITS
        limbs[k] -= carry << LIMB_BITS
        limbs[k - 1] += carry
    terms = from_limbs(limbs, exponents)
    total = terms[-1]
    for term in terms[-2::-1]:
        total = total + term
    return lengths(total / parts)


def lengths(vectors: np.ndarray) -> np.ndarray:
    """Return the Euclidean length of each vector, float64 (…, dims), the same on every machine."""
    rows = np.abs(vectors.reshape(-1, vectors.shape[-1]))
    largest = rows.max(axis=1, initial=0.0)
    scaled = rows / np.where(largest > 0, largest, 1.0)[:, None]
    return (largest * np.sqrt(exact_sums(scaled * scaled))).reshape(vectors.shape[:-1])


def sums_of(codes: np.ndarray, target: Format, exponent: int) -> np.ndarray:
    """Return the exact sums of `codes` (tokens, dims) of `target`, int64 (LIMBS, dims).

    They are on the grid of 2**`exponent`.
    """
    values = codes.view(target.dtype).astype(np.float32)
    return limb_sums_of(values, None, np.float32(np.ldexp(1.0, exponent)))
