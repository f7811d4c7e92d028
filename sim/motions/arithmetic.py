"""Float32 operations as PyTorch's kernels have them, in NumPy: rounding to a format, and fma.

fma   a * b + c, rounded once
"""

from collections.abc import Callable

import numpy as np

from drift.kernels.formats import BFLOAT16, FLOAT32, Format

Rounding = Callable[[np.ndarray], np.ndarray]

_DROPPED, _ODD, _BELOW_HALF, _KEPT = (np.uint32(each) for each in (16, 1, 0x7FFF, 0xFFFF0000))
_LOWER, _HALF = np.int64((1 << 29) - 1), np.int64(1 << 28)
"""The bits of a float64 that a float32 has not, and a one in the first of them: a tie, maybe."""
_NORMAL = 2.0**-126


def rounding_to(target: Format) -> Rounding:
    """Return the function that rounds float32 values to the nearest of `target`, ties to even."""
    if target == FLOAT32:
        return lambda values: values
    if target == BFLOAT16:
        return _to_bfloat16

    def rounded(values: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore", invalid="ignore"):
            return values.astype(target.dtype).astype(np.float32)

    return rounded


def _to_bfloat16(values: np.ndarray) -> np.ndarray:
    # As in kernels.stepping.host: what is added carries where the upper half is to rise.
    bits = values.view(np.uint32)
    odd = bits >> _DROPPED
    odd &= _ODD
    odd += _BELOW_HALF
    odd += bits
    odd &= _KEPT
    return odd.view(np.float32)


def fma(a: np.ndarray | np.float32, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """Return float32(a * b + c), rounded once, of float32 arrays of one shape; `a` may be one."""
    # The product has at most 48 bits, which float64 holds; the sum may be rounded to 53 of them.
    # Rounded again, to 24, it is wrong only where the first rounding has led onto a tie of the
    # second: its lower bits are then a one and zeros. (Of float32 subnormals other bits count.)
    product = b * np.float64(a) if np.ndim(a) == 0 else a.astype(np.float64) * b
    total = product + c
    tie, size = (total.view(np.int64) & _LOWER) == _HALF, np.abs(total)
    if tie.any() or not size.min(initial=1.0) >= _NORMAL:
        where = np.flatnonzero(tie | ((size < _NORMAL) & (size > 0)))
        total[where] = _to_odd(product[where], c[where].astype(np.float64), total[where])
    with np.errstate(over="ignore", under="ignore"):
        return total.astype(np.float32)


def _to_odd(a: np.ndarray, b: np.ndarray, total: np.ndarray) -> np.ndarray:
    """Return a + b rounded to odd, float64; `total` is a + b rounded to nearest.

    Of two neighbours it is the odd one where the sum lies between them, so that it lies on no tie
    of a shorter format by rounding; to round it on to 51 bits or fewer is to round the sum once
    (Boldo and Melquiond, "Emulation of a FMA and correctly rounded sums", 2008).
    """
    of_b = total - a  # what the sum loses is known exactly: Knuth's TwoSum
    lost = (a - (total - of_b)) + (b - of_b)
    bits = total.view(np.int64)
    even = (bits & 1) == 0
    # Towards what was lost: a magnitude grows where both have one sign. An even total of which
    # something was lost has an odd neighbour on either side.
    grows = (lost > 0) == (total > 0)
    moved = np.where(grows, bits + 1, bits - 1)
    exact = ~np.isfinite(lost) | (lost == 0)
    return np.where(exact | ~even, bits, moved).view(np.float64)
