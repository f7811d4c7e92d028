"""The codes of a cloud of which only a part is carried, fetched where they are asked for.

At most BLOCK_BYTES come to the host in one go.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from drift.kernels.formats import Arithmetic, Compensated, Format
from drift.kernels.stepping.carried import CarriedCodes, values_of
from drift.sim.settling.part import CloudPart, viewed
from drift.sim.settling.programs import Programs

BLOCK_BYTES = 4 << 20
"""Bytes fetched at a time."""


@dataclass(frozen=True, eq=False)
class HeldCodes:
    """The part that is carried at one step; while this is kept nothing is written over it."""

    carried: CarriedCodes
    """on the devices"""
    part: CloudPart
    """whom it stands for"""
    programs: Programs
    """those that fetch it"""

    def fetch(self, rows: np.ndarray) -> Iterator[np.ndarray]:
        """Give `rows`, int64 (n,), in their columns as they are held, some at a time."""
        codes, kept = self.carried.codes, self.programs.held
        most = max(1, BLOCK_BYTES // (values_of(codes).shape[1] * kept.storage.itemsize))
        for start in range(0, len(rows), most):
            part = rows[start : start + most]
            asked = np.zeros(min(_rounded(len(part)), most), np.int32)
            asked[: len(part)] = part
            picked = self.programs.pick(codes, self.programs.placing.whole(asked))
            yield self.programs.get(picked)[: len(part)]

    @cached_property
    def sample(self) -> np.ndarray:
        """The first token's state, (dims,)."""
        return self.programs.get(self.carried.sample)[0, : self.part.dims]


@dataclass(frozen=True, eq=False)
class SettlingRows:
    """The codes of all tokens, put together where they are asked for."""

    held: HeldCodes
    """what they are made of"""
    arithmetic: Arithmetic
    """the formats of what is held, and of what is seen"""
    format: Format | Compensated
    """the format of the codes: one of these, or of pairs"""

    @property
    def row(self) -> np.ndarray:
        """The row of each token, int64 (tokens,)."""
        return self.held.part.row

    @property
    def shape(self) -> tuple[int, int]:
        """The shape of the cloud: (tokens, dims)."""
        return len(self.held.part.row), self.held.part.dims

    def span(self, start: int, stop: int) -> np.ndarray:
        """Return codes of tokens start ... stop - 1 as they are, (stop - start, dims)."""
        held, kept = self.held, self.arithmetic.held
        used = held.part.dim.ravel() >= 0
        found = np.empty((stop - start, held.part.dims), kept.storage)
        if len(settled := held.part.settled):
            found[:, settled] = held.sample[settled]
        done = 0
        for rows in held.fetch(held.part.row[start:stop]):
            found[done : done + len(rows), held.part.open] = rows[:, used]
            done += len(rows)
        return found if self.format == kept else viewed(found, self.arithmetic)


def _rounded(count: int) -> int:
    """Return a power of 8, `count` or more, so that few shapes are compiled."""
    size = 8
    while size < count:
        size *= 8
    return size
