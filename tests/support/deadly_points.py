"""For a Dask worker to preload: grid points that kill whoever counts them."""

import os
import signal

from drift.sim.sweeps.local import LocalExecutor

POINTS = "DEADLY_POINTS"
"""The variable that names them, numbers with commas between."""


def dask_setup(worker):
    deadly = set(map(int, os.environ[POINTS].split(",")))
    count = LocalExecutor.count

    def counted(self, points):
        if deadly & set(points.tolist()):
            os.kill(os.getpid(), signal.SIGKILL)
        return count(self, points)

    LocalExecutor.count = counted
