"""A worker's share of cores and accelerators."""

import os
import threading
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift.sim.devices import device


@given(st.integers(1, 6), st.integers(1, 40), st.data())
def test_nothing_is_taken_twice_while_there_is_enough(size, there, data):
    workers = data.draw(st.integers(1, max(1, there // size)))
    among = [f"core {k}" for k in range(there)]
    taken = [device.share(index, among, size) for index in range(workers)]
    assert all(len(each) == min(size, there) for each in taken)
    whole = [one for each in taken for one in each]
    assert len(set(whole)) == len(whole)
    assert set(whole) <= set(among)


@given(st.integers(1, 6), st.integers(1, 40), st.integers(1, 100))
def test_where_there_is_too_little_all_is_shared_evenly(size, there, workers):
    taken = [device.share(index, range(there), size) for index in range(workers)]
    groups = max(1, there // size)
    counts = [sum(one in each for each in taken) for one in range(min(there, groups * size))]
    assert max(counts) - min(counts) <= 1


ONE_EACH = [{"CUDA_VISIBLE_DEVICES": name} for name in ("0", "1", "GPU-7f", "0")]


def test_each_worker_sees_an_accelerator_of_its_own(monkeypatch):
    monkeypatch.delenv("XLA_PYTHON_CLIENT_MEM_FRACTION", raising=False)
    names = ["0", "1", "GPU-7f"]
    assert [device.accelerator_environment(index, 3, 1, names) for index in range(4)] == ONE_EACH
    assert device.accelerator_environment(1, 2, 2, ["0", "1", "2", "3"]) == {
        "CUDA_VISIBLE_DEVICES": "2,3"
    }
    assert device.accelerator_environment(0, 2, 1, []) == {}


def test_workers_that_have_to_share_one_share_its_memory(monkeypatch):
    monkeypatch.delenv("XLA_PYTHON_CLIENT_MEM_FRACTION", raising=False)
    found = device.accelerator_environment(4, 5, 1, ["0", "1"])
    assert found == {"CUDA_VISIBLE_DEVICES": "0", "XLA_PYTHON_CLIENT_MEM_FRACTION": "0.250"}
    monkeypatch.setenv("XLA_PYTHON_CLIENT_MEM_FRACTION", "0.1")
    assert device.accelerator_environment(4, 5, 1, ["0", "1"]) == {"CUDA_VISIBLE_DEVICES": "0"}


@pytest.mark.parametrize(
    ("shown", "names"), [("2, 3", ["2", "3"]), ("", []), ("MIG-1/2", ["MIG-1/2"])]
)
def test_what_the_process_is_shown_stays_what_is_shared(monkeypatch, shown, names):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", shown)
    device._accelerators.cache_clear()
    assert device._accelerators() == names
    device.take_accelerators(1, 2, 1)
    assert os.environ["CUDA_VISIBLE_DEVICES"] == (names[-1] if names else "")
    device.take_accelerators(0, 2, 1)
    assert os.environ["CUDA_VISIBLE_DEVICES"] == (names[0] if names else "")
    device._accelerators.cache_clear()


def test_devices_that_jax_shows_to_all_are_shared_alike(monkeypatch):
    shown = [SimpleNamespace(platform="tpu", id=number) for number in range(4)]
    monkeypatch.setattr(device, "_all", lambda name: shown)
    assert [device.find_devices("tpu", 1, worker)[0].id for worker in range(5)] == [0, 1, 2, 3, 0]
    assert [each.id for each in device.find_devices("tpu", 2, 1)] == [2, 3]
    assert [each.id for each in device.find_devices("tpu", 3)] == [0, 1, 2]


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="cores can't be chosen here")
def test_cores_are_those_of_one_thread_and_of_those_it_starts():
    before, seen = os.sched_getaffinity(0), []

    def work():
        device.take_cores(len(before) - 1, 1)
        mine = threading.Thread(target=lambda: seen.append(os.sched_getaffinity(0)))
        mine.start()
        mine.join()
        seen.append(device.cores())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [{max(before)}, 1]
    assert os.sched_getaffinity(0) == before
