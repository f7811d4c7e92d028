"""One writer of a store on object storage, which has no locks.

lease   a note beside the store (sim.note) that says who writes the store. Whoever takes
        it writes it again every 20 seconds, and takes it away in the end. It is
        anybody's after 60 seconds, which is how long a process that was killed keeps it
lost    another one has taken it, or it could not be renewed for so long that another
        one soon may: its keeper must not write any more
"""

import threading
import time
import uuid
from contextlib import suppress
from types import TracebackType
from typing import Any

from drift.sim import note
from drift.sim.errors import BadInput, Trouble
from drift.sim.note import LAPSE, Note
from drift.sim.objects import Objects
from drift.sim.trouble import told

_ATTEMPTS = 5
_FAREWELL = 5.0
"""Seconds that a renewal under way is waited for in the end."""


class Lease:
    """The lease of the store at `place`, for a block; BadInput where another process has it.

    `every` is the time between renewals, `lapse` the age at which it is anybody's, in seconds.
    """

    def __init__(self, place: Objects, every: float = 20.0, lapse: float = LAPSE):
        self._place, self._every, self._lapse = place, every, lapse
        self._at = _at(place)
        self._mine = note.mine(uuid.uuid4().hex)
        self._renewals, self._renewed, self._lost = 0, 0.0, False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep, daemon=True)
        self._client: Any = None

    def check(self) -> None:
        """Raise Trouble where the lease is lost; to be asked before anything is written."""
        if self._lost or _now() - self._renewed > self._lapse - self._every:
            raise Trouble(str(self._place), "the lease is lost; another process may write there")

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
            if self._is_mine(self._found()):
                self._client.delete_object(**self._at)

    def _keep(self) -> None:
        while not self._lost and not self._stop.wait(self._every):
            with suppress(Trouble), told(str(self._place)):  # the next renewal may succeed
                self._lost = not self._renew()

    def _take(self) -> bool:
        """Whether it could be had; BadInput where it is another's."""
        found = self._found()
        if found and not found.is_free(self._lapse):
            raise BadInput(
                f"{self._place} is being written by {found.who}, seen {found.age:.0f} s ago;"
                " one process at a time may"
            )
        return self._write(found)

    def _renew(self) -> bool:
        found = self._found()
        return (found is None or self._is_mine(found)) and self._write(found)

    def _write(self, instead: Note | None) -> bool:
        """Write it in the place of what was found: whether it is mine then."""
        self._renewals += 1
        began = _now()
        note.write(self._client, self._at, {**self._mine, "renewals": self._renewals}, instead)
        if not self._is_mine(self._found()):
            return False
        self._renewed = began
        return True

    def _is_mine(self, found: Note | None) -> bool:
        return found is not None and found.says.get("owner") == self._mine["owner"]

    def _found(self) -> Note | None:
        return note.read(self._client, self._at)


def is_held(place: Objects) -> bool:
    """Whether some process writes the store at `place` now."""
    with told(str(place)):
        found = note.read(place.bucket.client(hasty=True), _at(place))
    return found is not None and not found.is_free()


def _at(place: Objects) -> dict[str, str]:
    return {"Bucket": place.bucket.name, "Key": place.beside("lease").key}


def _now() -> float:
    """Seconds, those in which the machine slept too where that can be known."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)
