"""One drift from its initial cloud to its last step, a record at a time."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import jax
import numpy as np

from kernels.advance import BLOCK
from kernels.fixed_point import scale_exponent
from sim import reach
from sim.chunks import Chunks
from sim.cloud import draw
from sim.counts import State, count
from sim.direction import direction
from sim.engine import Fill, StepEngine
from sim.schedule import displacements
from sim.spec import Drift
from sim.thresholds import value_of


class Simulation:
    """A drift whose cloud is drawn and whose range is checked, at step 0.

    Raises BadInput where the drift would leave the format's range.
    """

    def __init__(self, drift: Drift, chunks: Chunks, on: jax.Device, pool: ThreadPoolExecutor):
        self.drift = drift
        self.u = direction(drift.direction, drift.dims, drift.direction_seed)
        self.engine = StepEngine(chunks, on, pool)
        self.step = 0
        farthest = np.zeros((len(chunks), drift.dims), np.uint16)

        def fill(start: int, stop: int, out: np.ndarray) -> None:
            draw(drift.sigma, drift.seed, drift.dims, start, stop, out)
            farthest[start // chunks.size] = np.max(out & 0x7FFF, axis=0)

        self.engine.load(fill)
        codes = farthest.max(axis=0)
        extent = np.where(codes == 0, 0.0, value_of(codes))
        reach.check(drift, self.u, extent)
        self._exponent = scale_exponent(reach.bound(drift, self.u, extent))

    def resume(self, step: int, fill: Fill) -> None:
        """Go on from the cloud that `fill` gives, which is that of `step`."""
        self.engine.load(fill)
        self.step = step

    def states(self, steps: Iterable[int]) -> Iterator[State]:
        """Move to each of `steps` in turn (rising, none behind) and count there."""
        for step in steps:
            seen = self.engine.stay(self._exponent) if step == self.step else None
            for first in range(self.step + 1, step + 1, BLOCK):
                last = min(first + BLOCK - 1, step)
                block = displacements(self.drift, self.u, first, last)
                seen = self.engine.move(block, self._exponent)
                self.step = last
            assert seen is not None, "steps must rise"
            yield count(self.engine.observe(seen), step, self.u, self._exponent)
