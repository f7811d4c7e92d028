"""The partition of tokens into cells, carried from one count to the next.

Where equal tokens move alike for ever (one deterministic function for all), those
that share a cell go on sharing one. Then a count looks at the leaders of the
cells found so far alone, and pairs once settled are never compared again.
"""

from collections.abc import Callable

import numpy as np

from drift.sim.grouped import Cells


class Partition:
    """Which tokens share a cell; `lasting` where they go on doing so."""

    def __init__(self, tokens: int, lasting: bool):
        self._leaders = np.arange(tokens)
        self._lasting = lasting

    def cells(
        self, present: np.ndarray, leaders: Callable[[np.ndarray], np.ndarray], moved: bool
    ) -> Cells:
        """The cells of the tokens that are `present`, bool (tokens,).

        `leaders` gives those of the tokens it is asked about, as sim.coalescence
        does. Tokens may leave from one call to the next but not come back. `moved`
        is false where all are where they were at the call before.
        """
        before = self._leaders
        if self._lasting and not moved:
            return Cells.led_by(before[present])
        asked = np.zeros(len(before), bool)
        asked[before[present]] = True
        among = np.flatnonzero(asked)
        into = np.arange(len(before))
        into[among] = leaders(among)
        after = into[before]
        if self._lasting:
            self._leaders = after
        return Cells.led_by(after[present])
