"""Numbers as pages write them: counts in full, measures with three digits, ranges in words.

FILTERS  these functions by their names, for templates: {{ drift.tokens | number }}
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_LEAST, _MOST = 1e-3, 1e6
"""Magnitudes from the first up to the second are written without a power of ten."""


def number(value: float | None) -> str:
    """Return a count in full, a measure with three digits, – for None.

    >>> [number(value) for value in (2212, 0.3710, 3.2e-10, None)]
    ['2,212', '0.371', '3.2·10⁻¹⁰', '–']
    """
    if value is None:
        return "–"
    if isinstance(value, int):
        return f"{value:,}"
    if value and not _LEAST <= abs(value) < _MOST:
        mantissa, power = f"{value:.2e}".split("e")
        mantissa = mantissa.rstrip("0").rstrip(".")
        factor = "" if mantissa == "1" else f"{mantissa}·"
        return f"{factor}10{str(int(power)).translate(_SUPERSCRIPTS)}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def span(values: Iterable[float]) -> str:
    """Return the minimum and the maximum, "3 to 12", or the one number where they are equal."""
    there = list(values)
    low, high = min(there), max(there)
    return number(low) if low == high else f"{number(low)} to {number(high)}"


def spans(values: Iterable[float | None]) -> str:
    """Return the minimum and the maximum, as `span` does; – stands for None, which is first."""
    there = list(values)
    known = [value for value in there if value is not None]
    if len(known) == len(there):
        low, high = number(min(known)), number(max(known))
        return low if low == high else f"{low} to {high}"
    return f"–, up to {number(max(known))}" if known else "–"


def listed(values: Iterable[float | str]) -> str:
    """Return numbers or words one after the other, "1, 10 and 100"."""
    words: Sequence[str] = [v if isinstance(v, str) else number(v) for v in values]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def count(many: int, one: str, more: str = "") -> str:
    """Return a number of things: no black holes, 1 black hole, 13 black holes."""
    things = one if many == 1 else more or f"{one}s"
    return f"{'no' if many == 0 else number(many)} {things}"


def percent(share: float, digits: int = 0) -> str:
    """Return a share as a percentage, with so many digits after the point."""
    return f"{share:.{digits}%}"


FILTERS: dict[str, Callable[..., Any]] = {
    each.__name__: each for each in (number, span, spans, listed, count, percent)
}
