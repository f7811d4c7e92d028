"""The colours that all figures share, the texts that are not theirs, and how they are saved.

Black ink, grey where it helps, and colours after the colour-blind safe ones of Okabe and Ito
(https://jfly.uni-koeln.de/color/), of which the light ones are darker here: each contrasts with
white by 3 to 1 or more, as lines need. A scale of colours for numbers ends where it would not.
"""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.textpath import TextPath

from drift.experiments.console.files import atomic_write
from drift.experiments.figures.canvas import own_settings
from drift.experiments.figures.look import in_font
from drift.sim.errors import BadInput, printable, unwritten

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#C170A0", "#A87400", "#3A97D3", "#000000")

POINTS = 72.0
"""Points in an inch."""
GREY = "#444444"
"""Colour of captions."""


def figure_text(text: str, most: int = 60) -> str:
    """Return text from files or paths as a figure shows it, at most `most` characters.

    Characters that do not print, or that the figures' font lacks, are escaped, and so are dollar
    signs, between which matplotlib would read mathematics.
    """
    known = get_font(findfont("DejaVu Sans")).get_charmap()
    drawable = (c if ord(c) in known else c.encode("unicode_escape").decode() for c in text[:most])
    return printable("".join(drawable) + text[most:], most).replace("$", r"\$")


def text_width(text: str, size: float = 8, bold: bool = False) -> float:
    """Return the width of a text in points; `size` is that of the usual letters."""
    if not text.strip():  # which has no outline
        return 0.0
    return _width(text, in_font(size), bold)


@lru_cache(maxsize=10_000)  # to measure a text takes as long as to draw it
def _width(text: str, size: float, bold: bool) -> float:
    font = FontProperties(size=size, weight="bold" if bold else "normal")
    # Renderers round the advance of each letter up, so that drawn texts are a little wider.
    return 1.02 * float(TextPath((0, 0), text, prop=font).get_extents().width)


_DPI = 200
"""Dots in an inch of files of pixels."""
KINDS = ("png", "svg", "pdf", "jpg")
"""The kinds of files that figures are written as."""
USUAL = ("png", "svg")
"""The kinds that are written where none is named."""
_WORD = 5
"""Most letters of an ending; what has more of them, or digits, is a part of the name."""


def files_of(out: Path, kinds: Sequence[str] | None = None) -> list[Path]:
    """Return the files of a figure that is to be written to `out`.

    An ending that is a kind of file decides; else there is one for each of `kinds`, PNG and SVG as
    usual. Raises BadInput for kinds that are not written, and for two that contradict each other.
    """
    known = ", ".join(KINDS)
    for kind in kinds or ():
        if kind not in KINDS:
            raise BadInput(f"format is {printable(repr(kind))}; figures are written as {known}")
    if not out.name or out.name == ".." or out.name.lower() in [f".{kind}" for kind in KINDS]:
        raise BadInput(f"{printable(str(out))} does not name a figure; PATH/NAME is accepted")
    ending = out.suffix[1:]
    if ending.lower() in KINDS:
        if kinds and list(kinds) != [ending.lower()]:
            raise BadInput(
                f"out is {printable(str(out))}, but format is {','.join(kinds)}; one of them"
                " decides what is written"
            )
        return [out]
    if not kinds and ending.isalpha() and len(ending) <= _WORD:
        raise BadInput(
            f"out is {printable(str(out))}; figures are written as {known}, and a name without an"
            " ending gives png and svg"
        )
    return [out.with_name(f"{out.name}.{kind}") for kind in dict.fromkeys(kinds or USUAL)]


def save(figure: Figure, name: Path) -> list[Path]:
    """Write `name`.png and `name`.svg; return their paths. Raises BadInput as `save_as` does."""
    return save_as(figure, [name.with_name(f"{name.name}.{kind}") for kind in USUAL])


def save_as(figure: Figure, files: Sequence[Path]) -> list[Path]:
    """Write a figure to files whose endings are of KINDS, each completely or not at all.

    Raises BadInput where they cannot be written, Unfinished where the disk is full.
    """
    for each in files:
        _save(figure, each)
    return list(files)


def _save(figure: Figure, path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritten(path, error) from error
    kind = path.suffix[1:].lower()
    # No date: equal results give equal files.
    metadata = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(kind)
    with atomic_write(path) as new, own_settings():
        figure.savefig(new, format=kind, dpi=_DPI, metadata=metadata)
