"""How numbers are written: read, 100, 1e6, 0,10,100, 8GiB, and shown, 4.0 GiB, 2 min 5 s.

What reads one raises typer.BadParameter for text that is none.
"""

import math
import re

import typer


def real(text: str) -> float:
    """A real number."""
    try:
        return float(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is not a number") from error


def whole(text: str) -> int:
    """A whole number, exactly; 1e6 is one."""
    try:
        return int(text)
    except ValueError:
        value = real(text)
    if value != value or value in (float("inf"), float("-inf")) or value != int(value):
        raise typer.BadParameter(f"{text!r} is not a whole number")
    return int(value)


def size(text: str) -> int:
    """Bytes: 8GiB, 8Gi, 500MB, 500M, or a bare number."""
    parts = re.fullmatch(r"([0-9.e+]+?)\s*(?:([KMGT])(i?))?B?", text, re.IGNORECASE)
    if not parts:
        raise typer.BadParameter(f"{text!r} is not a size; 500M and 8GiB are, and bare bytes")
    number, unit, binary = parts.groups()
    power = "KMGT".index(unit.upper()) + 1 if unit else 0
    found = real(number) * (1024 if binary else 1000) ** power
    if math.isinf(found):
        raise typer.BadParameter(f"{text!r} is more than any machine has; 500M and 8GiB are sizes")
    return int(found)


def kept(text: str) -> int | None:
    """A whole number, or all."""
    return None if text == "all" else whole(text)


def wholes(text: str) -> tuple[int, ...]:
    """Whole numbers separated by commas."""
    return tuple(whole(part.strip()) for part in text.split(","))


def names(text: str) -> tuple[str, ...]:
    """Words separated by commas."""
    return tuple(part.strip() for part in text.split(","))


def spent(seconds: float) -> str:
    """A duration: 3.2 s, 2 min 5 s, 3 h 20 min, 4 d 7 h."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours < 24 else f"{hours // 24:,} d {hours % 24} h"


def held(size: float) -> str:
    """Bytes: 800 kB, 3.2 GB."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:,.3g} TB"
