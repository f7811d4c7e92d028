"""How numbers are written in a page: counts in full, measures with three digits."""

from collections.abc import Sequence

_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_LEAST, _MOST = 1e-3, 1e6
"""Measures between them are written without a power of ten."""


def few(value: float | None) -> str:
    """A count in full, a measure with three digits: 2,212, 0.371, 3.2·10⁻¹⁰; – for none."""
    if value is None:
        return "–"
    if isinstance(value, int):
        return f"{value:,}"
    if value and not _LEAST <= abs(value) < _MOST:
        mantissa, power = f"{value:.2e}".split("e")
        mantissa = mantissa.rstrip("0").rstrip(".")
        factor = "" if mantissa == "1" else f"{mantissa}·"
        return f"{factor}10{str(int(power)).translate(_RAISED)}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def span(values: Sequence[float]) -> str:
    """From the least to the greatest: 3 to 12, or the one where they are equal."""
    least, most = min(values), max(values)
    return few(least) if least == most else f"{few(least)} to {few(most)}"


def listed(values: Sequence[float]) -> str:
    """All of them: 1, 10 and 100."""
    return joined([few(value) for value in values])


def joined(words: Sequence[str]) -> str:
    """One after the other: a, b and c."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def many(count: int, one: str, more: str = "") -> str:
    """A count of things: no black holes, 1 black hole, 13 black holes."""
    what = one if count == 1 else more or f"{one}s"
    return f"{'no' if count == 0 else few(count)} {what}"
