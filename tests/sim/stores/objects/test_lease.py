"""One writer at a time, against a real server."""

import json
import os
import time
from datetime import timedelta

import pytest

from drift.sim.errors import BadInput, StorageError
from drift.sim.stores.locate import locate
from drift.sim.stores.objects import lease
from drift.sim.stores.objects.client import client
from drift.sim.stores.objects.lease import Lease
from tests.support import s3_server
from tests.support.s3_server import ELSEWHERE


@pytest.fixture
def place(bucket):
    return locate(f"{bucket}/some/grid.zarr")


def at(place):
    return {"Bucket": place.bucket.name, "Key": "some/.grid.zarr.drift-lease"}


def put(place, known, age=0.0):
    """Put a lease there that was renewed some seconds ago."""
    from moto.s3.models import s3_backends

    client().put_object(**at(place), Body=json.dumps(known).encode())
    (backend,) = (backends["aws"] for backends in s3_backends.values())
    backend.buckets[place.bucket.name].keys[at(place)["Key"]].last_modified -= timedelta(
        seconds=age
    )


def held(place):
    return json.loads(client().get_object(**at(place))["Body"].read())


def refused(place):
    with pytest.raises(BadInput) as caught, Lease(place):
        pass
    return str(caught.value)


def test_one_at_a_time_has_it_and_leaves_nothing_behind(place, bucket):
    with Lease(place) as mine:
        mine.check()
        assert s3_server.names(bucket) == ["some/.grid.zarr.drift-lease"]
        before = held(place)
        who = f"process {os.getpid()} on {before['host']}"
        said = refused(place)
        assert said.startswith(f"{place} is being written by {who}, seen ")
        assert said.endswith(" s ago; only one process may write at a time")
        assert held(place) == before
        with Lease(locate(f"{bucket}/some/other.zarr")) as other:
            other.check()
    assert s3_server.names(bucket) == []
    with Lease(place) as again:
        again.check()


def test_it_is_renewed_and_another_one_may_have_it_once_it_is_old(place):
    put(place, ELSEWHERE, age=57)
    assert "is being written by process 7 on elsewhere, seen 5" in refused(place)
    put(place, ELSEWHERE, age=60)
    with Lease(place, every=0.05) as mine:
        first = held(place)
        assert first["owner"] != "x"
        deadline = time.monotonic() + 10
        while held(place)["renewals"] < first["renewals"] + 3 and time.monotonic() < deadline:
            time.sleep(0.02)
        assert held(place)["renewals"] >= first["renewals"] + 3
        mine.check()


def lost(held):
    """Whether its keeper is soon told that it is lost."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            held.check()
        except StorageError as error:
            return "the lease is lost; another process may write there" in str(error)
        time.sleep(0.02)
    return False


def test_who_lost_it_is_told_and_leaves_that_of_another_alone(place):
    with Lease(place, every=0.05) as mine:
        mine.check()
        put(place, ELSEWHERE)
        assert lost(mine)
    assert held(place) == ELSEWHERE


def test_who_can_not_renew_it_is_told_before_another_one_may_have_it(place, monkeypatch):
    def unreachable(self):
        raise StorageError("there", "it can't be reached")

    with monkeypatch.context() as patch, Lease(place, every=0.05, lapse=0.3) as mine:
        mine.check()
        patch.setattr(Lease, "_renew", unreachable)
        began = time.monotonic()
        assert lost(mine)
        assert time.monotonic() - began < 5
    now = lease._now()
    with Lease(place) as mine:
        monkeypatch.setattr(lease, "_now", lambda: now + 39)
        mine.check()
        monkeypatch.setattr(lease, "_now", lambda: now + 60)  # the machine slept
        assert lost(mine)


def test_whoever_comes_between_a_look_and_a_write_has_it(place, monkeypatch):
    """Two that find nothing, or the same old lease: the storage's condition tells them apart."""
    original = Lease._found

    def found(self):
        here = original(self)
        if not came:
            came.append(put(place, ELSEWHERE))
        return here

    monkeypatch.setattr(Lease, "_found", found)
    for there in (None, {**ELSEWHERE, "owner": "y"}):
        came = []
        client().delete_object(**at(place))
        if there:
            put(place, there, age=100)
        assert "is being written by process 7 on elsewhere" in refused(place)
        assert held(place) == ELSEWHERE


def test_storage_without_conditions_serves_too(place, monkeypatch):
    from botocore.exceptions import ClientError

    api = client(hasty=True)
    original = type(api).put_object

    def put_object(self, **options):
        if {"IfMatch", "IfNoneMatch"} & options.keys():
            raise ClientError({"Error": {"Code": "NotImplemented"}}, "PutObject")
        return original(self, **options)

    monkeypatch.setattr(type(api), "put_object", put_object)
    with Lease(place) as mine:
        mine.check()
        assert "is being written by" in refused(place)


def test_a_write_whose_answer_was_lost_is_found_to_have_been_made(place, monkeypatch):
    from botocore.exceptions import ClientError

    api = client(hasty=True)
    original = type(api).put_object

    def put_object(self, **options):  # the library asks again, and the condition holds no more
        original(self, **options)
        raise ClientError({"Error": {"Code": "PreconditionFailed"}}, "PutObject")

    monkeypatch.setattr(type(api), "put_object", put_object)
    with Lease(place, every=0.05) as mine:
        deadline = time.monotonic() + 10
        while held(place)["renewals"] < 3 and time.monotonic() < deadline:
            time.sleep(0.02)
        mine.check()
        assert held(place)["renewals"] >= 3


def test_a_lease_that_nobody_can_read_holds_until_it_is_old(place):
    for known in ("text", ["list"], {"owner": "\x1b[31m"}):
        put(place, known)
        assert "is being written by process ? on ?" in refused(place)
    put(place, {**ELSEWHERE, "host": "\x1b[31m", "pid": {}})
    assert "\x1b" not in refused(place)


def test_storage_that_is_not_there_is_told(bucket):
    assert "there is no such bucket" in refused(locate("s3://no-such-bucket/grid.zarr"))
