"""Stores on object storage, against a real server: what is written, what resumes, what is said."""

import contextlib
import socket
import sys
import time
from importlib.metadata import version
from types import SimpleNamespace

import numpy as np
import pytest
import xarray

from drift.sim.engines.simulation import Simulation
from drift.sim.errors import BadInput, NotBegun, Unfinished
from drift.sim.open_matrix import is_run, open_matrix
from drift.sim.runs import begin, run, snapshots
from drift.sim.spec.drift import Drift
from drift.sim.stores import lock, run_layout
from drift.sim.stores.layouts import told
from drift.sim.stores.locate import locate
from drift.sim.stores.objects import client as s3_client
from drift.sim.stores.objects import lease
from drift.sim.stores.objects import location as s3
from drift.sim.stores.objects.client import ObjectStore
from drift.sim.stores.run_store import RunStore
from tests.support import s3_server
from tests.support.builders import Stop, assert_same_arrays, numbers, stop_after

SMALL = Drift(
    sigma=1e-9,
    tokens=30,
    dims=64,
    steps=20,
    records=3,
    survivors=7,
)


ROOT = "zarr.json"


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """An undisturbed run on this machine: its store and its result."""
    path = tmp_path_factory.mktemp("plain") / "run.zarr"
    return path, run.run(SMALL, path, on="cpu").as_json()


@pytest.fixture
def out(bucket):
    return f"{bucket}/some/run.zarr"


@pytest.mark.slow
def test_a_run_gives_the_arrays_and_the_result_of_a_local_one(plain, bucket, out):
    result = run.run(SMALL, out, on="cpu", checkpoint_seconds=0).as_json()
    assert_same_arrays(out, plain[0])
    assert {**result, "store": 0, "seconds": 0} == {**plain[1], "store": 0, "seconds": 0}
    assert result["store"] == out
    mine, others = RunStore(out).attrs, RunStore(plain[0]).attrs
    assert {**mine, "seconds": 0, "seal": 0} == {**others, "seconds": 0, "seal": 0}
    # The very same objects, too.
    files = {str(p.relative_to(plain[0])) for p in plain[0].rglob("*") if p.is_file()}
    assert {name.removeprefix("some/run.zarr/") for name in s3_server.names(bucket)} == files

    assert run.run(SMALL, out, on="cpu").was_complete
    assert is_run(out)
    theirs, ours = open_matrix(plain[0]), open_matrix(out)
    np.testing.assert_array_equal(ours.codes, theirs.codes)
    np.testing.assert_array_equal(ours.token_ids, theirs.token_ids)
    assert ours.label == f"{out}, step 20"
    with xarray.open_zarr(ObjectStore.below(out.removeprefix("s3://")), consolidated=False) as data:
        assert data.sizes["token"] == 30
        assert told.read(data.attrs)["spec"] == SMALL.as_json()
    for secret in (s3_server.SECRET, "AKIAIOSFODNN7EXAMPLE"):
        assert not any(secret.encode() in each for each in s3_server.contents(bucket).values())


@pytest.mark.slow
def test_a_stopped_run_resumes_to_the_same_arrays(plain, out, monkeypatch):
    with pytest.raises(Stop):
        run.run(SMALL, out, on="cpu", progress=stop_after(1))
    store = RunStore(out)
    assert (len(store.records()), store.complete, "checkpoint" in store.group) == (1, False, False)
    resumed, told, original = [], [], Simulation.resume
    monkeypatch.setattr(
        Simulation,
        "resume",
        lambda self, *at: resumed.append(at[0]) or original(self, *at),
    )
    with pytest.raises(Stop):
        run.run(SMALL, out, on="cpu", checkpoint_seconds=0, progress=stop_after(3))
    (kept,) = RunStore(out).group["checkpoint"].group_keys()
    result = run.run(
        SMALL, out, on="cpu", progress=lambda counts, done, total: told.append(done)
    ).as_json()
    assert (resumed, told) == ([int(kept)], [4])
    assert_same_arrays(out, plain[0])
    assert {**result, "store": 0, "seconds": 0} == {**plain[1], "store": 0, "seconds": 0}


class Begun:
    """What begins a store: the drift of a simulation, and its motion."""

    drift = SMALL
    motion = SimpleNamespace(u=np.ones(SMALL.dims), facts={}, arrays={})
    initial = SimpleNamespace(facts={}, token_ids=None, centre=None)


@pytest.mark.slow
def test_a_checkpoint_that_is_half_deleted_is_not_used(bucket, out, monkeypatch):
    begin.create(locate(out), Begun, {})
    store = RunStore(out, writing=True)
    since = {"step": 6, "alive": 3, "limbs": [[0]]}
    kept = store.group.create_group("checkpoint/7", attributes={"complete": True, "since": since})
    numbers(kept, "bits", {"token": 3})[:] = 1
    store.update()
    checkpoints = snapshots.ResumePoints(store, None)
    assert checkpoints.latest()[0] == 7

    async def half(self, prefix):
        at = {"Bucket": bucket.removeprefix("s3://"), "Key": f"some/run.zarr/{prefix}/7/bits/c/0"}
        s3_client.client().get_object(**at)
        s3_client.client().delete_object(**at)
        raise Stop

    with monkeypatch.context() as patch:
        patch.setattr(ObjectStore, "delete_dir", half)
        with pytest.raises(Stop):
            checkpoints.drop()
    again = snapshots.ResumePoints(RunStore(out, writing=True), None)
    assert again.latest() is None
    again.drop()
    assert not [name for name in s3_server.names(bucket) if "checkpoint" in name]


@pytest.mark.slow
@pytest.mark.parametrize("replacing", [False, True])
def test_a_store_is_never_seen_but_begun_or_complete(bucket, out, monkeypatch, replacing):
    """Begun with a stop in the place of each of the writes, or deletions, again and again."""
    api, at, place = s3_client.client(), {"Bucket": bucket.removeprefix("s3://")}, locate(out)
    original_set, original_delete = ObjectStore.set, type(api).delete_objects
    left = 1000

    def begin():
        with place.begin({"complete": False}) as group:
            numbers(group, "one", {"each": 3})[:] = 1
            group.attrs["last"] = True

    def one():
        nonlocal left
        if left == 0:
            raise Stop
        left -= 1

    async def write(self, key, value, byte_range=None):
        one()
        await original_set(self, key, value, byte_range)

    def delete(self, **options):
        one()
        some = options["Delete"]["Objects"][::2]
        original_delete(self, **{**options, "Delete": {"Objects": some}})
        one()
        return original_delete(self, **options)

    begin()
    place.group(writing=True).attrs["complete"] = True
    complete, k = s3_server.contents(bucket), 0
    assert list(complete) == [
        f"some/run.zarr/{name}" for name in ("one/c/0", "one/zarr.json", ROOT)
    ]
    monkeypatch.setattr(ObjectStore, "set", write)
    monkeypatch.setattr(type(api), "delete_objects", delete)
    while True:
        for name, body in complete.items():
            if replacing:
                api.put_object(**at, Key=name, Body=body)
            else:
                api.delete_object(**at, Key=name)
        left = k
        try:
            begin()
            break
        except Stop:
            left = 1000
        if k:
            assert dict(place.group().attrs) == {"complete": False}
        elif replacing:
            assert s3_server.contents(bucket) == complete
        else:
            assert not place.exists()
        k += 1
    assert k == (6 if replacing else 4)
    assert dict(place.group().attrs) == {"complete": False, "last": True}
    assert s3_server.names(bucket) == list(complete)


@pytest.mark.slow
def test_a_run_that_was_not_begun_is_begun_again(out):
    with pytest.raises(Stop), locate(out).begin(run_layout.FIRST):
        raise Stop
    with pytest.raises(NotBegun, match="holds only the beginning of a store; run the same"):
        RunStore(out)
    for overwrite in (False, True):
        assert not begin.resumable(SMALL, locate(out), overwrite)
    begin.create(locate(out), Begun, {"versions": {"bf16-drift": version("bf16-drift")}})
    assert begin.resumable(SMALL, locate(out), overwrite=False)


@pytest.mark.slow
def test_one_process_at_a_time_writes_a_run(out, plain):
    with lock.held(out), pytest.raises(BadInput, match="is being written by another process"):
        run.run(SMALL, out, on="cpu")
    assert not locate(out).exists()
    seen = []
    run.run(SMALL, out, on="cpu", progress=lambda *rest: seen.append(lock.is_held(out)))
    assert seen == [True] * 4
    assert not lock.is_held(out)


@pytest.mark.slow
def test_a_run_whose_lease_is_lost_writes_no_more(out, plain, monkeypatch):
    now = lease._now()

    def lose(counts, done, total):
        if done == 2:
            monkeypatch.setattr(lease, "_now", lambda: now + 60)  # the machine slept

    with pytest.raises(Unfinished, match="can't be written: the lease is lost; another process"):
        run.run(SMALL, out, on="cpu", progress=lose)
    assert len(RunStore(out).records()) <= 2


@pytest.mark.slow
def test_overwriting_touches_nothing_else(bucket, out, monkeypatch):
    monkeypatch.setattr(s3, "PAGE", 3)
    api, at = s3_client.client(), {"Bucket": bucket.removeprefix("s3://")}
    beside = ["some/run.zarr.txt", "some/run.zarr2/zarr.json", "some/run", "some/run.zar/c/0"]
    for name in [*beside, *(f"some/run.zarr/old/{k}" for k in range(11))]:
        api.put_object(**at, Key=name, Body=b"mine")
    with pytest.raises(BadInput, match=r"is not a drift store: no Zarr v3 group is there"):
        begin.resumable(SMALL, locate(out), overwrite=True)
    api.put_object(**at, Key="some/run.zarr/zarr.json", Body=b"no JSON")
    with pytest.raises(BadInput, match=r"is not a drift store, or its zarr\.json is damaged"):
        begin.resumable(SMALL, locate(out), overwrite=True)
    group = b'{"zarr_format": 3, "node_type": "group", "attributes": {}}'
    api.put_object(**at, Key="some/run.zarr/zarr.json", Body=group)
    with pytest.raises(BadInput, match="is not a drift store: drift run did not write it"):
        begin.resumable(SMALL, locate(out), overwrite=True)
    begin.create(locate(out), Begun, {})
    there = s3_server.names(bucket)
    assert set(beside) < set(there)
    assert not [name for name in there if "old" in name]
    for name in beside[:3:2]:
        with pytest.raises(BadInput, match="is not a drift store: no Zarr v3 group is there"):
            RunStore(f"{bucket}/{name}")


def said_of(place):
    """What is said of a place that can't be read."""
    with pytest.raises(BadInput) as caught:
        RunStore(place)
    said = str(caught.value)
    assert "\n" not in said
    assert s3_server.SECRET not in said
    assert "AKIA" not in said
    return said


def test_what_is_not_there_is_told(bucket):
    assert said_of(f"{bucket}/a.zarr") == (
        f"{bucket}/a.zarr is not a drift store: there is nothing"
    )
    said = said_of("s3://no-such-bucket/a.zarr")
    assert said == (
        "s3://no-such-bucket/a.zarr: there is no such bucket; one that is there is needed"
    )
    with pytest.raises(BadInput, match="does not exist; a run's store or a checkpoint"):
        open_matrix(f"{bucket}/a.zarr")
    s3_client.client().put_object(
        Bucket=bucket.removeprefix("s3://"), Key="a.safetensors", Body=b""
    )
    with pytest.raises(
        BadInput, match="is not a run's store; checkpoints are read only from local paths"
    ):
        open_matrix(f"{bucket}/a.safetensors")


def test_credentials_that_are_wrong_or_missing_are_told(endpoint, bucket, monkeypatch):
    from moto import settings
    from moto.core.responses import ActionAuthenticatorMixin

    with monkeypatch.context() as patch:  # from now on, credentials are looked at
        patch.setattr(settings, "INITIAL_NO_AUTH_ACTION_COUNT", 0)
        patch.setattr(ActionAuthenticatorMixin, "request_count", 0)
        assert said_of(f"{bucket}/a.zarr") == (
            f"{bucket}/a.zarr: the credentials are refused; AWS_ACCESS_KEY_ID and"
            " AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, must name valid ones"
        )
    s3_server.use(monkeypatch, endpoint, AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None)
    assert "there are no credentials; AWS_ACCESS_KEY_ID and" in said_of(f"{bucket}/a.zarr")
    s3_server.use(monkeypatch, endpoint, AWS_PROFILE="nobody")
    assert "no such profile as AWS_PROFILE names" in said_of(f"{bucket}/a.zarr")


@pytest.mark.slow
def test_an_endpoint_that_can_not_be_reached_is_told_soon(bucket, monkeypatch):
    with socket.socket() as free:  # bound, and so nobody else's, but not listening
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        s3_server.use(monkeypatch, f"http://user:{s3_server.SECRET[:5]}@127.0.0.1:{port}")
        began, said = time.monotonic(), said_of(f"{bucket}/a.zarr")
        assert f"http://127.0.0.1:{port} can't be reached (EndpointConnectionError)" in said
        assert time.monotonic() - began < 10
    with socket.create_server(("127.0.0.1", 0)) as silent:
        s3_server.use(monkeypatch, f"http://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setattr(s3, "PATIENCE", 1)
        began, said = time.monotonic(), said_of(f"{bucket}/a.zarr")
        assert "can't be reached (TimeoutError)" in said
        assert time.monotonic() - began < 5
    hasty = s3_client._HASTY
    assert s3.PATIENCE == 1
    assert (hasty["connect_timeout"] + hasty["read_timeout"]) * hasty["total_max_attempts"] < 30
    for wrong in ("no url", "http://[::1"):
        s3_server.use(monkeypatch, wrong)
        assert "AWS_ENDPOINT_URL a URL, AWS_DEFAULT_REGION a region" in said_of(f"{bucket}/a.zarr")


@pytest.mark.slow
def test_an_endpoint_that_goes_away_later_is_a_failure_of_one_line(bucket, out, monkeypatch):
    monkeypatch.setitem(s3_client._PATIENT, "total_max_attempts", 1)
    monkeypatch.setattr(s3_client, "_BODIES", 1)
    with contextlib.ExitStack() as stack:
        going = stack.enter_context(s3_server.server())
        s3_server.use(monkeypatch, going)

        def progress(counts, done, total):
            if done == 2:
                stack.close()

        with pytest.raises(Unfinished) as caught:
            run.run(SMALL, out, on="cpu", progress=progress)
    assert str(caught.value).startswith(f"{out} can't be written: {going} can't be reached")
    assert str(caught.value).endswith("and the same command goes on")


def test_the_extra_is_named_where_it_is_not_installed(bucket, monkeypatch):
    monkeypatch.setitem(sys.modules, "s3fs", None)
    assert said_of(f"{bucket}/a.zarr") == (
        f"{bucket}/a.zarr: the library s3fs is needed, which bf16-drift[s3] brings"
    )
