"""Figures that are drawn under our own settings, whatever a matplotlibrc or a notebook says.

settings   of matplotlib: its defaults, and the style of all figures. They are in force while a
           figure is made, drawn and saved, and at no other time: what a user has set stays
canvas     the figure that is drawn on: a new one, or one that was given, or a part of it
look       what a user asks for beside these settings (.look); a figure keeps its own
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
from matplotlib.transforms import Bbox

from drift.experiments.figures.look import USUAL, FigureLook, current_look, looking, width_of

Given = ParamSpec("Given")
Made = TypeVar("Made")

STYLE: dict[Any, Any] = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.7,
    "axes.grid": True,
    "grid.color": "#DDDDDD",
    "grid.linewidth": 0.5,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "savefig.bbox": "tight",
    "svg.fonttype": "none",
    "svg.hashsalt": "drift",
    "pdf.fonttype": 42,
}
_LETTERS = {
    "font.size": USUAL,
    "axes.titlesize": 10.0,
    "figure.titlesize": 11.0,
    "figure.labelsize": 8.0,
    "legend.fontsize": 8.0,
}
"""Sizes of letters, points, of which a look may ask for larger or smaller ones."""
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
    letters: dict[Any, Any] = {name: size * current_look().scale for name, size in _LETTERS.items()}
    with _lock, matplotlib.rc_context({**usual, **STYLE, **letters}):
        yield


def in_own_settings(draw: Callable[Given, Made]) -> Callable[Given, Made]:
    """Return the function, with our own settings in force while it runs."""

    @wraps(draw)
    def drawn(*given: Given.args, **named: Given.kwargs) -> Made:
        with own_settings():
            return draw(*given, **named)

    return drawn


_PAD, _ROUNDS = 0.06, 4
"""Inches around what is drawn, in a figure of a width that is asked for, and tries to fit it."""


class DriftFigure(Figure):
    """A figure that draws, saves and shows itself under our own settings, in notebooks too."""

    def __init__(self, *given: Any, **named: Any):
        self.look: FigureLook = current_look()
        super().__init__(*given, **named)

    def draw(self, renderer: Any) -> None:
        """Draw it."""
        with looking(self.look), own_settings():
            super().draw(renderer)

    def savefig(self, fname: Any, **how: Any) -> None:
        """Save it, as wide as its look asks for."""
        with looking(self.look), own_settings():
            if self.look.width is not None and "bbox_inches" not in how:
                how["bbox_inches"] = self._as_wide_as(self.look.width)
            super().savefig(fname, **how)

    def _as_wide_as(self, inches: float) -> Bbox:
        """Return a box around what is drawn, which is made as wide; wider if need be."""
        for _ in range(_ROUNDS):
            self.draw_without_rendering()
            box = self.get_tightbbox()
            beyond = box.width + 2 * _PAD - inches
            if abs(beyond) < _PAD / 2 or self.get_figwidth() - beyond < inches / 2:
                break
            self.set_figwidth(self.get_figwidth() - beyond)
        wide = max(inches, box.width + 2 * _PAD)
        middle = (box.x0 + box.x1) / 2
        return Bbox.from_bounds(middle - wide / 2, box.y0 - _PAD, wide, box.height + 2 * _PAD)

    def _repr_png_(self) -> bytes:
        written = BytesIO()
        self.savefig(written, format="png", dpi=_DPI)
        return written.getvalue()


def new_figure(width: float = 5.6, height: float = 3.6) -> Figure:
    """Return an empty figure, or the canvas that is given; `width` and `height` are in inches.

    Where another width is asked for, the height changes with it.
    """
    given = _canvas.get()
    if given is None:
        wide = width_of(width)
        size = wide, height * wide / width
        return DriftFigure(figsize=size, layout="constrained")
    given.clear()
    if isinstance(given, Figure):
        given.set_layout_engine("constrained")
    return given  # type: ignore[return-value]  # a part of a figure has what is needed of one


def set_layout(figure: Figure, kind: Any, **how: Any) -> None:
    """Set the layout engine of a figure; a part of a figure has that of the whole."""
    if isinstance(figure, Figure):
        figure.set_layout_engine(kind, **how)


def add_height(figure: Figure, inches: float) -> None:
    """Make a figure of ours higher; one that was given keeps its size."""
    if _canvas.get() is None:
        figure.set_figheight(figure.get_figheight() + inches)


@contextmanager
def drawing_on(canvas: Figure | SubFigure | None) -> Iterator[None]:
    """Draw on a canvas during the block, or on new figures where it is None."""
    token = _canvas.set(canvas)
    try:
        yield
    finally:
        _canvas.reset(token)
