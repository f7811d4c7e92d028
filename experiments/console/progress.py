"""Progress of long work, and the second signal that stops it at once.

On a terminal progress is a bar with an ETA. Elsewhere, also on a terminal that cannot move its
cursor (TERM=dumb), it is a line now and then.

A first SIGINT or SIGTERM goes to Python's handlers, and may wait until a computation returns. A
second one ends the process at once. Python runs handlers only between bytecode instructions of
the main thread, so a thread watches for signals while the main thread computes.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, ClassVar, Self, TextIO

from drift.experiments.console.terminal import LINE, is_interactive
from drift.sim import interrupts
from drift.sim.errors import printable

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn

    from drift.sim.counting.cells import Counts
    from drift.sim.sweeps.progress import SweepProgress

_STATUS = {signal.SIGINT: 130, signal.SIGTERM: 143}
_WAITING = "drift: stopping as soon as what is done is saved; a second signal stops at once\n"
_FAREWELL = "drift: stopped at once; run the same command to continue\n"
_SHOW_CURSOR = "\x1b[?25h\n"


@contextmanager
def stop_at_second_signal() -> Iterator[None]:
    """End the process at a second signal during the block; in the main thread."""
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
    """Read signal numbers, a byte each, until there are two or the pipe is closed."""
    first, came = 0, 0.0
    while byte := os.read(heard, 1):
        number, now = byte[0], time.monotonic()
        if number not in _STATUS or (number == first and now - came < interrupts.ECHO_SECONDS):
            continue
        if not first:
            first, came = number, now
            if sys.stderr.isatty():
                sys.stderr.write(_WAITING)
        else:
            sys.stderr.write((_SHOW_CURSOR if is_interactive(sys.stderr) else "") + _FAREWELL)
            sys.stderr.flush()
            os._exit(_STATUS[signal.Signals(number)])
    os.close(heard)


_QUIET_SECONDS = 10.0
"""Seconds between lines where there is no bar."""


class ProgressBar:
    """A bar, or lines, for work of known size: a context manager, called with done and total.

    One that is opened within another stands below it: a terminal shows one display at a time.
    """

    _open: ClassVar["list[Progress]"] = []

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
        """Return the columns beside the bar."""
        from rich.progress import MofNCompleteColumn, TimeRemainingColumn

        return MofNCompleteColumn(), TimeRemainingColumn()

    def __enter__(self) -> Self:
        if self._bar:
            self._bar = self._open[-1] if self._open else self._bar
            self._bar.start()
            self._open.append(self._bar)
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
            if self._open.pop() in self._open:
                self._bar.remove_task(self._task)
            else:
                self._bar.stop()


class RunBar(ProgressBar):
    """Progress of a run, updated with each record."""

    def record(self, counts: "Counts", done: int, total: int) -> None:
        """Show that record `done` of `total` is on disk."""
        line = f"record {done}/{total}: step {counts.step}, {counts.distinct} distinct"
        self._show(done, total, line)


class TrackBar(ProgressBar):
    """Progress of a track, updated with each sample."""

    def __call__(self, done: int, total: int) -> None:
        """Show that `done` of `total` samples are measured, and the time that is left."""
        from drift.experiments.console.values import format_duration

        now = time.monotonic()
        if self._first is None:
            self._first = done, now
        measured, seconds = done - self._first[0], now - self._first[1]
        line = f"{self._title}: {done:,} of {total:,} samples"
        if measured:
            line += f", {format_duration(seconds / measured * (total - done))} left"
        self._show(done, total, line)

    _first: tuple[int, float] | None = None


class TrainingBar(ProgressBar):
    """Progress of a training, updated with each stretch of steps."""

    def __call__(self, done: int, total: int, loss: float = 0.0) -> None:
        """Show that `done` of `total` steps are taken, the last loss, and the time that is left."""
        from drift.experiments.console.values import format_duration

        now = time.monotonic()
        line = f"{self._title}: step {done:,} of {total:,}, loss {loss:.3g}"
        if self._first is None:
            self._first = done, now
        elif done > self._first[0]:
            each = (now - self._first[1]) / (done - self._first[0])
            line += f", {format_duration(each * (total - done))} left"
        self._show(done, total, line)

    _first: tuple[int, float] | None = None


class SweepBar(ProgressBar):
    """Progress of a sweep, updated with each batch."""

    def session(self, session: "SweepProgress") -> None:
        """Show a sweep's progress; the bar counts the cost of grid points, not their number."""

        from drift.experiments.console.values import format_duration

        left, seconds = session.seconds_left, session.seconds["total"]
        line = (
            f"{session.done:,} of {session.points:,} grid points, {session.failed:,} failed,"
            f" {session.counted / seconds:.3g} per second"
        )
        if left is not None:
            line += f", {format_duration(left)} left"
        self._show(session.work, session.work + session.left, line)

    def _figures(self) -> "tuple[ProgressColumn, ...]":
        from rich.progress import TextColumn

        return (TextColumn("{task.fields[figures]}", markup=False),)
