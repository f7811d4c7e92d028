"""The mean of a cloud, each coordinate the float64 nearest to the exact one.

Values whose exponents are near one another are whole multiples of one power of two,
few enough for float64 to hold their sums exactly. So they are summed apart from the
others: no addition rounds, and no order of additions, by threads or by blocks, can
change a bit. What the groups come to is added as integers.
"""

import math
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from drift.kernels.formats import Format
from drift.sim import conversion

_BLOCK_ELEMENTS = 1 << 17
"""Worked on together: they stay in cache."""
Codes = Callable[[int, int], np.ndarray]
"""Given two tokens, the codes of those from the first to before the second."""


def mean(codes: Codes, tokens: int, dims: int, target: Format) -> np.ndarray:
    """float64 (dims,), that of `tokens` tokens, all finite."""
    # A sum of values of n exponents needs precision + n - 1 bits, and those of the count.
    most = 54 - target.precision - tokens.bit_length()
    shift = target.precision - 1 + most.bit_length() - 1
    workers = os.cpu_count() or 1
    bounds = [tokens * k // workers for k in range(workers + 1)]

    def one(first: int, stop: int) -> np.ndarray:
        return _sums(codes, first, stop, dims, target, shift)

    with ThreadPoolExecutor(workers) as pool:
        sums = np.sum(list(pool.map(one, bounds[:-1], bounds[1:])), axis=0)
    unit = target.smallest_exponent - target.precision + 1
    units = np.ldexp(sums, -unit).T.tolist()
    return np.array([math.ldexp(sum(map(int, each)) / tokens, unit) for each in units])


def _sums(codes: Codes, first: int, stop: int, dims: int, target: Format, shift: int) -> np.ndarray:
    """Sums over tokens, (groups, dims), of values whose magnitude >> `shift` is the group."""
    rows = max(1, _BLOCK_ELEMENTS // dims)
    sums = np.zeros(((target.largest_magnitude >> shift) + 1, dims))
    values, groups = np.empty((rows, dims)), np.empty((rows, dims), target.storage)
    for start in range(first, stop, rows):
        block = codes(start, min(start + rows, stop))
        value, group = values[: len(block)], groups[: len(block)]
        value[...] = block.view(conversion.dtype(target))
        np.bitwise_and(block, target.sign - 1, out=group)
        np.right_shift(group, shift, out=group)
        for k in range(int(group.min()), int(group.max()) + 1):
            sums[k] += np.einsum("ij,ij->j", value, group == k)
    return sums
