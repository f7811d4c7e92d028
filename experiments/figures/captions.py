"""Captions: the fields of a figure's runs in symbols, σ, R, X, N, D, and what is unusual."""

import re
from collections.abc import Iterable
from typing import Any

from matplotlib.figure import Figure

from drift.experiments.figures.look import current_look
from drift.experiments.figures.style import GREY, POINTS, figure_text, text_width
from drift.experiments.figures.ticks.numbers import format_value
from drift.sim.spec.drift import FIELDS
from drift.sim.spec.motion_rules import unused_fields

_KNOWN = {name: row for name, row in FIELDS.items() if row.axis is not None}
"""The fields that captions name; records are drawn, not named."""


def captions(specs: list[dict[str, Any]]) -> tuple[str, list[str]]:
    """Return the caption of what the runs share, and for each run one of what is its own."""
    shared = [name for name in _KNOWN if len({spec.get(name) for spec in specs}) == 1]
    own = [name for name in _KNOWN if name not in shared]
    return _text(specs[0], [name for name in shared if _tells(specs[0], name)]), [
        _text(spec, own) for spec in specs
    ]


def parts(spec: dict[str, Any]) -> list[str]:
    """Return the parts of a caption: the fields of one run, or of all points of a sweep."""
    return _parts(spec, [name for name in _KNOWN if _tells(spec, name)])


def in_symbols(name: str, value: Any) -> str:
    """Return a field of a spec as captions have it."""
    row = _KNOWN[name]
    return row.in_caption.format(row.none if value is None else format_value(value))


def axis_label(name: str) -> str:
    """Return the label of an axis: the meaning of its field, and the symbol where it has one."""
    row = FIELDS[name]
    return f"{figure_text(row.meaning)}, {row.symbol}" if row.symbol else figure_text(row.meaning)


_MARGIN = 16.0
"""Points by which a caption is narrower than its figure."""
_WORDS = re.compile(r"(?:\$[^$]*\$|\S)+")
"""Words, between spaces; mathematical notation is a part of one."""
JOINT = ",  "
"""The text between the parts of a caption."""
_TOGETHER = 40
"""Most characters of a part that is never broken."""
SIZE = 8.0
"""Size of captions, points, in usual letters."""


def put_caption(figure: Figure, *said: Iterable[str] | str, **style: Any) -> None:
    """Put a caption below a figure, unless its look has none, in lines that are no wider.

    Each of `said` begins on a line of its own, and is one text or its parts.
    """
    if not current_look().caption:
        return
    points = figure.bbox.width / figure.dpi * POINTS - _MARGIN
    paragraphs = [[each] if isinstance(each, str) else list(each) for each in said]
    text = "\n".join(wrapped(each, points) for each in paragraphs if any(each))
    figure.supxlabel(text, **{"color": GREY, **style})


def wrapped(said: list[str], points: float, size: float = SIZE) -> str:
    """Return parts of a caption in lines of `points` at most, but for parts that are together."""
    lines: list[str] = []
    for part in said:
        longer = f"{lines[-1]}{JOINT}{part}" if lines else part
        if lines and text_width(longer, size) <= points:
            lines[-1] = longer
        else:
            lines += _in_lines(part, points, size)
    return "\n".join(lines)


def _in_lines(text: str, points: float, size: float) -> list[str]:
    """Return one text in lines of `points` at most, where no word is wider."""
    if len(text) <= _TOGETHER or text_width(text, size) <= points:
        return [text]
    lines: list[str] = []
    for word in _WORDS.findall(text):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(longer, size) <= points:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def selected(selection: dict[str, Any] | None) -> list[str]:
    """Return the part of a caption that names the selected tokens; none where all are shown."""
    if selection is None:
        return []
    near = selection["near"]
    around = "the largest black hole" if near == "largest" else f"token {near:,}"
    return [f"tokens within {selection['exponents']:,} exponents of {around}"]


def _text(spec: dict[str, Any], names: list[str]) -> str:
    return JOINT.join(_parts(spec, names))


def _tells(spec: dict[str, Any], name: str) -> bool:
    """Return whether captions show a field: they leave out the default of an unusual one.

    The format is always told, since all depends on it.
    """
    if name in unused_fields(spec.get("motion", "straight"), bool(spec.get("weight_decay", 0))):
        return name == "steps"
    return name == "format" or not (_KNOWN[name].unusual and spec.get(name) == _KNOWN[name].default)


def _parts(spec: dict[str, Any], names: list[str]) -> list[str]:
    """The fields that the run has; a drawn cloud has no checkpoint, and the other way round."""
    given = [
        name
        for name in names
        if name in spec and (spec[name] is not None or _KNOWN[name].goes_with == "any")
    ]
    return [in_symbols(name, spec[name]) for name in given]
