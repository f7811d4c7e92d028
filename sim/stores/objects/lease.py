"""One writer of a store on object storage, which has no locks.

lease   one object beside the store that says which process writes it. Whoever takes the lease
        writes it again every 20 seconds, and takes it away in the end. It is anybody's after
        60 seconds, which is how long a process that was killed keeps it
lost    another process has taken it, or it could not be renewed for so long that another
        one soon may: its keeper must not write any more

Storage writes it on a condition, as S3 does: that it is not there (If-None-Match), or that it is
as it was read (If-Match), so that one alone of several replaces it. After each write it is read,
since an answer may be lost, and some storage knows no conditions.
"""

import json
import os
import platform
import threading
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from drift.sim.errors import BadInput, StorageError, printable
from drift.sim.stores.location import StoreLocation
from drift.sim.stores.objects.errors import as_storage_error, error_code
from drift.sim.stores.objects.location import S3Location

LAPSE = 60.0
"""Seconds after which a lease that was not written again is anybody's."""
_ATTEMPTS = 5
_FAREWELL = 5.0
"""Seconds that a renewal under way is waited for in the end."""
_ABSENT = ("NoSuchKey", "404")
_MISSED = ("PreconditionFailed", "ConditionalRequestConflict", "412", "409", *_ABSENT)
"""Answers of the storage where a condition does not hold."""


@dataclass(frozen=True)
class LeaseNote:
    """The text of a lease, as it was found."""

    says: dict[str, Any]
    """who wrote it; empty where it can't be read"""
    age: float
    """seconds, by the storage's own clock, since other machines' may be wrong"""
    tag: str
    """of this text, for a condition"""

    @property
    def who(self) -> str:
        """The process, for a message."""
        pid, host = (self.says.get(name, "?") for name in ("pid", "host"))
        return printable(f"process {pid} on {host}")


def read(client: Any, at: dict[str, str]) -> LeaseNote | None:
    """Return the lease at a bucket and key, if there is one."""
    try:
        answer = client.get_object(**at)
    except Exception as error:
        if error_code(error) in _ABSENT:
            return None
        raise
    now = parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
    says = None
    with suppress(ValueError):
        says = json.loads(answer["Body"].read())
    age = (now - answer["LastModified"]).total_seconds()
    return LeaseNote(says if isinstance(says, dict) else {}, age, answer["ETag"])


class Lease:
    """The lease of the store at `place`, for a block; BadInput where another process has it.

    `every` is the time between renewals, `lapse` the age at which it is anybody's, in seconds.
    """

    def __init__(self, place: StoreLocation, every: float = 20.0, lapse: float = LAPSE):
        self._place, self._every, self._lapse = _there(place), every, lapse
        self._at, self._owner = _at(self._place), uuid.uuid4().hex
        self._renewals, self._renewed, self._lost = 0, 0.0, False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep, daemon=True)
        self._client: Any = None

    def check(self) -> None:
        """Raise StorageError where the lease is lost; to be asked before anything is written."""
        if self._lost or _now() - self._renewed > self._lapse - self._every:
            raise StorageError(
                str(self._place), "the lease is lost; another process may write there"
            )

    def __enter__(self) -> "Lease":
        try:
            with as_storage_error(str(self._place)):
                self._client = self._place.bucket.client(hasty=True)
                self._take()
        except StorageError as error:
            raise BadInput(str(error)) from error
        self._thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._stop.set()
        self._thread.join(_FAREWELL)
        with suppress(StorageError), as_storage_error(str(self._place)):
            if self._is_mine(self._found()):
                self._client.delete_object(**self._at)

    def _take(self) -> None:
        for _ in range(_ATTEMPTS):
            found = self._found()
            if found and found.age < self._lapse:
                raise BadInput(
                    f"{self._place} is being written by {found.who}, seen {found.age:.0f} s ago;"
                    " only one process may write at a time"
                )
            if self._write(found):
                return
        raise BadInput(f"{self._place} is written by several processes; only one writer is allowed")

    def _keep(self) -> None:
        while not self._lost and not self._stop.wait(self._every):
            with suppress(StorageError), as_storage_error(str(self._place)):
                self._lost = not self._renew()  # where it fails, the next one may succeed

    def _renew(self) -> bool:
        found = self._found()
        return (found is None or self._is_mine(found)) and self._write(found)

    def _write(self, instead: LeaseNote | None) -> bool:
        """Write it in the place of what was found; return whether it is ours then."""
        self._renewals += 1  # no two texts are alike, nor are their tags
        said = {"owner": self._owner, "host": platform.node(), "pid": os.getpid()}
        text = json.dumps({**said, "renewals": self._renewals}).encode()
        condition = {"IfMatch": instead.tag} if instead else {"IfNoneMatch": "*"}
        began = _now()
        try:
            self._client.put_object(**self._at, Body=text, **condition)
        except Exception as error:
            if error_code(error) == "NotImplemented":
                self._client.put_object(**self._at, Body=text)
            elif error_code(error) not in _MISSED:
                raise
        if not self._is_mine(self._found()):
            return False
        self._renewed = began
        return True

    def _is_mine(self, found: LeaseNote | None) -> bool:
        return found is not None and found.says.get("owner") == self._owner

    def _found(self) -> LeaseNote | None:
        return read(self._client, self._at)


def is_held(place: StoreLocation) -> bool:
    """Return whether some process writes the store at `place` now."""
    place = _there(place)
    with as_storage_error(str(place)):
        found = read(place.bucket.client(hasty=True), _at(place))
    return found is not None and found.age < LAPSE


def _there(place: StoreLocation) -> S3Location:
    assert isinstance(place, S3Location), "all others are here, and have locks"
    return place


def _at(place: S3Location) -> dict[str, str]:
    return {"Bucket": place.bucket.name, "Key": place.beside("lease").key}


def _now() -> float:
    """Seconds, those in which the machine slept too where that can be known."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)
