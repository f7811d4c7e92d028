"""How far work is: a bar with an ETA on a terminal, a plain line now and then elsewhere."""

import time
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO

if TYPE_CHECKING:
    from sim.counts import Counts

_QUIET_SECONDS = 10.0


class Progress:
    """Called with how much of how much is done; a context manager."""

    def __init__(self, title: str, stream: TextIO):
        from rich import progress
        from rich.console import Console

        self._stream, self._title, self._said = stream, title, time.monotonic()
        self._bar = None
        if stream.isatty():
            self._bar = progress.Progress(
                progress.TextColumn("{task.description}", markup=False),
                progress.BarColumn(),
                progress.MofNCompleteColumn(),
                progress.TimeRemainingColumn(),
                console=Console(file=stream),
                transient=True,
            )

    def __enter__(self) -> Self:
        if self._bar:
            self._bar.start()
            self._task = self._bar.add_task(self._title, total=None)
        return self

    def __call__(self, done: int, total: int) -> None:
        """Show that `done` of `total` are done."""
        self._show(done, total, f"{self._title}: {done:,} of {total:,}")

    def _show(self, done: int, total: int, line: str) -> None:
        if self._bar:
            self._bar.update(self._task, completed=done, total=total)
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


class Records(Progress):
    """The same of a run, called with each record."""

    def record(self, counts: "Counts", done: int, total: int) -> None:
        """Show that record `done` of `total` is on disk."""
        line = f"record {done}/{total}: step {counts.step}, {counts.distinct} distinct"
        self._show(done, total, line)
