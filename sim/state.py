"""The cloud at one step, counted: sim.counts says what of it is reported."""

import math
from dataclasses import dataclass

import numpy as np

from drift.kernels.exact_sum import from_limbs
from drift.sim.counts import Counts
from drift.sim.engine import Observation
from drift.sim.far import Cloud
from drift.sim.leap import LeaptObservation
from drift.sim.partition import Partition


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
