"""Some steps of some rows on the host, and what is observed after them: NumPy and ml_dtypes alone.

    y = x + c   one IEEE float32 add
    x <- Q(y)   to the state format

Values may decay before, and sums may be compensated: see kernels.stepping.step.

Where there are few steps, or little to move, this is done before JAX would have been loaded; and
nothing here loads it. The roundings are those of kernels.rounding.
"""

import threading
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from drift.kernels.exact_sum import LIMBS, limb_sums_of
from drift.kernels.formats import (
    BFLOAT16,
    FLOAT32,
    SMALLEST_DISPLACEMENT,
    Arithmetic,
    Compensated,
    Format,
)

_DROPPED = 16
"""Bits of a float32 that bfloat16 has not."""
_KEPT = 0xFFFF0000


class RowsResult(NamedTuple):
    """Rows after some steps; what is summed over rows counts each as often as it was to."""

    codes: np.ndarray
    """codes of the state format (rows, dims), or their pairs with compensations"""
    view: np.ndarray
    """codes of the view format (rows, dims); the same array where that is the state format"""
    stalled: int
    """coordinates that the last step left where they were though it displaces them"""
    still: bool
    """true where it left all those of each row where they were"""
    limbs: np.ndarray
    """int64 (LIMBS, dims), the exact sum of the view: kernels.exact_sum; 0 where none was asked"""
    kept: int = 0
    """coordinates that the last step left where they were, displaced or not; where other ones
    than the displaced may move"""


def supports(arithmetic: Arithmetic) -> bool:
    """Return whether the steps of an arithmetic can be taken here.

    They can where no randomness of the tokens takes part, and toward zero where that is to cut
    bits off.
    """
    if arithmetic.jitter or arithmetic.noise or arithmetic.rounding == "stochastic":
        return False
    return arithmetic.rounding == "nearest" or arithmetic.state in (BFLOAT16, FLOAT32)


class _Workspace(threading.local):
    """Arrays of one thread that are used again and again, for one purpose.

    Fresh memory costs several times what is done in it: the C library gives so large pieces back
    to the system at once, which has to clear them for the next one.
    """

    size = -1

    def arrays(self, shape: tuple[int, int], kinds: str = "f4 f4 u4 ?") -> list[np.ndarray]:
        """Return arrays of `kinds`, two float32 ones, one of uint32 and one of bool, of `shape`."""
        size = shape[0] * shape[1]
        if size > self.size:
            self.size = size
            self._kept = [np.empty(size, kind) for kind in kinds.split()]
        return [each[:size].reshape(shape) for each in self._kept]


_workspace, _compensating = _Workspace(), _Workspace()


def step_rows(
    codes: np.ndarray,
    displacements: np.ndarray,
    counts: np.ndarray | None,
    scale: np.float32 | None,
    arithmetic: Arithmetic,
    out: np.ndarray | None = None,
    factors: np.ndarray | None = None,
) -> RowsResult:
    """Take all `displacements`, float32 (steps, dims), and observe where there is a `scale`.

    codes   of the state format (rows, dims); pairs with compensations where sums are compensated
    counts  float64 (rows,), how often each row counts; once where it is None
    scale   a power of two, see kernels.exact_sum
    out     where the codes go, which may be `codes`; a new array where it is None, or `codes`
            themselves where there are no steps
    factors float32 (steps,), of a decay: what each step multiplies values by before
    """
    state, view = arithmetic.state, arithmetic.view
    values, before, scratch, stays = _workspace.arrays(codes.shape)
    sums = _Compensated(codes, arithmetic) if arithmetic.kahan else None
    values[...] = (codes if sums is None else sums.held.codes(codes)).view(state.dtype)
    round_in_place = _rounding_of(arithmetic)
    for k, displacement in enumerate(displacements):
        if k == len(displacements) - 1:
            before[...] = values
        if factors is not None:
            _decay_in_place(values, factors[k], arithmetic, scratch)
        if sums is not None:
            sums.add(values, displacement, scratch)
            continue
        np.add(values, displacement, out=values)
        round_in_place(values, scratch)
    stalled, still, kept = 0, False, 0
    if len(displacements):
        moving = displacements[-1] != 0
        if arithmetic.moves_unasked and scale is not None:
            stayed = np.count_nonzero(values == before, axis=1)
            kept = int(stayed.sum() if counts is None else counts @ stayed)
        np.logical_and(np.equal(values, before, out=stays), moving, out=stays)
        stalled = int(np.count_nonzero(stays))
        still = stalled == len(codes) * np.count_nonzero(moving)
        if sums is not None:
            still = still and sums.stay(moving)
        if counts is not None and scale is not None:
            stalled = int(counts @ stays.sum(axis=1))
    moved = out
    if moved is None:
        moved = np.empty_like(codes) if len(displacements) else codes
    if sums is not None:
        seen = np.empty(codes.shape, state.storage)
        _narrow(values, state, seen, scratch)
        moved[...] = sums.held.pair(seen, sums.codes())
    else:
        if moved is not codes or len(displacements):
            _narrow(values, state, moved, scratch)
        seen = moved if view == state else values.astype(view.dtype).view(view.storage)
    if scale is None:
        return RowsResult(moved, seen, stalled, still, np.zeros((LIMBS, codes.shape[1]), np.int64))
    if view != state:
        values[...] = seen.view(view.dtype)
    limbs = limb_sums_of(values, counts, scale, before)
    return RowsResult(moved, seen, stalled, still, limbs, kept)


def _narrow(values: np.ndarray, state: Format, out: np.ndarray, scratch: np.ndarray) -> None:
    """Write the codes of float32 `values`, which are of the state format, to `out`."""
    if state == BFLOAT16:
        out[...] = np.right_shift(values.view(np.uint32), _DROPPED, out=scratch)
    else:
        out[...] = values.astype(state.dtype).view(state.storage)


class _Compensated:
    """The compensations of `codes`, pairs, which take part in sums of their values."""

    def __init__(self, codes: np.ndarray, arithmetic: Arithmetic):
        self.held = Compensated(arithmetic.state)
        self._state = arithmetic.state
        self._round = _rounding_of(arithmetic)
        self._nearest = _rounding_of(arithmetic._replace(rounding="nearest"))
        self._kept, self._last, self._sum = _compensating.arrays(codes.shape, "f4 f4 f4")
        self._kept[...] = self.held.compensations(codes).view(self._state.dtype)

    def add(self, values: np.ndarray, displacement: np.ndarray, scratch: np.ndarray) -> None:
        """Add a displacement to float32 `values` in place, beside uint32 `scratch`."""
        kept, moved = self._kept, self._sum
        self._last[...] = kept
        np.add(kept, displacement, out=kept)
        self._narrowed(kept, scratch)
        np.add(values, kept, out=moved)
        self._round(moved, scratch)
        np.subtract(values, moved, out=values)
        self._nearest(values, scratch)
        np.add(kept, values, out=kept)
        self._narrowed(kept, scratch)
        values[...] = moved

    def _narrowed(self, kept: np.ndarray, scratch: np.ndarray) -> None:
        self._nearest(kept, scratch)
        _zero_in_place(kept, SMALLEST_DISPLACEMENT)

    def stay(self, moving: np.ndarray) -> bool:
        """Return whether the last step left all those of `moving` dims, bool, where they were."""
        return bool(np.all((self._kept == self._last) | ~moving))

    def codes(self) -> np.ndarray:
        """Return the codes of the compensations, in the storage type of the state format."""
        return self._kept.astype(self._state.dtype).view(self._state.storage)


def _rounding_of(arithmetic: Arithmetic) -> Callable[[np.ndarray, np.ndarray], None]:
    """Return what rounds float32 values to the state format in place, beside uint32 scratch.

    Both are arrays (rows, dims). It is chosen once for many steps.
    """
    state = arithmetic.state
    if state == BFLOAT16:
        return _to_nearest_bfloat16 if arithmetic.rounding == "nearest" else _cut_to_bfloat16

    def rounded(values: np.ndarray, scratch: np.ndarray) -> None:
        if state.dtype != values.dtype:
            values[...] = values.astype(state.dtype)

    return rounded


def _decay_in_place(
    values: np.ndarray, factor: np.float32, arithmetic: Arithmetic, scratch: np.ndarray
) -> None:
    np.multiply(values, factor, out=values)
    smallest = FLOAT32.smallest_drawn
    if arithmetic.decay == "rounded":
        _rounding_of(arithmetic)(values, scratch)
        smallest = arithmetic.state.smallest_drawn
    _zero_in_place(values, smallest)


def _zero_in_place(values: np.ndarray, smallest: float) -> None:
    """Put zeros of their sign in the place of the `values` that are smaller than `smallest`."""
    small = np.abs(values) < smallest
    if small.any():
        values[small] = np.copysign(np.float32(0), values[small])


def _to_nearest_bfloat16(values: np.ndarray, scratch: np.ndarray) -> None:
    # What is added carries where the lower half is past the midpoint, or on it and the upper
    # half odd: to nearest, ties to even. (ml_dtypes rounds so too, in twice the time.)
    bits = values.view(np.uint32)
    np.right_shift(bits, _DROPPED, out=scratch)
    np.bitwise_and(scratch, 1, out=scratch)
    np.add(scratch, (1 << (_DROPPED - 1)) - 1, out=scratch)
    np.add(bits, scratch, out=bits)
    np.bitwise_and(bits, _KEPT, out=bits)


def _cut_to_bfloat16(values: np.ndarray, scratch: np.ndarray) -> None:
    bits = values.view(np.uint32)
    np.bitwise_and(bits, _KEPT, out=bits)
