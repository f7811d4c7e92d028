"""When a drift has come to rest: no step moves anything any more.

That is so where all steps are equal and one moved no coordinate that it displaces;
then even the signs of zeros are those they will keep.
"""

import numpy as np

from drift.sim.schedule import displacements
from drift.sim.spec import Drift


def may_come(drift: Drift) -> bool:
    """Whether one step can tell that no later one will move anything."""
    equal = drift.schedule == "constant" and drift.rounding != "stochastic"
    return equal and drift.survivors is None


def stalled_at(drift: Drift, u: np.ndarray) -> int:
    """How many coordinates a step leaves where they were, once the drift is at rest."""
    return int(np.count_nonzero(displacements(drift, u, 1, 1))) * drift.tokens
