"""Sums of float64 rows, rounded once: what math.fsum gives, for many rows at a time.

Pairs are added, and what each addition rounds away is known exactly (Knuth's TwoSum;
D. E. Knuth, The Art of Computer Programming 2, 4.2.2). Those errors are added too, the
ordinary way; where what that may lose could change the last bit, fsum is asked.
"""

import math

import numpy as np


def exact_sums(terms: np.ndarray) -> np.ndarray:
    """The sum of each row of `terms`, finite float64 (rows, n), correctly rounded."""
    sums, lost, sizes = terms, np.zeros(len(terms)), np.zeros(len(terms))
    while sums.shape[1] > 1:
        half = sums.shape[1] // 2
        added, errors = _two_sum(sums[:, :half], sums[:, half : 2 * half])
        lost += errors.sum(axis=1)
        sizes += np.abs(errors).sum(axis=1)
        sums = np.concatenate([added, sums[:, 2 * half :]], axis=1)
    total, rest = _two_sum(sums[:, 0] if sums.shape[1] else lost, lost)
    unsure = terms.shape[1] * 2.0**-52 * sizes
    below = np.spacing(np.nextafter(np.abs(total), 0))
    for row in np.flatnonzero(~(np.abs(rest) + unsure < below / 2)).tolist():
        total[row] = math.fsum(terms[row].tolist())
    return total


def _two_sum(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """a + b, rounded, and what that is short of; a + b is the sum of both."""
    total = a + b
    of_b = total - a
    return total, (a - (total - of_b)) + (b - of_b)
