"""The colours that all figures share, how they write values, and how they are saved.

Black ink, grey where it helps, the colour-blind safe colours of Okabe and Ito
(https://jfly.uni-koeln.de/color/) in an order that also differs in lightness.
"""

import itertools
import re
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.textpath import TextPath

from drift.experiments.console.files import atomic_write
from drift.experiments.figures.canvas import own_settings
from drift.sim.errors import BadInput, printable, unwritten

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")

POINTS = 72.0
"""Points in an inch."""
GREY = "#444444"
"""Colour of captions."""


def spans_a_decade(least: float, most: float) -> bool:
    """Return whether counts span a decade, so that they get a logarithmic axis."""
    return most >= 10 * least


def figure_text(text: str, most: int = 60) -> str:
    """Return text from files or paths as a figure shows it, at most `most` characters.

    Characters that do not print, or that the figures' font lacks, are escaped, and so are dollar
    signs, between which matplotlib would read mathematics.
    """
    known = get_font(findfont("DejaVu Sans")).get_charmap()
    drawable = (c if ord(c) in known else c.encode("unicode_escape").decode() for c in text[:most])
    return printable("".join(drawable) + text[most:], most).replace("$", r"\$")


def text_width(text: str, size: float = 8, bold: bool = False) -> float:
    """Return the width of a text in points."""
    if not text.strip():  # which has no outline
        return 0.0
    font = FontProperties(size=size, weight="bold" if bold else "normal")
    # Renderers round the advance of each letter up, so that drawn texts are a little wider.
    return 1.02 * float(TextPath((0, 0), text, prop=font).get_extents().width)


def save(figure: Figure, name: Path) -> list[Path]:
    """Write `name`.png and `name`.svg, each completely or not at all; return their paths.

    Raises BadInput where they cannot be written, Unfinished where the disk is full.
    """
    if not name.name:
        raise BadInput(f"{name} does not name a figure; PATH/NAME without an extension is accepted")
    try:
        name.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritten(name, error) from error
    return [_save(figure, name, kind) for kind in ("png", "svg")]


def _save(figure: Figure, name: Path, kind: str) -> Path:
    path = name.with_name(f"{name.name}.{kind}")
    # No date: equal results give equal files.
    metadata = {"Date": None} if kind == "svg" else None
    with atomic_write(path) as new, own_settings():
        figure.savefig(new, format=kind, dpi=200, metadata=metadata)
    return path


_LONG = 24
"""Characters of the longest name that is not shortened."""


def format_value(value: Any) -> str:
    """Return the text of the value of a field, large and small numbers as powers of ten."""
    if isinstance(value, float):
        return _scientific(value)
    if isinstance(value, int):
        return f"{value:,}"
    words = {None: "all", "none": "no"}
    return words[value] if value in words else figure_text(str(value))


def _scientific(value: float) -> str:
    text = f"{value:g}"
    if "e" not in text:
        return text
    mantissa, power = text.split("e")
    factor = "" if mantissa == "1" else rf"{mantissa} \times "
    return rf"${factor}10^{{{int(power)}}}$"


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
