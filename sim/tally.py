"""What is counted of members of a batch that were moved on a device (sim.batch), all at once."""

import numpy as np

from drift.kernels import row_hash
from drift.kernels.row_hash_jax import as_words
from drift.kernels.stepping.block import Advanced
from drift.sim.counts import Counts
from drift.sim.engines import moves_values_alike
from drift.sim.members import Member
from drift.sim.numbered import Numbered
from drift.sim.partition import Partition


class Tally:
    """The counts of `members`, record by record."""

    def __init__(self, members: list[Member]):
        self._all, first = Numbered(members), members[0].drift
        self._tokens, self._target = first.tokens, first.target
        self._partition = Partition(len(self._all.of), moves_values_alike(first))

    def counts(self, step: int, seen: Advanced, stalled: np.ndarray, moved: bool) -> list[Counts]:
        """Of each member at `step`, as the device saw them; `stalled` int64 (members,).

        `moved` is false where all are where they were at the record before.
        """
        words = np.asarray(seen.fingerprints).reshape(len(seen.fingerprints), -1, 2)
        prints = as_words(words[: len(stalled), : self._tokens].reshape(-1, 2))
        rows = np.asarray(seen.codes if seen.view is None else seen.view)  # on a CPU in place
        rows = rows.reshape(len(rows), -1, rows.shape[-1])

        def take(tokens: np.ndarray) -> np.ndarray:
            return rows[np.divmod(tokens, self._tokens)]

        def equal(a: np.ndarray, b: np.ndarray) -> np.ndarray:
            return row_hash.equal(take, a, b, rows.itemsize * rows.shape[2], self._target)

        def leaders(tokens: np.ndarray) -> np.ndarray:
            return self._all.leaders(tokens, lambda some: prints[some], equal)

        cells = self._partition.cells(self._all.present(step), leaders, moved)
        limbs = np.asarray(seen.limbs)[: len(stalled)].astype(np.int64)
        return self._all.counts(step, self._all.found(cells), limbs, stalled)
