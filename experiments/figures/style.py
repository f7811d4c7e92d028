"""The one style of every figure, how values are written in one, and how figures are saved.

Black ink, grey where it helps, the colour-blind safe colours of Okabe and Ito
(https://jfly.uni-koeln.de/color/) in an order that also differs in lightness.
"""

import itertools
import re
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.textpath import TextPath

from drift.experiments.console.files import atomic_write
from drift.sim.errors import BadInput, printable, unwritten

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")

POINTS = 72.0
"""To an inch."""
_DECADES = 10.0

STYLE: dict[Any, Any] = {
    "font.size": 9,
    "axes.titlesize": 10,
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
}


def new_figure(width: float = 5.6, height: float = 3.6) -> Figure:
    """An empty figure in the house's style, inches."""
    matplotlib.rcParams.update(STYLE)
    return Figure(figsize=(width, height), layout="constrained")


def spans_a_decade(least: float, most: float) -> bool:
    """Whether counts span so much that they get a logarithmic axis."""
    return most >= _DECADES * least


def figure_text(text: str, most: int = 60) -> str:
    """Text out of files or paths as a figure shows it: cut, and never taken for mathematics.

    Letters that the figures' font lacks are escaped.
    """
    known = get_font(findfont("DejaVu Sans")).get_charmap()
    drawable = (c if ord(c) in known else c.encode("unicode_escape").decode() for c in text[:most])
    return printable("".join(drawable) + text[most:], most).replace("$", r"\$")


def text_width(text: str, size: float = 8, bold: bool = False) -> float:
    """How wide a text is, in points; a little more, since screens round letters up."""
    if not text.strip():  # of which there is no path
        return 0.0
    font = FontProperties(size=size, weight="bold" if bold else "normal")
    return 1.02 * float(TextPath((0, 0), text, prop=font).get_extents().width)


def save(figure: Figure, name: Path) -> list[Path]:
    """Write `name`.png and `name`.svg, each whole or not at all; their paths.

    Raises BadInput where they cannot be written, Unfinished where the disk is full.
    """
    if not name.name:
        raise BadInput(f"{name} is no name of a figure; PATH/NAME is, without ending")
    try:
        name.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritten(name, error) from error
    return [_save(figure, name, kind) for kind in ("png", "svg")]


def _save(figure: Figure, name: Path, kind: str) -> Path:
    path = name.with_name(f"{name.name}.{kind}")
    # No date: the same results give the same file.
    metadata = {"Date": None} if kind == "svg" else None
    with atomic_write(path) as new:
        figure.savefig(new, format=kind, dpi=200, metadata=metadata)
    return path


_LONG = 24
"""Letters of a name that is left as it is."""


def format_value(value: Any) -> str:
    """A value of a field."""
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
    """Values as labels have them, as long as it takes to tell them apart.

    Long numbers are rounded, to three digits at least; long names lose what all have.
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
