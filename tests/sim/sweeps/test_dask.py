"""What becomes of the batches of a Dask cluster."""

from types import SimpleNamespace

import numpy as np
import pytest

from drift.sim.sweeps.dask import Batch, DaskExecutor, Task
from drift.sim.sweeps.local import BatchResult


@pytest.mark.parametrize("status", ["finished", "cancelled", "error", "lost"])
def test_an_answer_counts_whatever_has_become_of_its_worker_since(status):
    executor = DaskExecutor.__new__(DaskExecutor)
    future = SimpleNamespace(status=status)
    executor._tasks, executor._longest = [Task(Batch(np.arange(2)), [future])], 0.0
    answer = BatchResult(np.arange(2), [[], []], 3.0, 1.0)
    assert executor._take(future, answer) == [answer]
    assert (executor._tasks, executor._longest) == ([], 2.0)
