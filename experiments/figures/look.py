"""The look that is asked for: a figure's width, its letters, its title, and its caption or none.

A look is in force while a figure is drawn, and the figure keeps it for when it is saved. Sizes in
the code are those of the usual letters; `in_font` turns them into those of the letters asked for.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from numbers import Real
from typing import Any, TypedDict

from drift.sim.errors import BadInput, printable

USUAL = 9.0
"""Size of the usual letters, points."""
_WIDTHS, _SIZES = (2.0, 40.0), (4.0, 40.0)
"""Least and largest width, inches, and size of letters, points."""


class FigureOptions(TypedDict, total=False):
    """The options that every kind of figure takes."""

    width: float | None
    """width of the figure as it is saved, inches"""
    font_size: float | None
    """size of the letters, points; 9 as usual"""
    title: str | None
    """a line above the figure; none as usual"""
    caption: bool
    """False leaves out the lines below that say what was run"""


@dataclass(frozen=True)
class FigureLook:
    """The look of a figure. Raises BadInput for sizes that no figure has."""

    width: float | None = None
    """width of the figure as it is saved, inches; None for the usual one"""
    font_size: float | None = None
    """size of the letters, points; None for the usual one"""
    title: str | None = None
    """a line above the figure"""
    caption: bool = True
    """True where the caption is drawn"""

    def __post_init__(self) -> None:
        _check("width", self.width, _WIDTHS, "inches")
        _check("font size", self.font_size, _SIZES, "points")
        if self.title is not None and not isinstance(self.title, str):
            raise BadInput(f"title is {printable(repr(self.title))}; a text is accepted")
        if not isinstance(self.caption, bool):
            raise BadInput(f"caption is {printable(repr(self.caption))}; True or False is accepted")

    @property
    def scale(self) -> float:
        """The size of the letters, in usual ones."""
        return (self.font_size or USUAL) / USUAL


def _check(name: str, value: Any, limits: tuple[float, float], unit: str) -> None:
    if value is None:
        return
    number = isinstance(value, Real) and not isinstance(value, bool)
    least, most = limits
    if not number or not math.isfinite(value) or not least <= value <= most:
        given = f"{value:g}" if number else printable(str(value))
        raise BadInput(f"{name} is {given}; it must be in {least:g} ... {most:g} {unit}")


_look: ContextVar[FigureLook | None] = ContextVar("look", default=None)
_PLAIN = FigureLook()


def current_look() -> FigureLook:
    """Return the look that is in force."""
    return _look.get() or _PLAIN


@contextmanager
def looking(look: FigureLook) -> Iterator[None]:
    """Keep a look in force during the block."""
    token = _look.set(look)
    try:
        yield
    finally:
        _look.reset(token)


def in_font(points: float) -> float:
    """Return a length or a size that is in proportion to the letters, points."""
    return points * current_look().scale


def width_of(usual: float) -> float:
    """Return the width of a figure, inches: as asked for, or the usual one."""
    return current_look().width or usual
