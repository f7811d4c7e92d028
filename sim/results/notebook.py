"""Notebooks: whether code runs in one, and the bar that shows progress there.

The bar is one line of HTML that is displayed once and updated in place, which every notebook
frontend understands; the bars of other libraries need widgets that may not be installed. It goes
away when the work is done.
"""

import sys
import time
from html import escape
from types import TracebackType
from typing import Any, Self

from drift.sim.errors import printable

_LEAST_SECONDS = 0.2
"""Least time between two updates of a bar, and before it appears."""


def shell() -> Any:
    """Return IPython's shell where a notebook's kernel runs this code, else None."""
    loaded = sys.modules.get("IPython")
    found = loaded.get_ipython() if loaded is not None else None
    return found if found is not None and getattr(found, "kernel", None) is not None else None


class Interrupted(KeyboardInterrupt):
    """A cell was stopped: a notebook shows one line of it, and no traceback."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


class NotebookBar:
    """A bar in a notebook, nothing elsewhere: a context manager, called with done and total."""

    def __init__(self, title: str):
        self._title, self._handle = printable(title, 100), None
        self._began = self._shown = time.monotonic()
        self._first: float | None = None
        self._wanted = shell() is not None

    def __enter__(self) -> Self:
        return self

    def __call__(self, done: float, total: float) -> None:
        """Show that `done` of `total` are done."""
        now = time.monotonic()
        if self._first is None:
            self._first = done
        if not self._wanted or now - self._shown < _LEAST_SECONDS:
            return
        self._shown = now
        self._display(_bar(self._title, done, total, _left(now - self._began, done, total)))

    def record(self, counts: object, done: int, total: int) -> None:
        """Show it of a run, which also tells what it counted."""
        self(done, total)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._handle is not None:
            self._display("")
        if self._wanted and kind is KeyboardInterrupt:
            raise Interrupted("interrupted; the same cell goes on where it stopped") from error

    def _display(self, html: str) -> None:
        from IPython.display import HTML, display

        if self._handle is None:
            self._handle = display(HTML(html), display_id=True)
        else:
            self._handle.update(HTML(html))


def _left(passed: float, done: float, total: float) -> str:
    return f", about {passed * (total - done) / done:.0f} s left" if done > 0 else ""


def _bar(title: str, done: float, total: float, left: str) -> str:
    return (
        f'<small>{escape(title)}</small> <progress value="{done:g}" max="{total:g}"></progress>'
        f" <small>{done:,.0f} of {total:,.0f}{escape(left)}</small>"
    )
