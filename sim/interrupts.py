"""Delay of SIGINT and SIGTERM during writes, so that nothing is left half written.

A second signal is not delayed.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_waiting: list[list[int]] = []
"""Signals that arrived in each block that the main thread is in."""


@contextmanager
def delay_signals() -> Iterator[None]:
    """Let a first signal take effect only after the block; in the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers = {number: signal.getsignal(number) for number in _SIGNALS}
    came: list[int] = []
    _waiting.append(came)

    def restore() -> None:
        for number, handler in handlers.items():
            signal.signal(number, handler)

    def note(number: int, frame: FrameType | None) -> None:
        came.append(number)
        if len(came) > 1:
            restore()
            handle(number, frame)

    def handle(number: int, frame: FrameType | None) -> None:
        # The handler is called, not the signal raised again, which would count as a second one.
        handler = handlers[signal.Signals(number)]
        assert callable(handler), "the others are left as they are"
        handler(number, frame)

    for number, handler in handlers.items():
        if callable(handler):
            signal.signal(number, note)
    try:
        yield
    finally:
        _waiting.pop()
        restore()
        if len(came) == 1:
            handle(came[0], None)


def pending() -> bool:
    """Return whether a signal waits for a block to end, so that work in there should finish."""
    return any(_waiting)
