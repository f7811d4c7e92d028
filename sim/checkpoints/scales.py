"""Scales beside a matrix of codes, and the values that both give together.

scale   a factor of all codes in a row, a column, a block of both, or the whole matrix
block   so many rows and columns share a scale; the last ones may be cut short
value   code times scale in float32, rounded once, to nearest. The product is exact where the scale
        has 20 significant bits or fewer, as bfloat16, float16 and powers of two have

Two rows of equal codes and different scales are different values, and two rows of different codes
may be equal ones: 1 times 2 is 2 times 1.
"""

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import ml_dtypes
import numpy as np

from drift.kernels.formats import FLOAT32, Format
from drift.sim import matrix

SCALE_DTYPES = {
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "BF16": np.dtype(ml_dtypes.bfloat16),
    "F8_E8M0": np.dtype(ml_dtypes.float8_e8m0fnu),
}
"""Types of scales by the name that safetensors gives them; all their values are float32's."""
_USUAL_BLOCK = 128
_AFTER = ("_scale_inv", "_scale", ".scale", "_scales", ".weight_scale", ".weight_scale_inv")
"""Ends of the name of scales, after the name of the codes."""
_INSTEAD = (".scale", ".scales", ".scale_weight", ".weight.scale")
"""Ends of the name of scales, in place of ".weight"."""
_CORRECTIONS = ("weight_zero_point", "zero_point", "weight_scale_2", "weight_global_scale", "zeros")
"""Names, in place of "weight", of what a scale alone leaves out: zero points, scales of scales."""


def names_beside(name: str, names: Collection[str]) -> list[str]:
    """Return the names of scales of the codes called `name` that are among `names`."""
    stem = name.removesuffix(".weight")
    usual = [name + end for end in _AFTER] + [stem + end for end in _INSTEAD if stem != name]
    return [each for each in dict.fromkeys(usual) if each in names]


def corrections_beside(name: str, names: Collection[str]) -> list[str]:
    """Return the names of what `names` have beside the scales of the codes called `name`."""
    stem = name.removesuffix("weight")
    return [stem + end for end in _CORRECTIONS if stem + end in names]


@dataclass(frozen=True)
class Blocks:
    """The rows and the columns that share a scale."""

    rows: int
    """number of rows that share one"""
    columns: int
    """number of columns that share one"""
    shape: tuple[int, int]
    """number of scales along the rows, and along the columns"""

    @classmethod
    def of(cls, codes: tuple[int, int], scales: tuple[int, ...]) -> "Blocks | None":
        """Return the blocks of scales of some shape beside codes of some shape; None where unclear.

        One dimension counts rows. A block is the usual one where that fits, else a power of two,
        else what divides the codes.
        """
        if math.prod(scales) == 1:
            return cls(*codes, (1, 1))
        if scales == (codes[0],):
            return cls(1, codes[1], (codes[0], 1))
        if scales == (codes[1],):
            return cls(codes[0], 1, (1, codes[1]))
        if len(scales) != 2:
            return None
        rows, columns = (_block(n, parts) for n, parts in zip(codes, scales, strict=True))
        return cls(rows, columns, (scales[0], scales[1])) if rows and columns else None

    def text(self, codes: tuple[int, int]) -> str:
        """Return which codes have a scale, for people."""
        match (self.rows == codes[0], self.columns == codes[1]):
            case True, True:
                return "the whole matrix"
            case False, True if self.rows == 1:
                return "each row"
            case True, False if self.columns == 1:
                return "each column"
        return f"each block of {self.rows} × {self.columns}"


def _block(length: int, parts: int) -> int | None:
    """Return how many of `length` are in each of so many parts, the last cut short."""
    if not 0 < parts <= length:
        return None
    if parts in (1, length):
        return length // parts
    powers = (1 << bits for bits in range(length.bit_length()))
    fit = (each for each in (_USUAL_BLOCK, *powers) if -(-length // each) == parts)
    return next(fit, None if length % parts else length // parts)


class ScaledCodes(matrix.ComputedCodes):
    """The float32 codes of values, each computed as it is read."""

    def __init__(self, codes: np.ndarray, source: Format, scales: np.ndarray, blocks: Blocks):
        super().__init__(codes, FLOAT32)
        every = np.arange(1 << source.width).astype(source.storage)
        self._codes, self._values = codes, matrix.values(every, source)
        self._scales = scales.reshape(blocks.shape)
        self._block_of = [
            np.arange(n) // each
            for n, each in zip(codes.shape, (blocks.rows, blocks.columns), strict=True)
        ]

    def __getitem__(self, key: Any) -> np.ndarray:
        """Return codes as ComputedCodes does."""
        rows, columns = key if isinstance(key, tuple) else (key, slice(None))
        down, across = self._block_of[0][rows], self._block_of[1][columns]
        if down.ndim == 1 and (isinstance(rows, slice) or isinstance(columns, slice)):
            down = down[:, None] if np.ndim(across) else down
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            found = self._values[self._codes[rows, columns]] * self._scales[down, across]
        return np.asarray(found, np.float32).view(self.dtype)
