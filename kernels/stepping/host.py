"""Some steps of some rows on the host, and what is observed after them: NumPy and ml_dtypes alone.

    y = x + c   one IEEE float32 add
    x <- Q(y)   to the state format

Where there are few steps, or little to move, this is done before JAX would have been loaded; and
nothing here loads it. The roundings are those of kernels.rounding.
"""

from typing import NamedTuple

import ml_dtypes
import numpy as np

from drift.kernels.exact_sum import LIMBS, limb_sums_of
from drift.kernels.formats import BFLOAT16, FLOAT32, Arithmetic, Format

_DROPPED = 16
"""Bits of a float32 that bfloat16 has not."""
_KEPT = 0xFFFF0000


class RowsResult(NamedTuple):
    """Rows after some steps; what is summed over rows counts each as often as it was to."""

    codes: np.ndarray
    """codes of the state format (rows, dims)"""
    view: np.ndarray
    """codes of the view format (rows, dims); the same array where that is the state format"""
    stalled: int
    """coordinates that the last step left where they were though it displaces them"""
    still: bool
    """true where it left all those of each row where they were"""
    limbs: np.ndarray
    """int64 (LIMBS, dims), the exact sum of the view: kernels.exact_sum; 0 where none was asked"""


def supports(arithmetic: Arithmetic) -> bool:
    """Return whether the steps of an arithmetic can be taken here.

    They can where no randomness of the tokens takes part, and toward zero where that is to cut
    bits off.
    """
    if arithmetic.jitter or arithmetic.rounding == "stochastic":
        return False
    return arithmetic.rounding == "nearest" or arithmetic.state in (BFLOAT16, FLOAT32)


def step_rows(
    codes: np.ndarray,
    displacements: np.ndarray,
    counts: np.ndarray | None,
    scale: np.float32 | None,
    arithmetic: Arithmetic,
) -> RowsResult:
    """Take all `displacements`, float32 (steps, dims), and observe where there is a `scale`.

    codes   of the state format (rows, dims)
    counts  float64 (rows,), how often each row counts; once where it is None
    scale   a power of two, see kernels.exact_sum
    """
    state, view = arithmetic.state, arithmetic.view
    values = codes.view(_dtype(state)).astype(np.float32)
    before, scratch = values, np.empty(values.shape, np.uint32)
    for k, displacement in enumerate(displacements):
        if k == len(displacements) - 1:
            before = values.copy()
        _step(values, displacement, arithmetic, scratch)
    stalled, still = 0, False
    if len(displacements):
        moving = displacements[-1] != 0
        stays = (values == before) & moving
        stalled = int(np.count_nonzero(stays))
        still = stalled == len(codes) * np.count_nonzero(moving)
        if counts is not None and scale is not None:
            stalled = int(counts @ stays.sum(axis=1))
        codes = values.astype(_dtype(state)).view(state.storage)
    seen = codes if view == state else values.astype(_dtype(view)).view(view.storage)
    if scale is None:
        nothing = np.zeros((LIMBS, codes.shape[1]), np.int64)
        return RowsResult(codes, seen, stalled, still, nothing)
    if view != state:
        values = seen.view(_dtype(view)).astype(np.float32)
    return RowsResult(codes, seen, stalled, still, limb_sums_of(values, counts, scale))


def _step(
    values: np.ndarray, displacement: np.ndarray, arithmetic: Arithmetic, scratch: np.ndarray
) -> None:
    """Move float32 `values` (rows, dims) of the state format, in place."""
    np.add(values, displacement, out=values)
    if arithmetic.state == FLOAT32:
        return
    if arithmetic.state != BFLOAT16:
        values[...] = values.astype(_dtype(arithmetic.state))
        return
    bits = values.view(np.uint32)
    if arithmetic.rounding == "nearest":
        # What is added carries where the lower half is past the midpoint, or on it and the upper
        # half odd: to nearest, ties to even. (ml_dtypes rounds so too, in twice the time.)
        np.right_shift(bits, _DROPPED, out=scratch)
        np.bitwise_and(scratch, 1, out=scratch)
        np.add(scratch, (1 << (_DROPPED - 1)) - 1, out=scratch)
        np.add(bits, scratch, out=bits)
    np.bitwise_and(bits, _KEPT, out=bits)


def _dtype(target: Format) -> np.dtype:
    return np.dtype(getattr(ml_dtypes, target.name, None) or target.name)
