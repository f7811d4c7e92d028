"""SIGINT and SIGTERM during work: they wait while something is written, and long work is given up.

A second signal does not wait. One that comes at once after another of its number is no second
one: whoever ends a process and then its group, as `timeout` does, means it once.
"""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

PATIENCE_SECONDS = 2.0
"""Seconds for work in hand that would be lost to come to its end, once a signal waits."""
ECHO_SECONDS = 0.2
"""Seconds within which a signal of the same number is the same signal."""
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_waiting: list[list[float]] = []
"""Times at which signals arrived, in each block that the main thread is in."""
_asked: list[float] = []
"""The time at which another process asked this one to stop, if it did."""


class GivenUp(BaseException):
    """Work was given up, since a signal waits."""


@contextmanager
def delay_signals() -> Iterator[None]:
    """Let a first signal take effect only after the block; in the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers = {number: signal.getsignal(number) for number in _SIGNALS}
    came: list[int] = []
    times: list[float] = []
    _waiting.append(times)

    def restore() -> None:
        for number, handler in handlers.items():
            signal.signal(number, handler)

    def note(number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if came == [number] and now - times[0] < ECHO_SECONDS:
            return
        came.append(number)
        times.append(now)
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


def ask_to_stop(asked: bool) -> None:
    """Let work in this process be given up as if a signal waited, or no longer."""
    _asked[:] = [time.monotonic()] if asked else []


def pending(seconds: float = 0.0) -> bool:
    """Return whether a signal has waited so long for a block to end that work in there should."""
    limit = time.monotonic() - seconds
    return any(came <= limit for times in (*_waiting, _asked) for came in times)


def give_up_if_pending() -> None:
    """Raise GivenUp where a signal has waited for PATIENCE_SECONDS; in any thread."""
    if pending(PATIENCE_SECONDS):
        raise GivenUp
