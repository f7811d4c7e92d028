"""The partition of tokens into cells at several times, with as few comparisons as possible.

Where equal tokens move alike for ever (one deterministic function for all), those that share a
cell go on sharing one: the partition is monotone. So a count asks about the representatives of
the cells found so far alone, and pairs that share a cell are never compared again.

representative  the token that stands for all tokens of its cell: sim.counting.coalesce
"""

from collections.abc import Callable

import numpy as np

from drift.sim.counting.cells import CellCounts


class Partition:
    """The cells of a cloud's tokens, record by record.

    `monotone` is true where tokens that share a cell go on sharing one.
    """

    def __init__(self, tokens: int, monotone: bool):
        self._representatives = np.arange(tokens)
        self._monotone = monotone

    def cells(
        self, present: np.ndarray, representatives: Callable[[np.ndarray], np.ndarray], moved: bool
    ) -> CellCounts:
        """Count the cells of the tokens that are `present`, bool (tokens,).

        `representatives` gives those of the tokens it is asked about, as sim.counting.coalesce
        does. Tokens may leave from one call to the next but not come back. `moved`
        is false where all are where they were at the call before.
        """
        before = self._representatives
        if self._monotone and not moved:
            return CellCounts.of_representatives(before[present])
        asked = np.zeros(len(before), bool)
        asked[before[present]] = True
        among = np.flatnonzero(asked)
        into = np.arange(len(before))
        into[among] = representatives(among)
        after = into[before]
        if self._monotone:
            self._representatives = after
        return CellCounts.of_representatives(after[present])
