"""How far a run is: a bar with an ETA on a terminal, a plain line now and then elsewhere."""

import time
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO

if TYPE_CHECKING:
    from sim.counts import Counts

_QUIET_SECONDS = 10.0


class Records:
    """Called with each record of a run; a context manager."""

    def __init__(self, title: str, stream: TextIO):
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
        from rich.progress import TimeRemainingColumn as Remaining

        self._stream, self._title, self._said = stream, title, time.monotonic()
        self._bar = None
        if stream.isatty():
            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                Remaining(),
                console=Console(file=stream),
                transient=True,
            )

    def __enter__(self) -> Self:
        if self._bar:
            self._bar.start()
            self._task = self._bar.add_task(self._title, total=None)
        return self

    def __call__(self, counts: "Counts", done: int, total: int) -> None:
        """Show that record `done` of `total` is on disk."""
        if self._bar:
            self._bar.update(self._task, completed=done, total=total)
        elif time.monotonic() - self._said > _QUIET_SECONDS:
            self._said = time.monotonic()
            line = f"record {done}/{total}: step {counts.step}, {counts.distinct} distinct"
            print(line, file=self._stream, flush=True)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar:
            self._bar.stop()
