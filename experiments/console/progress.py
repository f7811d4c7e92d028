"""How far work is: a bar with an ETA on a terminal, a plain line now and then elsewhere.

Elsewhere is also a terminal that can't move its cursor, as TERM=dumb says.

A first SIGINT or SIGTERM is left to those who handle it, and may have to wait for the work in
hand. A second one ends the process at once, whatever it is doing. Python looks at signals
between two of its own instructions alone; a thread is told of them by the kernel while the main
one computes.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO

from drift.experiments.console.terminal import LINE, is_interactive
from drift.sim.errors import printable

if TYPE_CHECKING:
    from rich.progress import ProgressColumn

    from drift.sim.counting.cells import Counts
    from drift.sim.sweeps.progress import SweepProgress

_STATUS = {signal.SIGINT: 130, signal.SIGTERM: 143}
_WAITING = "drift: stopping after what is in hand; a second time stops at once\n"
_FAREWELL = "drift: stopped at once; the same command goes on\n"
_SHOW_CURSOR = "\x1b[?25h\n"


@contextmanager
def stop_at_second_signal() -> Iterator[None]:
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
            sys.stderr.write((_SHOW_CURSOR if is_interactive(sys.stderr) else "") + _FAREWELL)
            sys.stderr.flush()
            os._exit(_STATUS[signal.Signals(number)])
    os.close(heard)


_QUIET_SECONDS = 10.0


class Progress:
    """Called with how much of how much is done; a context manager."""

    def __init__(self, title: str, stream: TextIO):
        self._stream, self._title, self._said = stream, printable(title, LINE), time.monotonic()
        self._bar = None
        if is_interactive(stream):
            from rich import progress
            from rich.console import Console

            description = progress.TextColumn("{task.description}", markup=False)
            self._bar = progress.Progress(
                *(description, progress.BarColumn(), *self._figures()),
                console=Console(file=stream),
                transient=True,
            )

    def _figures(self) -> "tuple[ProgressColumn, ...]":
        """What stands beside the bar."""
        from rich.progress import MofNCompleteColumn, TimeRemainingColumn

        return MofNCompleteColumn(), TimeRemainingColumn()

    def __enter__(self) -> Self:
        if self._bar:
            self._bar.start()
            self._task = self._bar.add_task(self._title, total=None, figures="")
        return self

    def __call__(self, done: int, total: int) -> None:
        """Show that `done` of `total` are done."""
        self._show(done, total, f"{self._title}: {done:,} of {total:,}")

    def _show(self, done: float, total: float, line: str) -> None:
        if self._bar:
            self._bar.update(self._task, completed=done, total=total, figures=line)
        elif time.monotonic() - self._said > _QUIET_SECONDS:
            self._said = time.monotonic()
            print(line, file=self._stream, flush=True)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar:
            self._bar.stop()


class RunBar(Progress):
    """The same of a run, called with each record."""

    def record(self, counts: "Counts", done: int, total: int) -> None:
        """Show that record `done` of `total` is on disk."""
        line = f"record {done}/{total}: step {counts.step}, {counts.distinct} distinct"
        self._show(done, total, line)


class SweepBar(Progress):
    """The same of a sweep, called with each batch."""

    def session(self, session: "SweepProgress") -> None:
        """Show how far the sweep is; the bar shows what cells cost, not how many they are."""
        from drift.experiments.console.values import spent

        left, seconds = session.seconds_left, session.seconds["total"]
        line = (
            f"{session.done:,} of {session.cells:,} cells, {session.failed:,} failed,"
            f" {session.counted / seconds:.3g} a second"
        )
        if left is not None:
            line += f", {spent(left)} left"
        self._show(session.work, session.work + session.left, line)

    def _figures(self) -> "tuple[ProgressColumn, ...]":
        from rich.progress import TextColumn

        return (TextColumn("{task.fields[figures]}", markup=False),)
