"""One writer of a store on object storage, which has no locks.

lease       an object beside the store's that says who writes the store. Whoever takes it
            renews it every 20 seconds, and takes it away in the end. It is anybody's once
            it is 60 seconds old by the storage's own clock, or its process is known to be
            no more (sim.processes)
lost        another one has taken it, or it could not be renewed for so long that another
            one soon may: its keeper must not write any more

Storage that knows writes with conditions, as S3 does, gives a lease to one alone of
several that ask at once. Elsewhere all that helps is to look before a write and after it.
"""

import json
import platform
import threading
import time
import uuid
from contextlib import suppress
from types import TracebackType
from typing import Any

from sim import processes
from sim.errors import BadInput
from sim.legible import legible
from sim.objects import Objects
from sim.trouble import Trouble, code, told

_MISSED = ("PreconditionFailed", "ConditionalRequestConflict", "412", "409", "NoSuchKey", "404")
"""What the storage says where a condition does not hold."""
_ATTEMPTS = 5
_FAREWELL = 5.0
"""Seconds that a renewal under way is waited for in the end."""


class Lease:
    """The lease of the store at `place`, for a block; BadInput where another process has it.

    `every` is the time between renewals, `lapse` the age at which it is anybody's, in seconds.
    """

    def __init__(self, place: Objects, every: float = 20.0, lapse: float = 60.0):
        self._place, self._every, self._lapse = place, every, lapse
        self._at = {"Bucket": place.bucket.name, "Key": place.sibling("lease").key}
        self._mine = {"owner": uuid.uuid4().hex, "host": platform.node(), **processes.identity()}
        self._renewals, self._renewed, self._lost = 0, 0.0, False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep, daemon=True)
        self._client: Any = None

    def check(self) -> None:
        """Raise Trouble where the lease is lost; to be asked before anything is written."""
        if self._lost or _now() - self._renewed > self._lapse - self._every:
            raise Trouble(f"{self._place}: the lease is lost; another process may write there")

    def __enter__(self) -> "Lease":
        try:
            with told(str(self._place)):
                self._client = self._place.bucket.client(hasty=True)
                taken = any(self._take() for _ in range(_ATTEMPTS))
        except Trouble as error:
            raise BadInput(str(error)) from error
        if not taken:
            raise BadInput(f"{self._place} is written by several processes; one at a time may")
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join(_FAREWELL)
        with suppress(Trouble), told(str(self._place)):
            found = self._found()
            if found and self._is_mine(found):
                self._client.delete_object(**self._at)

    def _keep(self) -> None:
        while not self._lost and not self._stop.wait(self._every):
            with suppress(Trouble), told(str(self._place)):  # the next renewal may succeed
                self._lost = not self._renew()

    def _take(self) -> bool:
        """Whether it could be had; BadInput where it is another's."""
        found = self._found()
        if found and found["age"] < self._lapse and not processes.gone(found):
            who = legible(f"process {found['pid']} on {found['host']}")
            raise BadInput(
                f"{self._place} is being written by {who}, seen {found['age']:.0f} s ago;"
                " one process at a time may"
            )
        return self._put(found)

    def _renew(self) -> bool:
        found = self._found()
        return (found is None or self._is_mine(found)) and self._put(found)

    def _put(self, found: dict[str, Any] | None) -> bool:
        """Write it in the place of what was found: whether it is mine then."""
        condition = {"IfMatch": found["etag"]} if found else {"IfNoneMatch": "*"}
        # Another text each time: its digest is what the condition knows it by.
        self._renewals += 1
        text = json.dumps({**self._mine, "renewals": self._renewals}).encode()
        began = _now()
        try:
            self._client.put_object(**self._at, Body=text, **condition)
        except Exception as error:
            if code(error) == "NotImplemented":
                self._client.put_object(**self._at, Body=text)
            elif code(error) not in _MISSED:
                raise
        now = self._found()
        if now is None or not self._is_mine(now):
            return False
        self._renewed = began
        return True

    def _is_mine(self, found: dict[str, Any]) -> bool:
        return bool(found["owner"] == self._mine["owner"])

    def _found(self) -> dict[str, Any] | None:
        """The lease that is there, its age, and what a condition knows it by."""
        try:
            answer = self._client.get_object(**self._at)
        except Exception as error:
            if code(error) in ("NoSuchKey", "404"):
                return None
            raise
        date = answer["ResponseMetadata"]["HTTPHeaders"]["date"]
        age = _seconds(date) - answer["LastModified"].timestamp()
        try:
            said = json.loads(answer["Body"].read())
            known = {name: said[name] for name in self._mine}
        except (ValueError, TypeError, KeyError):
            known = dict.fromkeys(self._mine, "?")
        return {**known, "age": age, "etag": answer["ETag"]}


def _now() -> float:
    """Seconds, those in which the machine slept too where that can be known."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)


def _seconds(date: str) -> float:
    from email.utils import parsedate_to_datetime

    return parsedate_to_datetime(date).timestamp()
