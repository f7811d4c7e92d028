"""SIGINT and SIGTERM wait while something is written, so that nothing is left half done.

A second signal does not wait.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def waiting() -> Iterator[None]:
    """Let a first signal take effect only after the block; in the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers = {number: signal.getsignal(number) for number in _SIGNALS}
    came: list[signal.Signals] = []

    def restore() -> None:
        for number, handler in handlers.items():
            signal.signal(number, handler)

    def note(number: int, frame: FrameType | None) -> None:
        came.append(signal.Signals(number))
        if len(came) > 1:
            restore()
            signal.raise_signal(came[-1])

    for number, handler in handlers.items():
        if callable(handler):
            signal.signal(number, note)
    try:
        yield
    finally:
        restore()
        if len(came) == 1:
            signal.raise_signal(came[0])
