"""A second SIGINT or SIGTERM ends the process at once, whatever it is doing.

The first one is left to those who handle it, and may have to wait for the work in
hand. Python looks at signals between two of its own instructions alone; a thread is
told of them by the kernel while the main one computes.
"""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from drift.experiments.screen import lively

_STATUS = {signal.SIGINT: 130, signal.SIGTERM: 143}
_WAITING = "drift: stopping after what is in hand; a second time stops at once\n"
_FAREWELL = "drift: stopped at once; the same command goes on\n"
_SHOW_CURSOR = "\x1b[?25h\n"


@contextmanager
def halting() -> Iterator[None]:
    """Watch for a second signal during the block; in the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard, told = os.pipe()
    os.set_blocking(told, False)
    before = signal.set_wakeup_fd(told, warn_on_full_buffer=False)
    watcher = threading.Thread(target=_watch, args=(heard,), daemon=True)
    watcher.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        os.close(told)
        watcher.join()


def _watch(heard: int) -> None:
    """Read signals' numbers, a byte each, until there are two or no more can come."""
    came = 0
    while byte := os.read(heard, 1):
        number = byte[0]
        if number not in _STATUS:
            continue
        came, seen = came + 1, sys.stderr.isatty()
        if came == 1 and seen:
            sys.stderr.write(_WAITING)
        if came == 2:
            sys.stderr.write((_SHOW_CURSOR if lively(sys.stderr) else "") + _FAREWELL)
            sys.stderr.flush()
            os._exit(_STATUS[signal.Signals(number)])
    os.close(heard)
