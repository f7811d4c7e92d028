"""Token vectors of any source, as one matrix of codes; codes and values by ml_dtypes.

row       a token's vector: its codes in every dimension, as they are stored
token id  the number a row had in the matrix it was taken from
finite    without an infinity or a NaN; rows that are not are in no cell

How NumPy and ml_dtypes convert is how a format rounds. Arrays may have any shape. -0 keeps
its sign, NaN stays NaN; beyond the largest value is whatever the format has there: an
infinity, NaN, or, in float4, its largest value.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike

from drift.kernels.formats import BFLOAT16, FLOAT32, FORMATS, Format
from drift.sim.errors import BadInput

FLOAT64 = Format("float64", 64, 53, -1022, (1 << 63) - (1 << 52) - 1)
"""The format of rows that are given in float64: they are rounded before anything moves."""


def values(codes: np.ndarray, source: Format) -> np.ndarray:
    """Return float32 values of `codes`, exact."""
    return codes.view(source.dtype).astype(np.float32)


def nearest(values: np.ndarray, target: Format) -> np.ndarray:
    """Return codes of the float32 `values` rounded to `target`, ties to even."""
    with np.errstate(over="ignore"):
        return values.astype(target.dtype).view(target.storage)


def rounded_once(codes: np.ndarray, source: Format, target: Format) -> np.ndarray:
    """Return `codes` of `source`, which may be FLOAT64, rounded to `target`, ties to even."""
    if source == target:
        return codes
    if source != FLOAT64:
        return nearest(values(codes, source), target)
    return nearest(float32_of(codes.view(np.float64), exactly=target == FLOAT32), target)


def float32_of(wide: np.ndarray, exactly: bool) -> np.ndarray:
    """Return float64 values as float32: the nearest where `exactly`, else rounded to odd.

    What is rounded to odd, and then to a format of half the precision, is rounded as if once.
    """
    with np.errstate(over="ignore"):
        near = wide.astype(np.float32)
    if exactly:
        return near
    # Towards zero, and odd where anything was cut off: no tie of a narrower format is made up.
    size = np.abs(near).view(np.uint32) - (np.abs(near) > np.abs(wide))
    size |= np.abs(wide) > np.abs(size.view(np.float32))
    return np.copysign(size.view(np.float32), wide)


def beyond(values: np.ndarray, target: Format) -> np.ndarray:
    """Return whether each of the float32 `values` rounds beyond the largest of `target`, bool."""
    edge = np.float64(target.largest + target.ulp(np.array(target.largest)) / 2)
    size = np.abs(values)
    # A tie goes to the even one of the largest code and the code that would follow it.
    return size >= edge if target.largest_magnitude % 2 else size > edge


class ComputedCodes:
    """Codes, shaped as a matrix `like`, that are computed from it as they are read."""

    def __init__(self, like: np.ndarray, target: Format):
        self.shape, self.size, self.ndim = like.shape, like.size, 2
        self.dtype, self.itemsize = target.storage, target.storage.itemsize
        self.nbytes = self.size * self.itemsize

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> np.ndarray:
        """Return codes as a matrix of numpy would, of rows or of (rows, columns)."""
        raise NotImplementedError

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """Return all codes in memory."""
        return self[:].astype(dtype or self.dtype, copy=False)


class RoundedCodes(ComputedCodes):
    """The codes of a matrix rounded to `target`, to nearest."""

    def __init__(self, codes: np.ndarray, source: Format, target: Format):
        super().__init__(codes, target)
        self._codes, self._source, self._target = codes, source, target

    def __getitem__(self, key: Any) -> np.ndarray:
        """Return rounded codes as ComputedCodes does."""
        return nearest(values(np.asarray(self._codes[key]), self._source), self._target)


_BLOCK_BYTES = 1 << 22
"""Bytes of a block: it stays in cache, and a file is read in order."""


@dataclass(frozen=True)
class Matrix:
    """Codes (rows, dims), which may lie in a file that is read as it is needed."""

    codes: np.ndarray
    """unsigned, of the format's storage type, (rows, dims); never written to"""
    format: Format
    """the format of the codes"""
    label: str
    """the matrix's name and source, for people: "model.safetensors, lm_head.weight" """
    token_ids: np.ndarray
    """int64 (rows,): the token id of each row, rising"""
    note: str = ""
    """a line for people on what the codes stand for; empty where they are the values"""
    model: Path | None = None
    """the checkpoint that the rows are of, whose tokenizer knows their texts; None for others"""

    @classmethod
    def whole(cls, codes: np.ndarray, target: Format, label: str, note: str = "") -> "Matrix":
        """Return all rows of a matrix, numbered from 0."""
        return cls(codes, target, label, np.arange(len(codes)), note)

    @classmethod
    def from_array(cls, array: ArrayLike, name: str | None) -> "Matrix":
        """Return all rows of codes of the format called `name`, or of values, whose type tells it.

        Raises BadInput for what is neither, and for what has no rows or no dims.
        """
        bits = np.asarray(array)
        if bits.ndim != 2 or not bits.size:
            raise BadInput(
                f"bits has shape {bits.shape}; it must be (tokens, dims), 1 or more each"
            )
        if name is not None and name not in FORMATS:
            raise BadInput(f"format is {name!r}; it must be one of {', '.join(FORMATS)}")
        typed = {each.dtype: each for each in FORMATS.values()}.get(bits.dtype)
        target = FORMATS[name] if name else typed or BFLOAT16
        if bits.dtype not in (target.storage, target.dtype):
            raise BadInput(
                f"bits is {bits.dtype}; {target.name} takes {target.storage} codes or"
                f" {target.dtype} values"
            )
        codes = np.ascontiguousarray(bits).view(target.storage)
        if (largest := int(codes.max())) >> target.width:
            raise BadInput(
                f"bits holds {largest}; codes of {target.name} are below {2 * target.sign}"
            )
        return cls.whole(codes, target, "bits")

    def rounded(self, target: Format) -> "Matrix":
        """Return the matrix in another format, rounded to nearest as its codes are read."""
        if target == self.format:
            return self
        codes = cast(np.ndarray, RoundedCodes(self.codes, self.format, target))
        return replace(
            self, codes=codes, format=target, label=f"{self.label}, rounded to {target.name}"
        )

    def blocks(self) -> list[slice]:
        """Return the rows in blocks that stay in cache, one slice after another."""
        rows = max(1, _BLOCK_BYTES // max(1, self.codes.itemsize * self.codes.shape[1]))
        return [slice(start, start + rows) for start in range(0, len(self.codes), rows)]

    def check_finite(self) -> None:
        """Raise BadInput where some rows are not finite."""
        unfit = self.token_ids[~self.finite()]
        if len(unfit):
            raise BadInput(
                f"{self.label} has rows that are not finite: {len(unfit):,}, the first for token"
                f" {unfit[0]}; --near selects among the others"
            )

    def finite(self) -> np.ndarray:
        """Return whether each row is finite, bool (rows,)."""
        found = np.empty(len(self.codes), bool)
        for block in self.blocks():
            found[block] = self.format.finite(self.codes[block]).all(axis=1)
        return found

    def select_rows(self, rows: np.ndarray) -> "Matrix":
        """Return some `rows`, int64, rising, copied into memory; all of them as they are."""
        if len(rows) == len(self.codes):
            return self
        return replace(self, codes=self.codes[rows], token_ids=self.token_ids[rows])
