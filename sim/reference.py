"""Rounding, stepping and whole drifts in plain NumPy and ml_dtypes: the definition of right.

Slow and readable, and it shares no arithmetic with the kernels; a device is
believed when it agrees with this, bit for bit.
"""

from collections.abc import Iterator

import numpy as np

from drift.kernels.formats import SMALLEST_DISPLACEMENT, Format, Rounding
from drift.sim import conversion, schedule, tokens
from drift.sim.initial import initial
from drift.sim.spec import Drift


def round_to(
    values: np.ndarray, target: Format, rounding: Rounding, words: np.ndarray | None = None
) -> np.ndarray:
    """Codes of float32 `values` in `target`; `words` uint32 for stochastic rounding."""
    values = np.asarray(values, np.float32)
    nearest = conversion.nearest(values, target)
    if rounding == "nearest":
        return nearest
    sign = nearest & target.sign
    magnitude = (nearest & (target.sign - 1)).astype(np.int64)
    exact = np.abs(values.astype(np.float64))
    magnitude = np.minimum(magnitude, target.largest_magnitude + 1)
    below = np.where(target.value(magnitude) > exact, magnitude - 1, magnitude)
    if rounding == "stochastic":
        assert words is not None
        low, high = target.value(below), target.value(below + 1)
        up = words < (exact - low) / (high - low) * 2.0**32
        below = np.minimum(below + up, target.largest_magnitude)
    return below.astype(target.storage) | sign


def step(
    codes: np.ndarray,
    displacement: np.ndarray,
    target: Format,
    rounding: Rounding,
    words: np.ndarray | None = None,
) -> np.ndarray:
    """Codes after one step by `displacement`, float32, broadcast against `codes`."""
    with np.errstate(over="ignore"):
        moved = conversion.values(codes, target) + displacement
    return round_to(moved, target, rounding, words)


def words(key: np.ndarray, numbers: np.ndarray, dims: int | np.ndarray) -> np.ndarray:
    """Random words as in kernels.threefry, uint32 (tokens, dims).

    `numbers` are those of the tokens, uint32; `dims` how many dimensions, or which.
    """
    which = np.arange(dims) if isinstance(dims, int) else dims
    parts = [np.uint32(key[0]), np.uint32(key[1])]
    parts.append(parts[0] ^ parts[1] ^ np.uint32(0x1BD11BDA))
    a = numbers[:, None] + parts[0] + np.zeros(len(which), np.uint32)
    b = which.astype(np.uint32) + parts[1] + np.zeros_like(a)
    for n in range(20):
        by = (13, 15, 26, 6, 17, 29, 16, 24)[n % 8]
        a = a + b
        b = ((b << np.uint32(by)) | (b >> np.uint32(32 - by))) ^ a
        if n % 4 == 3:
            group = n // 4 + 1
            a = a + parts[group % 3]
            b = b + parts[(group + 1) % 3] + np.uint32(group)
    return a


def walk(drift: Drift, u: np.ndarray) -> Iterator[np.ndarray]:
    """Codes (tokens, dims) at each record of `drift`, as they are seen."""
    held, seen = drift.motion.held, drift.target
    codes = held.code(seen.value(initial(drift).codes(0, drift.tokens)))
    strength = tokens.strengths(drift)[:, None]
    numbers = np.arange(drift.tokens, dtype=np.uint32)
    records = set(drift.record_steps)
    for t in range(drift.steps + 1):
        if t:
            c = schedule.displacements(drift, u, t, t)
            if drift.motion.jitter:
                c = c * strength
                c = np.where(np.abs(c) < SMALLEST_DISPLACEMENT, np.float32(0), c)
            random = words(schedule.keys(drift, t, t)[0], numbers, drift.dims)
            codes = step(codes, c, held, drift.rounding, random)
        if t in records:
            yield round_to(held.value(codes).astype(np.float32), seen, "nearest")
