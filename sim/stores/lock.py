"""One writer at a time for a store: a lock that dies with the process that holds it.

The kernel holds it on a file beside the store; a file that was left behind by a
process that was killed locks nothing. On object storage it is a lease (sim.stores.objects).
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from filelock import FileLock, Timeout

from drift.sim.errors import BadInput, unwritten
from drift.sim.stores.locate import locate
from drift.sim.stores.location import AnyLocation, LocalLocation, StoreLocation

_PATIENCE_SECONDS = 0.5
"""Seconds to wait for a process that only looks, and holds it for a moment."""


@contextmanager
def held(given: AnyLocation) -> Iterator[Callable[[], None]]:
    """Hold the lock of the store at `given`. Raises BadInput where another process does.

    Gives what raises an OSError where it is not held any more.
    """
    place = locate(given)
    if not isinstance(place, LocalLocation):
        from drift.sim.stores.objects.lease import Lease

        with Lease(place) as lease:
            yield lease.check
        return
    file = place.beside("lock").path
    lock = FileLock(file, timeout=_PATIENCE_SECONDS, fallback_to_soft=False)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(poll_interval=0.02)
    except Timeout as error:
        raise BadInput(taken(place)) from error
    except OSError as error:
        raise unwritten(place, error) from error
    try:
        yield lambda: None
    finally:
        # Removed while it is locked: whoever waits for the removed file then takes it for none.
        with suppress(OSError):
            file.unlink()
        lock.release()


def taken(place: StoreLocation) -> str:
    """Return what to say where another process holds it."""
    return f"{place} is being written by another process; only one writer is allowed"


def is_held(given: AnyLocation) -> bool:
    """Return whether some process writes the store at `given` now; makes no file."""
    place = locate(given)
    if not isinstance(place, LocalLocation):
        from drift.sim.stores.objects.lease import is_held

        return is_held(place)
    assert isinstance(place, LocalLocation)
    try:
        # Not a FileLock, which makes the file, and can't look at another user's.
        descriptor = os.open(place.beside("lock").path, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False
