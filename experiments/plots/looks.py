"""The options that every kind of figure takes, around the function that draws it."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from drift.experiments.figures.canvas import add_height, drawing_on, own_settings
from drift.experiments.figures.captions import wrapped
from drift.experiments.figures.look import FigureLook, FigureOptions, looking
from drift.experiments.figures.style import POINTS, figure_text
from drift.sim.errors import BadInput, printable

Draws = TypeVar("Draws", bound=Callable[..., Figure])
_SIZE, _LONGEST = 11.0, 400
"""Size of a title, points, in usual letters, and its most characters."""
_GAP = 0.08
"""Inches below a title."""


def with_look(draw: Draws) -> Draws:
    """Return the function, which then takes FigureOptions too, and does what they ask for.

    Raises BadInput for options that no figure has, and for a width where a figure is given.
    """

    @wraps(draw)
    def drawn(*given: Any, **named: Any) -> Figure:
        options = {name: named.pop(name) for name in FigureOptions.__annotations__ if name in named}
        look = FigureLook(**options)
        if look.width is not None and named.get("figure") is not None:
            raise BadInput(
                f"width is {look.width:g} and a figure is given; one that is given keeps its size"
            )
        with looking(look), own_settings():
            figure = draw(*given, **named)
            if look.title and look.title.strip():
                with drawing_on(named.get("figure")):
                    _put_title(figure, look.title)
        return figure

    return drawn  # type: ignore[return-value]


def _put_title(figure: Figure, title: str) -> None:
    """Put a title above a figure, in lines that are no wider."""
    points = figure.bbox.width / figure.dpi * POINTS
    lines = [
        wrapped([figure_text(printable(line, _LONGEST), _LONGEST)], points, _SIZE)
        for line in title.strip().splitlines()
    ]
    above = figure.suptitle("\n".join(lines))
    inches = above.get_window_extent().height / figure.dpi + _GAP
    engine = figure.get_layout_engine()
    if not isinstance(engine, ConstrainedLayoutEngine):  # nothing makes room for it
        above.set(y=1 + _GAP / figure.get_figheight(), va="bottom")
        return
    add_height(figure, inches)
    if figure.legends:  # matplotlib would put legends and the title on one another
        high = figure.get_figheight()
        taken = max(legend.get_window_extent().height for legend in figure.legends) / figure.dpi
        engine.set(rect=(0, 0, 1, 1 - (taken + _GAP) / high))
        for legend in figure.legends:
            legend.set_bbox_to_anchor((0, 0, 1, 1 - inches / high), figure.transFigure)
