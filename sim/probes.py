"""The inputs of a device check: codes, and displacements that reach hard sums.

Every code has displacements of its own: they put the sum on ties, just below and
just above them, in the code's own binade and in others, and at eighths of a cell
for the roundings that have no ties.
"""

from collections.abc import Iterator

import numpy as np

from drift.kernels.formats import SMALLEST_DISPLACEMENT, Format
from drift.kernels.stepping.block import STAY


def codes_of(target: Format) -> np.ndarray:
    """All finite codes a drift can hold; of float32 some of every binade."""
    if target.width > 16:
        fractions = [0, 1, 2, (1 << 22) - 1, 1 << 22, (1 << 22) + 1, (1 << 23) - 2, (1 << 23) - 1]
        random = np.random.default_rng(0).integers(0, 1 << 23, 56)
        magnitudes = (np.arange(255)[:, None] << 23) + np.concatenate([fractions, random])
        magnitudes = np.unique(magnitudes)
    else:
        magnitudes = np.arange(target.largest_magnitude + 1)
    values = target.value(magnitudes)
    magnitudes = magnitudes[(values == 0) | (values >= target.smallest_drawn)]
    return np.concatenate([magnitudes, magnitudes | target.sign]).astype(target.storage)


def displacements_of(target: Format, codes: np.ndarray, quick: bool) -> Iterator[np.ndarray]:
    """float32 displacements for `codes`, one row after another, that reach hard sums."""
    values = target.value(codes)
    ulp = target.ulp(values)
    for part in (0.5, -0.5, 1.5, 0.125, -0.375) if quick else np.arange(-16, 17) / 8:
        on = (part * ulp).astype(np.float32)
        yield from (on, np.nextafter(on, np.float32(-np.inf)), np.nextafter(on, np.float32(np.inf)))
    rng = np.random.default_rng(1)
    for _ in range(8 if quick else 32):
        # To a midpoint of the lattice in any other place, and beside it.
        place = rng.integers(0, target.largest_magnitude, len(codes))
        middle = (target.value(place) + target.value(place + 1)) / 2
        with np.errstate(over="ignore"):
            on = (rng.choice([-1.0, 1.0], len(codes)) * middle - values).astype(np.float32)
            beside = np.nextafter(on, np.float32(0)), np.nextafter(on, np.float32(np.inf))
        yield from (on, *beside)
    yield np.full(len(codes), STAY, np.float32)
    yield np.zeros(len(codes), np.float32)


def fitting(target: Format, codes: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """`wanted` where a drift could ask for it, else 0: large enough, and staying in range."""
    small = np.abs(wanted) < SMALLEST_DISPLACEMENT
    c = np.where(small, np.copysign(np.float32(0), wanted), wanted)
    sums = np.abs(target.value(codes) + c.astype(np.float64))
    return np.where(sums <= target.largest, c, np.float32(0)).astype(np.float32)
