"""The cells of a trajectory, sample by sample, found anew only for tokens that changed.

representative  the first token of a token's cell; -1 for a token that is in none
changed         of a token: a bit of its row is another one, or it came or went

Tokens that did not change share cells as they did before. So one of them stands for all that stay
together, and only it and the tokens that changed are compared: first by fingerprints, which are
kept, then row by row.
"""

import numpy as np

from drift.kernels import row_hash
from drift.kernels.formats import Format
from drift.sim.counting.cells import CellCounts
from drift.sim.counting.coalesce import coalesce
from drift.sim.structures.lineage import Holes


class CellTracker:
    """The cells of `tokens` tokens at one sample after another; all are in none at first."""

    def __init__(self, tokens: int, target: Format):
        self._target = target
        self._prints = np.zeros(tokens, np.uint64)
        self.representatives = np.full(tokens, -1)
        """int64 (tokens,)"""
        self.counts = CellCounts.of_representatives(self.representatives[:0]).counts()
        """the counts of cells, by their names in the JSON"""
        self.holes = Holes.of_representatives(self.representatives)
        """the black holes among the tokens"""

    def update(self, codes: np.ndarray, present: np.ndarray, changed: np.ndarray) -> bool:
        """Take the next sample, `codes` (tokens, dims), and return whether cells are others now.

        `present` and `changed` are bool (tokens,).
        """
        before = self.representatives
        came = np.flatnonzero(changed & present)
        kept = np.flatnonzero(present & ~changed)
        row_bytes = codes.itemsize * codes.shape[1]

        def take(some: np.ndarray) -> np.ndarray:
            return row_hash.take_rows(codes, some)

        if len(came):
            self._prints[came] = row_hash.hashes(take, came, row_bytes, self._target)
        # Written from the last to the first, so that the first of those that stay is left.
        stays = np.full(len(before), -1)
        stays[before[kept][::-1]] = kept[::-1]
        stands = stays[before[kept]]
        compared = changed & present
        compared[kept[stands == kept]] = True
        among = np.flatnonzero(compared)
        found = coalesce(
            among,
            [lambda some: self._prints[some]],
            lambda a, b: row_hash.equal(take, a, b, row_bytes, self._target),
        )
        label = np.full(len(before), -1)
        label[among] = found
        after = np.full(len(before), -1)
        after[came], after[kept] = label[came], label[stands]
        if np.array_equal(before, after):
            return False
        self.representatives = after
        self.counts = CellCounts.of_representatives(after[present]).counts()
        self.holes = Holes.of_representatives(after)
        return True
