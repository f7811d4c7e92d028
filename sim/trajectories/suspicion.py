"""Signs that values are stored in another format than their own, so that ranks mislead.

rounded    values of a coarser format, stored in a finer one: their last bits are all 0, and one
           step of their own lattice counts as many
reread     bits of bfloat16 that are read as float16: nearly all of them are of about one size, of
           both signs, and none is near 0, since a bfloat16's exponent is a wide float16's fraction
"""

import numpy as np

from drift.kernels.formats import BFLOAT16, FLOAT16, FLOAT32, Format

_FEWEST, _VARIED = 64, 16
"""Fewest normal values, and different ones among them, from which anything is concluded."""
_NARROW, _SHARE = 8.0, 0.99
"""Largest over smallest size, and share of the values that are within it, of bits reread."""


def suspicion(codes: np.ndarray, target: Format) -> str:
    """Return a line on finite `codes` of any shape that look like another format's; else empty."""
    if target not in (FLOAT16, FLOAT32):
        return ""
    magnitudes = codes.ravel() & target.storage.type(target.sign - 1)
    normal = magnitudes >= 1 << (target.precision - 1)
    normal &= magnitudes <= target.largest_magnitude
    some = magnitudes[normal]
    if len(some) < _FEWEST or len(np.unique(some)) < _VARIED:
        return ""
    lost = target.precision - BFLOAT16.precision
    if not (some & target.storage.type((1 << lost) - 1)).any():
        return (
            f"these {target.name} values look like bfloat16's: the last {lost} bits of all are 0,"
            f" so a lattice step of bfloat16 counts as {1 << lost:,}; store them as bfloat16"
        )
    if target == FLOAT16 and _is_reread(codes.ravel()[normal], some):
        return (
            "this float16 data looks like the bits of bfloat16: nearly all values are of one size,"
            " and none is near 0; --as bfloat16 reads the bits so"
        )
    return ""


def _is_reread(codes: np.ndarray, magnitudes: np.ndarray) -> bool:
    """Return whether the codes of float16, normal ones, are more likely those of bfloat16."""
    negative = int(np.count_nonzero(codes & codes.dtype.type(FLOAT16.sign))) / len(codes)
    sizes = FLOAT16.value(np.quantile(magnitudes, [1 - _SHARE, _SHARE]).astype(np.int64))
    return 0.1 < negative < 0.9 and bool(sizes[1] <= _NARROW * sizes[0])
