"""What becomes of the batches of a Dask cluster."""

import pickle
from types import SimpleNamespace

import numpy as np
import pytest

from drift.sim.counting.cells import Counts
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


def test_a_result_is_what_it_was_when_it_comes_from_elsewhere():
    records = [
        Counts(k, 9, 1, 2, 7, 2, 1, 9, None if k else 0.5, 0.1, 0.2, 0.3, 0.4) for k in (0, 3)
    ]
    result = BatchResult(np.array([4, 7]), [records, "out of memory"], 2.5, 0.5)
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        found = pickle.loads(pickle.dumps(result, protocol))
        assert type(found) is BatchResult
        assert found.points.tolist() == [4, 7]
        assert found[1:] == result[1:]
