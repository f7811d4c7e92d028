"""What is counted of the members of a batch (sim.batch), all at once.

The tokens of all members are numbered one after another and counted as one cloud in
which tokens of different members never share a cell.
"""

import math

import jax
import numpy as np

from kernels import rowwise
from kernels.advance import Advanced
from kernels.fingerprint import as_words
from kernels.fixed_point import from_limbs
from sim.coalescence import Cells, coalesce
from sim.counts import Counts
from sim.engines import moves_values_alike
from sim.members import Member
from sim.partition import Partition

_APART = np.uint64(0x9E3779B97F4A7C15)
"""Times a member's number, to tell fingerprints of different members apart."""


class Tally:
    """The counts of `members`, record by record."""

    def __init__(self, members: list[Member]):
        self._members, first = members, members[0].drift
        self._tokens, self._target = first.tokens, first.target
        every = len(members) * first.tokens
        self._partition = Partition(every, moves_values_alike(first))
        self._of = np.repeat(np.arange(len(members)), first.tokens)

    def counts(self, step: int, seen: Advanced, stalled: np.ndarray, moved: bool) -> list[Counts]:
        """Of each member at `step`, as the device saw them; `stalled` int64 (members,).

        `moved` is false where all are where they were at the record before.
        """
        present = np.concatenate([member.present(step) for member in self._members])
        words = np.asarray(seen.fingerprints).reshape(len(seen.fingerprints), -1, 2)
        prints = as_words(words[: len(self._members), : self._tokens].reshape(-1, 2))
        prints ^= self._of.astype(np.uint64) * _APART
        codes = seen.codes if seen.view is None else seen.view

        def equal(a: np.ndarray, b: np.ndarray) -> np.ndarray:
            same = self._of[a] == self._of[b]
            same[same] = self._equal(codes, a[same], b[same])
            return same

        def leaders(tokens: np.ndarray) -> np.ndarray:
            return coalesce(tokens, [lambda some: prints[some]], equal)

        cells = self._partition.cells(present, leaders, moved)
        limbs = np.asarray(seen.limbs).astype(np.int64)
        alive = np.bincount(self._of[present], minlength=len(self._members))
        found = _by_member(cells, self._of, len(self._members))
        return [
            Counts(
                step=step,
                **{name: int(column[k]) for name, column in found.items()},
                alive=int(alive[k]),
                radius=_sum(limbs[k], member) / int(alive[k]),
                stalled=int(stalled[k]) / (int(alive[k]) * len(member.u)),
            )
            for k, member in enumerate(self._members)
        ]

    def _equal(self, codes: jax.Array, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Whether tokens a[i] and b[i], of one member, are in one cell."""
        rows = np.asarray(codes)  # on a CPU in place
        rows = rows.reshape(len(rows), -1, rows.shape[-1])

        def take(tokens: np.ndarray) -> np.ndarray:
            return rows[np.divmod(tokens, self._tokens)]

        return rowwise.equal(take, a, b, rows.itemsize * rows.shape[2], self._target)


def _sum(limbs: np.ndarray, member: Member) -> float:
    """The component along u of the sum of a member's tokens."""
    terms = from_limbs(limbs, member.exponent) * member.u
    return math.fsum(terms[terms != 0].tolist())


def _by_member(cells: Cells, of: np.ndarray, members: int) -> dict[str, np.ndarray]:
    """The counts of sim.coalescence.Cells for the cells of each member, int64 (members,)."""
    occupancy, member = cells.occupancy, of[cells.representative]
    hole = occupancy > 1

    def total(numbers: np.ndarray) -> np.ndarray:
        added = np.zeros(members, np.int64)
        np.add.at(added, member, numbers)
        return added

    largest = np.zeros(members, np.int64)
    np.maximum.at(largest, member, occupancy)
    return {
        "distinct": total(np.ones_like(occupancy)),
        "black_holes": total(hole),
        "black_hole_tokens": total(occupancy * hole),
        "singletons": total(~hole),
        "largest": largest,
        "pairs": total(occupancy * (occupancy - 1) // 2),
    }
