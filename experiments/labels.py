"""How the values of a spec's fields are written in figures."""

import itertools
import re
from typing import Any

from drift.experiments.figures import plain

_LONG = 24
"""Letters of a name that is left as it is."""


def shown(value: Any) -> str:
    """A value of a field."""
    if isinstance(value, float):
        return _scientific(value)
    if isinstance(value, int):
        return f"{value:,}"
    words = {None: "all", "none": "no"}
    return words[value] if value in words else plain(str(value))


def _scientific(value: float) -> str:
    text = f"{value:g}"
    if "e" not in text:
        return text
    mantissa, power = text.split("e")
    factor = "" if mantissa == "1" else rf"{mantissa} \times "
    return rf"${factor}10^{{{int(power)}}}$"


def brief(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Values as labels have them, as long as it takes to tell them apart.

    Long numbers are rounded, to three digits at least; long names lose what all have.
    """
    names = [value for value in values if isinstance(value, str)]
    if any(len(name) > _LONG for name in names):
        cut = dict(zip(names, _differing(names), strict=True))
        return tuple(cut.get(value, value) for value in values)
    for digits in range(3, 17):
        found = tuple(_brief(value, digits) for value in values)
        if len(set(found)) == len(set(values)):
            return found
    return values


def _brief(value: Any, digits: int) -> Any:
    if not isinstance(value, float) or float(f"{value:g}") == value:
        return value
    return float(f"{value:.{digits}g}")


def _differing(names: list[str]) -> list[str]:
    """Names without the words that all of them begin and end with."""
    split = [re.split(r"(?<=[/_.-])", name) for name in names]
    start = _shared(split)
    end = _shared([words[start:][::-1] for words in split])
    found = []
    for words in split:
        kept = "".join(words[start : len(words) - end])
        found.append(f"{'…' if start else ''}{kept}{'…' if end else ''}")
    return found


def _shared(lists: list[list[str]]) -> int:
    """With how many equal words they begin."""
    columns = zip(*lists, strict=False)
    return len(list(itertools.takewhile(lambda words: len(set(words)) == 1, columns)))
