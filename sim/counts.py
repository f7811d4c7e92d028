"""What is reported of a cloud at one step.

distinct  occupied cells            pairs    sum of n(n-1)/2 over cells
alive     tokens that are counted   largest  the highest occupancy
radius    the component along u of the mean of the tokens, summed exactly
stalled   the share of coordinates that the last step left where they were though
          its displacement there is not 0; 0 at step 0
"""

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from kernels.fixed_point import from_limbs
from sim.chunks import Cloud
from sim.engine import Observation
from sim.leap import LeaptObservation
from sim.partition import Partition


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


@dataclass(frozen=True)
class State:
    """The cloud at one step: its counts, its black holes, its codes."""

    counts: Counts
    populations: np.ndarray
    """int64 (black holes,), falling"""
    seen: Observation | LeaptObservation

    @property
    def rows(self) -> Cloud:
        """The codes that were counted, absent tokens' too."""
        return self.seen.rows


def count(
    seen: Observation | LeaptObservation,
    partition: Partition,
    step: int,
    u: np.ndarray,
    exponent: int,
) -> State:
    """Count what the engine saw at `step`.

    `u`, float64 (dims,), is the direction; `exponent` is that of the sums' grid.
    """
    tokens, dims = int(np.count_nonzero(seen.present)), len(u)
    cells = partition.cells(seen.present, seen.leaders, seen.moved)
    terms = from_limbs(seen.limbs, exponent) * u
    counts = Counts(
        step=step,
        **cells.counts(),
        alive=tokens,
        radius=math.fsum(terms.ravel().tolist()) / tokens,
        stalled=seen.stalled / (tokens * dims),
    )
    return State(counts, cells.populations, seen)
