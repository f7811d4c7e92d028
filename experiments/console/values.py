"""Numbers as text, read and shown: 100, 1e6, 8GiB, lists and ranges; 4.0 GiB, 2 min 5 s.

What reads a value raises typer.BadParameter for text that is none. Several values of one option
are a list, 0.1,0.371,1, or a range, lo:hi:n, log-spaced, or lo:hi:n:lin. Ranges are reckoned in
decimals, so that 1e-10:1e-6:5 names 1e-9 itself, on every machine. Those of whole numbers are
rounded, and repeats merged.
"""

import math
import re
from decimal import Decimal, localcontext
from itertools import accumulate, repeat
from operator import mul
from typing import Any, NamedTuple

import typer


def parse_real(text: str) -> float:
    """Return a real number."""
    try:
        return float(text)
    except ValueError as error:
        several = "; ranges and lists are for drift sweep" if is_several(text) else ""
        raise typer.BadParameter(f"{text!r} is not a number{several}") from error


_NUMBER = r"\s*[-+]?[0-9.]+(e[-+]?[0-9]+)?\s*"


def is_several(text: str) -> bool:
    """Return whether a text is a range or a list of numbers, of which one value is none."""
    parts = re.split("[:,]", text.removesuffix(":lin"))
    return len(parts) > 1 and all(re.fullmatch(_NUMBER, each, re.IGNORECASE) for each in parts)


def parse_size_of(text: str) -> float | str:
    """Return a real number, or the text of a path where it is none."""
    return text if _is_path(text) else parse_real(text)


def _is_path(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return not is_several(text)
    return False


def parse_whole(text: str) -> int:
    """Return a whole number, exactly; 1e6 is one."""
    try:
        return int(text)
    except ValueError:
        value = parse_real(text)
    if value != value or value in (float("inf"), float("-inf")) or value != int(value):
        raise typer.BadParameter(f"{text!r} is not a whole number")
    return int(value)


def parse_size(text: str) -> int:
    """Return bytes: 8GiB, 8Gi, 500MB, 500M, or a bare number."""
    parts = re.fullmatch(r"([0-9.e+]+?)\s*(?:([KMGT])(i?))?B?", text, re.IGNORECASE)
    if not parts:
        raise typer.BadParameter(f"{text!r} is not a size; use 500M, 8GiB or a number of bytes")
    number, unit, binary = parts.groups()
    power = "KMGT".index(unit.upper()) + 1 if unit else 0
    found = parse_real(number) * (1024 if binary else 1000) ** power
    if math.isinf(found):
        raise typer.BadParameter(f"{text!r} is more than any machine has; use 500M or 8GiB")
    return int(found)


def parse_whole_or_all(text: str) -> int | None:
    """Return a whole number, or None for all."""
    return None if text == "all" else parse_whole(text)


def parse_wholes(text: str) -> tuple[int, ...]:
    """Return whole numbers that are separated by commas."""
    return tuple(map(parse_whole, parse_names(text)))


def parse_names(text: str) -> tuple[str, ...]:
    """Return words that are separated by commas."""
    return tuple(part.strip() for part in text.split(","))


def format_duration(seconds: float) -> str:
    """Return a duration: 3.2 s, 2 min 5 s, 3 h 20 min, 4 d 7 h."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours < 24 else f"{hours // 24:,} d {hours % 24} h"


def format_bytes(size: float) -> str:
    """Return bytes as text: 800 kB, 3.2 GB."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:,.3g} TB"


_DIGITS = 50
_MOST = 10_000_000


class Range(NamedTuple):
    """`number` values from `low` to `high`, both among them.

    They are evenly spaced where `linear`, else in the logarithm; `whole` ones are rounded, and
    repeats merged.
    """

    low: Decimal
    high: Decimal
    number: int
    linear: bool
    whole: bool

    def values(self) -> tuple[Any, ...]:
        """Return the numbers themselves."""
        low, high, gaps = self.low, self.high, self.number - 1
        with localcontext(prec=_DIGITS):
            if self.linear:
                between = [low + (high - low) * k / gaps for k in range(1, gaps)]
            else:
                factor = ((high / low).ln() / gaps).exp()
                between = list(accumulate(repeat(factor, gaps - 1), mul, initial=low))[1:]
        found = [low, *between, high]
        if self.whole:
            return tuple(dict.fromkeys(int(value.to_integral_value()) for value in found))
        return tuple(map(float, found))


def parse_reals(text: str) -> tuple[Any, ...]:
    """Return real numbers."""
    return _range(text, False) if ":" in text else tuple(map(parse_real, parse_names(text)))


def parse_sizes_of(text: str) -> tuple[Any, ...]:
    """Return real numbers, and paths among them."""
    return _range(text, False) if ":" in text else tuple(map(parse_size_of, parse_names(text)))


def parse_counts(text: str) -> tuple[Any, ...]:
    """Return whole numbers."""
    return _range(text, True) if ":" in text else tuple(map(parse_whole, parse_names(text)))


def parse_counts_or_all(text: str) -> tuple[Any, ...]:
    """Return whole numbers, None for all among them."""
    return _range(text, True) if ":" in text else tuple(map(parse_whole_or_all, parse_names(text)))


def spell_out(several: dict[str, tuple[Any, ...]]) -> dict[str, tuple[Any, ...]]:
    """Return the values of each option. Raises BadInput before a huge grid is spelled out."""
    from drift.sim.sweeps.grid import check_size

    check_size([_fewest(found) for found in several.values()])
    return {
        name: found.values() if isinstance(found, Range) else found
        for name, found in several.items()
    }


def _fewest(found: tuple[Any, ...]) -> int:
    """Return the least number of values; repeats of whole numbers are merged."""
    if isinstance(found, Range):
        return 1 if found.whole else found.number
    return len(found)


def _range(text: str, of_whole: bool) -> Range:
    if "," in text:
        raise typer.BadParameter(
            f"{text!r} mixes a range with other values; use a list or one range"
        )
    parts = [part.strip() for part in text.split(":")]
    linear = parts[3:] == ["lin"]
    if len(parts) != 3 and not linear:
        raise typer.BadParameter(f"{text!r} is not a range; use lo:hi:n or lo:hi:n:lin")
    low, high, count = _bound(parts[0]), _bound(parts[1]), parse_whole(parts[2])
    if not low < high:
        what = "is reversed" if high < low else "has equal bounds"
        raise typer.BadParameter(f"{text!r} {what}; the lower one comes first")
    if count < 2:
        raise typer.BadParameter(f"{text!r} has n = {count}; a range needs 2 values or more")
    if count > _MOST:
        raise typer.BadParameter(f"{text!r} has {count:,} values; at most {_MOST:,} are swept")
    if low <= 0 and not linear:
        raise typer.BadParameter(
            f"{text!r} begins at {low}; bounds of a log range must be positive (:lin is linear)"
        )
    return Range(low, high, count, linear, of_whole)


def _bound(text: str) -> Decimal:
    value = parse_real(text)
    if value != value or value in (float("inf"), float("-inf")):
        raise typer.BadParameter(f"{text!r} is not a bound of a range; bounds are finite numbers")
    return Decimal(text)
