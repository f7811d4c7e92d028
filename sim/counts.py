"""What is reported of a cloud at one step.

distinct  occupied cells            pairs    sum of n(n-1)/2 over cells
alive     tokens that are counted   largest  the highest occupancy
radius    the component along u of the mean of the tokens, summed exactly
stalled   the share of coordinates that the last step left where they were though
          its displacement there is not 0; 0 at step 0
"""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Counts:
    """The counts after `step`; the names are those of the JSON and of the store.

    What each of them is stands at the head of sim.counts; `radius` is in the units of
    sigma, `stalled` a share from 0 to 1, and all others are whole numbers.
    """

    step: int
    distinct: int
    black_holes: int
    black_hole_tokens: int
    singletons: int
    largest: int
    pairs: int
    alive: int
    radius: float
    stalled: float

    def as_json(self) -> dict[str, Any]:
        """The fields as plain JSON values."""
        return asdict(self)
