"""Executors of sweeps for tests of stores: what a sweep counted is counted again without JAX."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import numpy as np

from drift.sim.sweeps.local import BatchResult, Executor, local_executor
from drift.sim.sweeps.point_order import PointGroups


class CountedBefore:
    """The outcomes of points; it can be pickled once there are all."""

    def __init__(self):
        self._outcomes = {}
        self._known = {}

    @contextmanager
    def noting(self, *asked):
        """An executor that counts, and notes what it counted."""
        with local_executor(*asked) as found:
            platform = found.about["device"]["platform"]
            together = found.together(asked[0].drift(0))
            self._known = {"inputs": found.inputs, "about": found.about}
            self._known |= {"platform": platform, "together": together}
            yield found._replace(counted=partial(self._noted, found.counted))

    def _noted(self, counted, batches):
        for found in counted(batches):
            self._outcomes |= zip(found.points.tolist(), found.outcomes, strict=True)
            yield found

    @contextmanager
    def telling(self, grid, on, engine, devices, memory):
        """An executor that tells what was noted, in batches of the same points."""
        known = self._known
        kinds = PointGroups(grid, known["platform"], engine)
        together = known["together"]
        yield Executor(
            known["inputs"], kinds, known["about"], 1, lambda drift: together, self._told
        )

    def _told(self, batches) -> Iterator[BatchResult]:
        for points in batches:
            outcomes = [self._outcomes[point] for point in np.asarray(points).tolist()]
            yield BatchResult(points, outcomes, 0.0, 0.0)
