"""The part of a cloud that is carried, as the host knows it: whose its rows are, what is open.

column   a dimension that is carried on a device, or a spare one; those of the devices in a row
settled  a dimension in which all tokens hold one state: sample columns have it, none else
cut      the rows and columns that are carried on, where the others need not be
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from drift.kernels import row_hash
from drift.kernels.exact_sum import LIMBS, limbs_of
from drift.kernels.exact_sum_jax import limbs_of_parts
from drift.kernels.formats import Arithmetic, Compensated, Format
from drift.kernels.row_groups_jax import read_labels
from drift.kernels.stepping.summary import ALIKE, BESIDE, KEPT, STALLED, STILL, Summary
from drift.sim.counting.coalesce import representatives
from drift.sim.settling import sizes

_NONE = -1


class RecordNumbers(NamedTuple):
    """The numbers that a record needs, of the tokens that are present."""

    limbs: np.ndarray
    """int64 (LIMBS, dims): kernels.exact_sum"""
    stalled: int
    """coordinates that the last step left where they were though it displaces them"""
    kept: int
    """coordinates that the last step left where they were, displaced or not"""
    still: bool
    """true where it left those of all tokens, present or not, where it displaces them"""


class RowCells(NamedTuple):
    """Rows that share a cell, and a state."""

    first: np.ndarray
    """int64 (rows,): the first row that shares a cell with each"""
    merged: np.ndarray
    """bool (rows,): true where it shares its state too"""


class Cut(NamedTuple):
    """The rows and columns of a part that are carried on."""

    part: "CloudPart"
    """the part that it becomes"""
    rows: np.ndarray
    """int32 (rows,): the rows that stay, and for spare ones the first"""
    columns: np.ndarray
    """int32 (columns,): on its device, each column that stays, or one past the last"""


@dataclass(frozen=True, eq=False)
class CloudPart:
    """The tokens and dims that what is carried stands for; it never changes."""

    rows: int
    """rows, spare ones too"""
    row: np.ndarray
    """int64 (tokens,): the row of each token"""
    dim: np.ndarray
    """int64 (devices, columns of each): the dim of each column, -1 for a spare one"""
    share: int
    """sample columns of a device, the last one's spare ones too; they are dims in their order"""
    dims: int
    """values of a token"""

    @classmethod
    def whole(cls, tokens: int, dims: int, rows: int, devices: int) -> "CloudPart":
        """Return a whole cloud as a part, whose spare rows come last."""
        share = -(-dims // devices)
        dim = np.arange(devices * share)
        dim[dims:] = _NONE
        return cls(rows, np.arange(tokens), dim.reshape(devices, share), share, dims)

    @property
    def open(self) -> np.ndarray:
        """The open dims, int64, as their columns stand."""
        return self.dim[self.dim != _NONE]

    @property
    def settled(self) -> np.ndarray:
        """The settled dims, int64, rising."""
        found = np.ones(self.dims, bool)
        found[self.open] = False
        return np.flatnonzero(found)

    @property
    def on_devices(self) -> np.ndarray:
        """The columns as kernels.stepping.carried numbers them, int32: on each device from 0."""
        first = self.share * np.arange(len(self.dim))[:, None]
        return np.where(self.dim == _NONE, self.share, self.dim - first).astype(np.int32).ravel()

    def counts(self, present: np.ndarray) -> np.ndarray:
        """Return how many of the tokens that are `present`, bool, each row is, int32 (rows,)."""
        return np.bincount(self.row[present], minlength=self.rows).astype(np.int32)

    def numbers(
        self, found: Summary, alive: int, exponent: int, arithmetic: Arithmetic
    ) -> RecordNumbers:
        """Return what a summary tells, where so many tokens are present.

        Values are summed on the grid of 2**`exponent`.
        """
        used, settled = (self.dim != _NONE).ravel(), self.settled
        open_, sample = found.open[:, used], found.sample[:, settled]
        limbs = np.empty((LIMBS, self.dims), np.int64)
        limbs[:, self.open] = limbs_of_parts(open_[BESIDE:])
        flags, bits = sample
        view, codes = arithmetic.view, bits.view(np.uint32).astype(arithmetic.state.storage)
        values = viewed(codes, arithmetic).view(view.dtype).astype(np.float32)
        limbs[:, settled] = alive * limbs_of(values, np.float32(np.ldexp(1.0, exponent)))
        return RecordNumbers(
            limbs,
            int(open_[1].sum(dtype=np.int64)) + alive * int(np.count_nonzero(flags & STALLED)),
            int(open_[2].sum(dtype=np.int64)) + alive * int(np.count_nonzero(flags & KEPT)),
            bool(np.all(open_[0] & STILL) and np.all(flags & STILL)),
        )

    def cut_down(self, found: Summary, cells: RowCells) -> Cut | None:
        """Return what is carried on after the summary; None where that is not worth it."""
        used = self.dim != _NONE
        staying = used & ((found.open[0] & ALIKE) == 0).reshape(used.shape)
        mine = np.flatnonzero(~cells.merged | (cells.first == np.arange(self.rows)))
        rows = sizes.size(len(mine), sizes.LEAST_ROWS, self.rows)
        most = int(staying.sum(axis=1).max())
        columns = sizes.size(most, sizes.LEAST_DIMS, self.dim.shape[1])
        if not sizes.is_worthwhile(self.rows * self.dim.size, rows * columns * len(self.dim)):
            return None
        into = np.empty(self.rows, np.int64)
        into[mine] = np.arange(len(mine))
        into[cells.merged] = into[cells.first[cells.merged]]
        kept_rows = np.zeros(rows, np.int32)
        kept_rows[: len(mine)] = mine
        dim = np.full((len(self.dim), columns), _NONE)
        kept = np.full(dim.shape, self.dim.shape[1], np.int32)
        for device, each in enumerate(staying):
            here = np.flatnonzero(each)
            dim[device, : len(here)], kept[device, : len(here)] = self.dim[device, here], here
        part = CloudPart(rows, into[self.row], dim, self.share, self.dims)
        return Cut(part, kept_rows, kept.ravel())


def cells_of(
    found: Summary, fetch: Callable[[np.ndarray], np.ndarray], arithmetic: Arithmetic
) -> RowCells:
    """Return the cells of the rows; `fetch` gives rows as they are held, (n, dims).

    Rows that differ though their fingerprints are equal are compared here, one with another.
    """
    first, same_cell, merged = read_labels(found.labels)
    if not same_cell.all():
        group = np.flatnonzero(np.isin(first, first[~same_cell]))
        codes = fetch(group)
        seen = viewed(codes, arithmetic)
        among = representatives(np.arange(len(group)), seen, arithmetic.view)
        first[group] = group[among]
        merged[group] = row_hash.equal_bits(codes, np.arange(len(group)), among)
    return RowCells(first, merged)


def viewed(states: np.ndarray, arithmetic: Arithmetic) -> np.ndarray:
    """Return states, as they are held, in the view format."""
    state, view, held = arithmetic.state, arithmetic.view, arithmetic.held
    codes = held.codes(states) if isinstance(held, Compensated) else states
    return codes if state == view else in_view(codes, state, view)


def in_view(codes: np.ndarray, state: Format, view: Format) -> np.ndarray:
    """Return `codes` of the state format rounded to the view format, to nearest."""
    return codes.view(state.dtype).astype(view.dtype).view(view.storage)
