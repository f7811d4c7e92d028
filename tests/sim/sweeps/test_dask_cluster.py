"""The start of workers on this machine: few files, a start that hangs, workers that die at once."""

import resource
import time
from types import SimpleNamespace

import pytest

from drift.sim.errors import BadInput
from drift.sim.sweeps import dask_cluster


@pytest.mark.parametrize(
    ("limits", "allowed"), [((64, 128), 128), ((1024, 4096), None), ((64, -1), 128)]
)
def test_as_many_files_are_allowed_as_workers_need(monkeypatch, limits, allowed):
    told = []
    monkeypatch.setattr(resource, "getrlimit", lambda which: limits)
    monkeypatch.setattr(resource, "setrlimit", lambda which, what: told.append(what))
    dask_cluster._allow_files(2)
    assert told == ([] if allowed is None else [(allowed, limits[1])])


def test_too_few_files_are_one_line(monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda which: (32, 32))
    with pytest.raises(BadInput) as caught:
        dask_cluster._allow_files(2)
    assert str(caught.value) == (
        "only 32 files may be open at a time, and 2 workers need 128; ulimit -n 128 allows them"
    )


def test_a_cluster_that_never_starts_has_a_deadline(monkeypatch):
    monkeypatch.setattr(dask_cluster, "_START_SECONDS", 0.01)
    with pytest.raises(TimeoutError, match=r"no scheduler within 0\.01 s"):
        dask_cluster._within_a_minute(lambda: time.sleep(1))
    assert dask_cluster._within_a_minute(dict, a=1) == {"a": 1}


def test_workers_that_died_at_their_start_are_replaced_once_each():
    asked = []
    states = ["running", "failed"]

    def scale(count):
        asked.append(count)
        cluster.worker_spec = range(count)

    cluster = SimpleNamespace(
        workers={k: SimpleNamespace(status=SimpleNamespace(name=s)) for k, s in enumerate(states)},
        worker_spec=range(2),
        scale=scale,
    )
    assert [dask_cluster._refill(cluster, 2) for _ in range(2)] == [1, 1]
    assert asked == [3]
