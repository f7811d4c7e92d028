"""Texts of numbers, in one style wherever a figure shows them.

From one on, numbers are written in full, as 2,212 and 1,000,000 are; below one as decimals, and as
powers of ten where they are small. The ticks of an axis agree: where one is a power of ten, all
below one are.
"""

import itertools
import math
import re
from collections.abc import Sequence
from typing import Any

from matplotlib.ticker import Formatter

from drift.experiments.figures.style import figure_text

_HUGE, _FULL = 1e15, 1e6
"""Reals from the first on are powers of ten; integers, and reals from the second on, are whole."""
_SMALL = 1e-3
"""Ticks below it are powers of ten, and with them all below one."""
_MINUS = "\N{MINUS SIGN}"
_SPREAD = 100.0
"""Ratio of the largest and the smallest tick of a logarithmic axis."""
_EXACT = 1e-9
"""Relative error of a tick that is meant to be a round number."""


def format_value(value: Any) -> str:
    """Return the text of the value of a field, small numbers as powers of ten."""
    if isinstance(value, float):
        return _real(value)
    if isinstance(value, int):
        return f"{value:,}"
    words = {None: "all", "none": "no"}
    return words[value] if value in words else figure_text(str(value))


def _real(value: float) -> str:
    if _FULL <= abs(value) < _HUGE:
        return f"{value:,.0f}"
    text = f"{value:,g}"
    return power_of_ten(text) if "e" in text else text


def power_of_ten(text: str) -> str:
    """Return a number that is written with an exponent as a power of ten, in mathtext."""
    mantissa, power = text.split("e")
    sign, digits = ("-", mantissa[1:]) if mantissa.startswith("-") else ("", mantissa)
    factor = "" if float(digits) == 1 else rf"{digits} \times "
    return rf"${sign}{factor}10^{{{int(power)}}}$"


class NumberFormatter(Formatter):
    """The texts of ticks, which agree with each other.

    Those of a linear axis are `aligned`: they have as many digits as each other.
    """

    def __init__(self, aligned: bool = True) -> None:
        self._aligned, self._powers, self._digits = aligned, False, 0

    def set_locs(self, locs: Sequence[float]) -> None:
        """Take all ticks of the axis."""
        all_ticks = [float(each) for each in locs]
        there = [abs(each) for each in all_ticks if each and math.isfinite(each)]
        low, high = min(there, default=1.0), max(there, default=1.0)
        self._powers = low < _SMALL * (1 - _EXACT)
        digits = (
            number for number in range(12) if all(_written(each, number) for each in all_ticks)
        )
        even = self._aligned and high < _SPREAD * low
        self._digits = next(digits, -1) if even else -1

    def __call__(self, value: float, pos: int | None = None) -> str:
        """Return the text of a tick."""
        text = self._text(value)
        return f"{_MINUS}{text[1:]}" if text.startswith("-") else text

    def _text(self, value: float) -> str:
        value = float(f"{value:.10g}")
        if self._powers and 0 < abs(value) < 1:
            digits = f"{value:.9e}".split("e")
            mantissa = digits[0].rstrip("0").rstrip(".")
            return power_of_ten(f"{mantissa}e{digits[1]}")
        if self._digits >= 0 and not self._powers and abs(value) < _HUGE:
            return f"{value + 0.0:,.{self._digits}f}"
        return format_value(round(value) if value == round(value) else value)


def _written(value: float, digits: int) -> bool:
    """Return whether a value is written exactly with so many digits after the point."""
    return abs(round(value, digits) - value) <= _EXACT * abs(value)


_LONG = 24
"""Characters of the longest name that is not shortened."""


def short_values(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return values shortened for labels, but long enough to be told apart.

    Long numbers are rounded, to three digits or more; long names lose the parts with which all of
    them begin or end.
    """
    names = [value for value in values if isinstance(value, str)]
    if any(len(name) > _LONG for name in names):
        cut = dict(zip(names, _differing(names), strict=True))
        return tuple(cut.get(value, value) for value in values)
    for digits in range(3, 17):
        found = tuple(_rounded(value, digits) for value in values)
        if len(set(found)) == len(set(values)):
            return found
    return values


def _rounded(value: Any, digits: int) -> Any:
    if not isinstance(value, float) or float(f"{value:g}") == value:
        return value
    return float(f"{value:.{digits}g}")


def _differing(names: list[str]) -> list[str]:
    """Return names without the parts with which all of them begin or end."""
    split = [re.split(r"(?<=[/_.-])", name) for name in names]
    start = _shared(split)
    end = _shared([words[start:][::-1] for words in split])
    found = []
    for words in split:
        kept = "".join(words[start : len(words) - end])
        found.append(f"{'…' if start else ''}{kept}{'…' if end else ''}")
    return found


def _shared(lists: list[list[str]]) -> int:
    """Return with how many equal parts the lists begin."""
    columns = zip(*lists, strict=False)
    return len(list(itertools.takewhile(lambda words: len(set(words)) == 1, columns)))
