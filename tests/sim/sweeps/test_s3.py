"""Sweeps into stores on object storage, against a real server."""

import json

import numpy as np
import pytest

from drift.sim.errors import BadInput, NotBegun, Unfinished
from drift.sim.stores import lock
from drift.sim.stores.locate import locate
from drift.sim.stores.objects import client as s3_client
from drift.sim.stores.objects import lease
from drift.sim.stores.objects.client import ObjectStore
from drift.sim.sweeps.store import NAMES, SweepStore, is_sweep
from drift.sim.sweeps.sweep import sweep
from tests.support import s3_server
from tests.support.builders import files, tiny
from tests.support.s3_server import ELSEWHERE


class Stop(Exception):
    """The power goes out."""


def objects(out):
    """Every object of the store that is alone in a bucket and holds values, and its bytes."""
    found = s3_server.contents(out.removesuffix("/some/grid.zarr"))
    values = {name: body for name, body in found.items() if not name.endswith("zarr.json")}
    return {name.removeprefix("some/grid.zarr/"): body for name, body in values.items()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """An undisturbed sweep on this machine."""
    path = tmp_path_factory.mktemp("whole") / "grid.zarr"
    return path, sweep(tiny(), path, on="cpu").as_json()


@pytest.fixture
def out(bucket):
    return f"{bucket}/some/grid.zarr"


@pytest.mark.slow
def test_a_sweep_writes_the_objects_that_a_local_one_writes_as_files(whole, bucket, out):
    path, result = whole
    found = sweep(tiny(), out, on="cpu", flush_seconds=0.0).as_json()
    assert {**found, "store": 0, "seconds": 0} == {**result, "store": 0, "seconds": 0}
    assert found["store"] == out
    assert objects(out) == files(path)
    assert is_sweep(out)
    store, local = SweepStore(out), SweepStore(path)
    assert store.grid == local.grid
    assert store.done.all()
    assert store.complete
    for name in NAMES:
        np.testing.assert_array_equal(store.read(name), local.read(name))
    assert sweep(tiny(), out, on="cpu").was_complete
    for body in s3_server.contents(bucket).values():
        assert s3_server.SECRET.encode() not in body
    assert not lock.is_held(out)


@pytest.mark.slow
def test_a_stopped_sweep_goes_on_and_ends_with_the_same_objects(whole, out):
    def stop(session):
        raise Stop

    for _ in range(2):
        with pytest.raises(Stop):
            sweep(tiny(), out, on="cpu", flush_seconds=0.0, progress=stop)
        store = SweepStore(out)
        assert not store.complete
    assert 0 < np.count_nonzero(store.done) < len(store.grid)
    with pytest.raises(BadInput, match="is an unfinished sweep with"):
        sweep(tiny(radius=(1.0,)), out, on="cpu")
    sweep(tiny(), out, on="cpu")
    assert objects(out) == files(whole[0])


@pytest.mark.slow
def test_one_that_was_not_begun_is_begun_again(whole, out, monkeypatch):
    original, left = ObjectStore.set, [6]

    async def write(self, key, value, byte_range=None):
        left[0] -= 1
        if left[0] < 0:
            raise Stop
        await original(self, key, value, byte_range)

    with monkeypatch.context() as patch:
        patch.setattr(ObjectStore, "set", write)
        with pytest.raises(Stop):
            sweep(tiny(), out, on="cpu")
    with pytest.raises(NotBegun, match="holds only the beginning of a store; run the same"):
        SweepStore(out)
    sweep(tiny(), out, on="cpu")
    assert objects(out) == files(whole[0])


def test_a_store_that_another_one_writes_is_left_alone(bucket, out):
    at = {"Bucket": bucket.removeprefix("s3://"), "Key": "some/.grid.zarr.drift-lease"}
    s3_client.client().put_object(**at, Body=json.dumps(ELSEWHERE).encode())
    assert lock.is_held(out)
    with pytest.raises(BadInput, match="is being written by process 7 on elsewhere"):
        sweep(tiny(), out, on="cpu")
    assert s3_server.names(bucket) == [at["Key"]]


@pytest.mark.slow
def test_whoever_lost_the_lease_writes_no_more(out, monkeypatch):
    now = lease._now()

    def lose(session):  # the machine slept
        monkeypatch.setattr(lease, "_now", lambda: now + 1000)

    with pytest.raises(Unfinished) as caught:
        sweep(tiny(), out, on="cpu", flush_seconds=0.0, progress=lose)
    said = str(caught.value)
    assert said.startswith(f"{out} can't be written: the lease is lost; another process may write")
    assert said.endswith(" grid points are left, and the same command goes on with them")
    assert not SweepStore(out).complete
    assert locate(out).exists()
