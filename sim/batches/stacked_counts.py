"""The counts of several clouds that are counted as one (sim.batches.stacked).

The tokens of all replicas are numbered one after another. Tokens of different replicas never share
a cell.
"""

import math

import numpy as np

from drift.kernels import row_hash
from drift.kernels.exact_sum import exact_sums, from_limbs
from drift.kernels.row_hash_jax import as_words
from drift.kernels.stepping.block import BlockResult
from drift.sim.batches.stacked import Replica
from drift.sim.counting.cells import CellCounts, Counts
from drift.sim.counting.coalesce import Equal, Fingerprint, coalesce
from drift.sim.counting.partition import Partition
from drift.sim.engines.choose import has_monotone_steps
from drift.sim.matrix import rounded_once
from drift.sim.motions.since import RecordSums, mean_change, sums_of

_APART = np.uint64(0x9E3779B97F4A7C15)
"""Factor of a replica's number, to tell fingerprints of different replicas apart."""


class StackedTokens:
    """The tokens of `replicas`, numbered one after another."""

    def __init__(self, replicas: list[Replica]):
        self.replicas = replicas
        self.of = np.repeat(np.arange(len(replicas)), replicas[0].drift.tokens)
        """int64 (tokens,): the replica of each"""
        self._grids = np.array([replica.exponent for replica in replicas])
        self._before: RecordSums | None = None
        self._u = np.stack([replica.u for replica in replicas])[:, None]

    def present(self, step: int) -> np.ndarray:
        """Return whether each token is present after `step`, bool (tokens,)."""
        if self.replicas[0].drift.survivors is None:
            return np.ones(len(self.of), bool)
        return np.concatenate([replica.present(step) for replica in self.replicas])

    def representatives(
        self, tokens: np.ndarray, fingerprint: Fingerprint, equal: Equal
    ) -> np.ndarray:
        """Return the representatives of `tokens`, int64, as sim.counting.coalesce does.

        Tokens of different replicas are told apart here.
        """

        def prints(some: np.ndarray) -> np.ndarray:
            return fingerprint(some) ^ (self.of[some].astype(np.uint64) * _APART)

        def one(a: np.ndarray, b: np.ndarray) -> np.ndarray:
            same = self.of[a] == self.of[b]
            same[same] = equal(a[same], b[same])
            return same

        return coalesce(tokens, [prints], one)

    def counts_by_replica(self, cells: CellCounts) -> dict[str, np.ndarray]:
        """Return the counts of `cells` by replica, int64 (replicas,); each replica has a token."""
        occupancy, hole = cells.occupancy, cells.occupancy > 1
        firsts = np.searchsorted(self.of[cells.representative], np.arange(len(self.replicas)))

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
        """Return the counts of each replica at `step`, given those of its cells, `found`.

        `limbs` integers (replicas, LIMBS, dims): the sums of their tokens, kernels.exact_sum;
        `stalled` int64 (replicas,): coordinates.
        """
        rows = zip(*(column.tolist() for column in found.values()), strict=True)
        parts = zip(rows, self._along(limbs), stalled.tolist(), strict=True)
        made, dims, motions = [], limbs.shape[2], [replica.motion for replica in self.replicas]
        after, before = (
            RecordSums(step, int(found["alive"][0]), limbs.astype(np.int64)),
            self._before,
        )
        if step and before is None:
            before = self._start()
        done = np.zeros(len(limbs)) if not before else mean_change(before, after, self._grids)
        self._before = after
        for motion, went, (row, along, stayed) in zip(motions, done.tolist(), parts, strict=True):
            mine = dict(zip(found, row, strict=True))
            alive = mine["alive"]
            radius = None if math.isnan(along) else along / alive
            share = stayed / (alive * dims)
            changed = motion.moving_at(step) * alive - stayed if step else 0
            asked = motion.asked(before.step, step) if before else 0.0
            moved = changed / (alive * dims)
            made.append(
                Counts(
                    **mine,
                    step=step,
                    radius=radius,
                    stalled=share,
                    asked=asked,
                    done=went,
                    moved=moved,
                )
            )
        return made

    def _start(self) -> RecordSums:
        """Return the sums of the clouds at step 0, where it is not counted."""
        first = self.replicas[0].drift
        state, view = first.arithmetic.state, first.target
        limbs = [
            sums_of(rounded_once(each.codes, state, view), view, each.exponent)
            for each in self.replicas
        ]
        return RecordSums(0, first.tokens, np.stack(limbs))

    def _along(self, limbs: np.ndarray) -> list[float]:
        """Return the components along u of the sums of the replicas' tokens."""
        if np.isnan(self._u).any():
            return [math.nan] * len(limbs)
        terms = from_limbs(limbs.swapaxes(0, 1), self._grids[:, None]).swapaxes(0, 1) * self._u
        return exact_sums(terms.reshape(len(terms), -1)).tolist()


class StackedCounts:
    """The counts of `replicas`, record by record."""

    def __init__(self, replicas: list[Replica]):
        self._all, first = StackedTokens(replicas), replicas[0].drift
        self._tokens, self._target = first.tokens, first.target
        self._partition = Partition(len(self._all.of), has_monotone_steps(first))

    def counts(
        self, step: int, result: BlockResult, stalled: np.ndarray, moved: bool
    ) -> list[Counts]:
        """Return the counts of each replica at `step`; `stalled` int64 (replicas,).

        `moved` is false where all tokens are where they were at the record before.
        """
        words = np.asarray(result.fingerprints).reshape(len(result.fingerprints), -1, 2)
        prints = as_words(words[: len(stalled), : self._tokens].reshape(-1, 2))
        rows = np.asarray(result.codes if result.view is None else result.view)  # on a CPU in place
        rows = rows.reshape(len(rows), -1, rows.shape[-1])

        def take(tokens: np.ndarray) -> np.ndarray:
            return rows[np.divmod(tokens, self._tokens)]

        def equal(a: np.ndarray, b: np.ndarray) -> np.ndarray:
            return row_hash.equal(take, a, b, rows.itemsize * rows.shape[2], self._target)

        def representatives(tokens: np.ndarray) -> np.ndarray:
            return self._all.representatives(tokens, lambda some: prints[some], equal)

        cells = self._partition.cells(self._all.present(step), representatives, moved)
        limbs = np.asarray(result.limbs)[: len(stalled)].astype(np.int64)
        return self._all.counts(step, self._all.counts_by_replica(cells), limbs, stalled)
