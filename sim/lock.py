"""One writer at a time for a store: a lock that dies with the process that holds it.

The kernel holds it on a file beside the store; a file that was left behind by a
process that was killed locks nothing.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sim.errors import BadInput
from sim.store import beside

_PATIENCE_SECONDS = 0.5
"""Whoever only looks holds it for a moment."""


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold the lock of the store at `path`. Raises BadInput where another process does."""
    file = beside(path, "lock")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor = _locked(file)
    except OSError as error:
        raise BadInput(f"{path} can't be written: {error.strerror or error}") from error
    if descriptor is None:
        raise BadInput(f"{path} is being written by another process; one sweep writes a store")
    try:
        yield
    finally:
        with suppress(OSError):
            file.unlink()
        os.close(descriptor)


def is_held(path: Path) -> bool:
    """Whether some process writes the store at `path` now."""
    try:
        descriptor = os.open(beside(path, "lock"), os.O_RDONLY)
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
