"""One writer at a time for a store: a lock that dies with the process that holds it.

The kernel holds it on a file beside the store; a file that was left behind by a
process that was killed locks nothing. On object storage it is a lease (sim.stores.lease).
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from drift.sim.errors import BadInput, unwritten
from drift.sim.stores.locate import locate
from drift.sim.stores.location import AnyLocation, LocalLocation, StoreLocation
from drift.sim.stores.s3 import S3Location

_PATIENCE_SECONDS = 0.5
"""Seconds to wait for a process that only looks, and holds it for a moment."""


@contextmanager
def held(given: AnyLocation) -> Iterator[Callable[[], None]]:
    """Hold the lock of the store at `given`. Raises BadInput where another process does.

    Gives what raises an OSError where it is not held any more.
    """
    place = locate(given)
    if isinstance(place, S3Location):
        from drift.sim.stores.lease import Lease

        with Lease(place) as lease:
            yield lease.check
        return
    assert isinstance(place, LocalLocation)
    file = place.beside("lock").path
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor = _locked(file)
    except OSError as error:
        raise unwritten(place, error) from error
    if descriptor is None:
        raise BadInput(taken(place))
    try:
        yield lambda: None
    finally:
        with suppress(OSError):
            file.unlink()
        os.close(descriptor)


def taken(place: StoreLocation) -> str:
    """Return what to say where another process holds it."""
    return f"{place} is being written by another process; only one writer is allowed"


def is_held(given: AnyLocation) -> bool:
    """Return whether some process writes the store at `given` now."""
    place = locate(given)
    if isinstance(place, S3Location):
        from drift.sim.stores.lease import is_held

        return is_held(place)
    assert isinstance(place, LocalLocation)
    try:
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


def _locked(file: Path) -> int | None:
    """An open descriptor of `file`, locked; None where somebody else has it."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with suppress(FileNotFoundError):
                # Its last holder may have taken it away in between.
                if os.path.samestat(os.fstat(descriptor), os.stat(file)):
                    return descriptor
            os.close(descriptor)
        except BlockingIOError:
            os.close(descriptor)
            if time.monotonic() > deadline:
                return None
            time.sleep(0.02)
        except BaseException:
            os.close(descriptor)
            raise
