"""Figures that are drawn under our own settings, whatever a matplotlibrc or a notebook says.

settings   of matplotlib: its defaults, and the style of all figures. They are in force while a
           figure is made, drawn and saved, and at no other time: what a user has set stays
canvas     the figure that is drawn on: a new one, or one that was given, or a part of it
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from io import BytesIO
from typing import Any, ParamSpec, TypeVar

import matplotlib
from matplotlib.figure import Figure, SubFigure

Given = ParamSpec("Given")
Made = TypeVar("Made")

STYLE: dict[Any, Any] = {
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.7,
    "axes.grid": True,
    "grid.color": "#DDDDDD",
    "grid.linewidth": 0.5,
    "figure.labelsize": 8,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "savefig.bbox": "tight",
    "svg.fonttype": "none",
    "svg.hashsalt": "drift",
}
_LEFT = ("backend", "interactive", "toolbar", "webagg.", "savefig.directory", "date.epoch")
"""Beginnings of the names of settings that are the session's, and not a figure's."""
_DPI = 80
"""Resolution of a figure in a notebook."""
_lock = threading.RLock()
"""Settings are the process's: figures of several threads are drawn one after the other."""
_canvas: ContextVar[Figure | SubFigure | None] = ContextVar("canvas", default=None)


@contextmanager
def own_settings() -> Iterator[None]:
    """Keep our own settings in force during the block."""
    usual = {
        name: value
        for name, value in matplotlib.rcParamsDefault.items()
        if not name.startswith(_LEFT)
    }
    with _lock, matplotlib.rc_context({**usual, **STYLE}):
        yield


def in_own_settings(draw: Callable[Given, Made]) -> Callable[Given, Made]:
    """Return the function, with our own settings in force while it runs."""

    @wraps(draw)
    def drawn(*given: Given.args, **named: Given.kwargs) -> Made:
        with own_settings():
            return draw(*given, **named)

    return drawn


class DriftFigure(Figure):
    """A figure that draws, saves and shows itself under our own settings, in notebooks too."""

    @in_own_settings
    def draw(self, renderer: Any) -> None:
        """Draw it."""
        super().draw(renderer)

    @in_own_settings
    def savefig(self, fname: Any, **how: Any) -> None:
        """Save it."""
        super().savefig(fname, **how)

    def _repr_png_(self) -> bytes:
        written = BytesIO()
        self.savefig(written, format="png", dpi=_DPI)
        return written.getvalue()


def new_figure(width: float = 5.6, height: float = 3.6) -> Figure:
    """Return an empty figure, or the canvas that is given; `width` and `height` are in inches."""
    given = _canvas.get()
    if given is None:
        return DriftFigure(figsize=(width, height), layout="constrained")
    given.clear()
    if isinstance(given, Figure):
        given.set_layout_engine("constrained")
    return given  # type: ignore[return-value]  # a part of a figure has what is needed of one


def set_layout(figure: Figure, kind: Any, **how: Any) -> None:
    """Set the layout engine of a figure; a part of a figure has that of the whole."""
    if isinstance(figure, Figure):
        figure.set_layout_engine(kind, **how)


def set_height(figure: Figure, inches: float) -> None:
    """Set the height of a figure of ours; one that was given keeps its size."""
    if _canvas.get() is None:
        figure.set_figheight(inches)


@contextmanager
def drawing_on(canvas: Figure | SubFigure | None) -> Iterator[None]:
    """Draw on a canvas during the block, or on new figures where it is None."""
    token = _canvas.set(canvas)
    try:
        yield
    finally:
        _canvas.reset(token)
