"""The members of a batch as one cloud: their tokens are numbered one after another.

Tokens of different members never share a cell.
"""

import numpy as np

from drift.kernels.exact_sum import exact_sums, from_limbs
from drift.sim.coalescence import Equal, Fingerprint, coalesce
from drift.sim.counts import Counts
from drift.sim.grouped import Cells
from drift.sim.members import Member

_APART = np.uint64(0x9E3779B97F4A7C15)
"""Times a member's number, to tell fingerprints of different members apart."""


class Numbered:
    """The tokens of `members`, numbered one after another."""

    def __init__(self, members: list[Member]):
        self.members = members
        self.of = np.repeat(np.arange(len(members)), members[0].drift.tokens)
        """int64 (tokens,): the member of each"""
        self._grids = np.array([member.exponent for member in members])
        self._u = np.stack([member.u for member in members])[:, None]

    def present(self, step: int) -> np.ndarray:
        """Which are there after `step`, bool (tokens,)."""
        if self.members[0].drift.survivors is None:
            return np.ones(len(self.of), bool)
        return np.concatenate([member.present(step) for member in self.members])

    def leaders(self, tokens: np.ndarray, fingerprint: Fingerprint, equal: Equal) -> np.ndarray:
        """The leaders of `tokens`, int64: sim.coalescence. Members are told apart here."""

        def prints(some: np.ndarray) -> np.ndarray:
            return fingerprint(some) ^ (self.of[some].astype(np.uint64) * _APART)

        def one(a: np.ndarray, b: np.ndarray) -> np.ndarray:
            same = self.of[a] == self.of[b]
            same[same] = equal(a[same], b[same])
            return same

        return coalesce(tokens, [prints], one)

    def found(self, cells: Cells) -> dict[str, np.ndarray]:
        """The counts of `cells` by member, int64 (members,); some token of each is in one."""
        occupancy, hole = cells.occupancy, cells.occupancy > 1
        firsts = np.searchsorted(self.of[cells.representative], np.arange(len(self.members)))

        def total(numbers: np.ndarray) -> np.ndarray:
            return np.add.reduceat(numbers, firsts, dtype=np.int64)

        return {
            "distinct": total(np.ones_like(occupancy)),
            "black_holes": total(hole),
            "black_hole_tokens": total(occupancy * hole),
            "singletons": total(~hole),
            "largest": np.maximum.reduceat(occupancy, firsts),
            "pairs": total(occupancy * (occupancy - 1) // 2),
            "alive": total(occupancy),
        }

    def counts(
        self, step: int, found: dict[str, np.ndarray], limbs: np.ndarray, stalled: np.ndarray
    ) -> list[Counts]:
        """Of each member at `step`, whose cells are as `found`.

        `limbs` integers (members, LIMBS, dims): the sums of their tokens, kernels.exact_sum;
        `stalled` int64 (members,): coordinates.
        """
        rows = zip(*(column.tolist() for column in found.values()), strict=True)
        parts = zip(rows, self._along(limbs), stalled.tolist(), strict=True)
        made, dims = [], limbs.shape[2]
        for row, along, stayed in parts:
            mine = dict(zip(found, row, strict=True))
            alive = mine["alive"]
            radius, share = along / alive, stayed / (alive * dims)
            made.append(Counts(step=step, **mine, radius=radius, stalled=share))
        return made

    def _along(self, limbs: np.ndarray) -> list[float]:
        """The components along u of the sums of the members' tokens."""
        terms = from_limbs(limbs.swapaxes(0, 1), self._grids[:, None]).swapaxes(0, 1) * self._u
        return exact_sums(terms.reshape(len(terms), -1)).tolist()
