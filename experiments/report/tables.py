"""Tables of counts, specs and environments on a page, and how they write numbers."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from drift.experiments.console.values import format_duration
from drift.experiments.figures.captions import axis_label, parts
from drift.experiments.report.document import Command, DataTable, PageBlock, Paragraph
from drift.sim.spec.drift import FIELDS
from drift.sim.stores.run_layout import ALL_COUNTS, COUNTS
from drift.sim.sweeps.grid import Grid
from drift.sim.sweeps.store import SweepStore

_VALUES = 24
"""Most values of an axis in a table."""
_LETTERS = {r"\sigma": "σ", r"\lambda": "λ", r"\beta": "β", r" \times ": " × "}
"""Letters and signs by their mathematical notation."""
_LOWERED = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_NO_LINE = (
    "The command cannot be shown: a name has characters that no command line can hold. The spec is"
    " in the attributes of the store."
)


def without_mathtext(text: str) -> str:
    """Return a caption without mathematical notation: σ = 10⁻⁹."""

    def said(found: re.Match[str]) -> str:
        inner = found[1]
        for written, letter in _LETTERS.items():
            inner = inner.replace(written, letter)
        inner = re.sub(r"_(\d)", lambda index: index[1].translate(_LOWERED), inner)
        return re.sub(r"\^\{([-\d]+)\}", lambda power: power[1].translate(_RAISED), inner)

    return re.sub(r"(?<!\\)\$(.+?)(?<!\\)\$", said, text).replace(r"\$", "$")


def spec_line(spec: dict[str, Any]) -> str:
    """Return a line on a spec, or on the base of a grid, without defaults."""
    told = {name: value for name, value in spec.items() if value is not None}
    held = [f"in {told.pop('format')}"] if "format" in told else []
    return f"{', '.join([*map(without_mathtext, parts(told)), *held])}."


def spec_table(spec: dict[str, Any]) -> DataTable:
    """Return the table of the fields of a spec, or of the base of a grid, that have a value."""
    rows = [
        (name.replace("_", "-"), _value(value), _meaning(name))
        for name, value in spec.items()
        if value is not None or name == "survivors"
    ]
    return DataTable("Spec", ("Option", "Value", "Meaning"), rows, numeric=False)


def axes_table(grid: Grid) -> DataTable:
    """Return the table of the axes of a sweep and their values."""
    rows = []
    for axis in grid.axes:
        values = axis.meanings if axis.named else axis.values
        shown = ", ".join(map(format_axis_value, values[:_VALUES]))
        more = len(axis.values) - _VALUES
        text = f"{shown}, … and {more:,} more" if more > 0 else shown
        rows.append((axis.name.replace("_", "-"), text, _meaning(axis.name)))
    return DataTable("Axes", ("Option", "Values", "Meaning"), rows, numeric=False)


def _meaning(name: str) -> str:
    """Return the meaning of a field, with its symbol where it has one."""
    return without_mathtext(axis_label(name)) if name in FIELDS else ""


def _value(value: Any) -> str:
    if value is None:
        return "all"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return repr(value) if isinstance(value, float) else str(value)


def provenance_table(attrs: dict[str, Any], address: str) -> DataTable:
    """Return the table of the device, the versions and the time that a store was made with."""
    device = attrs.get("device", {})
    used = f"{attrs.get('devices')} × {device.get('kind')} ({device.get('platform')})"
    rows = [
        ("store", address),
        ("engine", attrs.get("engine")),
        ("device", used if device else None),
        ("processes", attrs.get("processes")),
        ("device check", attrs.get("check")),
        ("kernel", attrs.get("kernel")),
        *((f"{name} version", found) for name, found in attrs.get("versions", {}).items()),
        *(
            (f"{name} time", format_duration(took))
            for name, took in attrs.get("seconds", {}).items()
        ),
    ]
    told = [(name, str(value)) for name, value in rows if value is not None]
    return DataTable("Environment", ("Item", "Value"), told, numeric=False)


def rerun_blocks(line: str | None) -> list[PageBlock]:
    """Return the command that makes the same store again, or why there is none."""
    if line is None:
        return [Paragraph(_NO_LINE)]
    return [
        Paragraph("This command gives the same arrays, bit for bit, on any machine and device:"),
        Command(line),
    ]


_DIGITS = "drift export writes all digits."
MOST = 200
"""Most rows of a table of records."""
_NAMES = {"radius": "radius reached", "pairs": "coalesced pairs"}


def format_count(value: int) -> str:
    """Return the text of a count."""
    return f"{value:,}"


def format_share(value: float) -> str:
    """Return the text of a share, in per cent."""
    return f"{value:.1%}"


def spread_evenly(rows: Sequence[Any], most: int = MOST) -> list[Any]:
    """Return the first row, the last, and some between, `most` in all."""
    last = len(rows) - 1
    if last < most:
        return list(rows)
    return [rows[round(k * last / (most - 1))] for k in range(most)]


def every_nth(rows: Sequence[Any], what: str, most: int = MOST) -> tuple[list[Any], str]:
    """Return every n-th of the rows and the last, `most` in all at most, and a note on the rest.

    The note is empty where all are there.
    """
    stride = -(-(len(rows) - 1) // (most - 1)) if len(rows) > most else 1
    if stride == 1:
        return list(rows), ""
    shown = [*rows[:-1:stride], rows[-1]]
    left = len(rows) - len(shown)
    which = f"{ordinal(stride)} of {len(rows):,} {what} and the last are listed, from the first on"
    return shown, f"Every {which}: {len(shown):,} in all. The {left:,} between them are left out."


def ordinal(number: int) -> str:
    """Return a number as a word for its place: 2nd, 11th."""
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number:,}{'th' if number % 100 in (11, 12, 13) else ending}"


def count_columns(names: Iterable[str] = COUNTS) -> list[str]:
    """Return the heads of the columns of counts."""
    return [_NAMES.get(name, name.replace("_", " ")) for name in names]


def count_texts(counts: dict[str, Any], names: Iterable[str] = COUNTS) -> list[str]:
    """Return the texts of counts of a record."""
    return [_shown(name, counts.get(name)) for name in names]


def _shown(name: str, value: Any) -> str:
    if value is None or value != value:
        return "–"
    if name in ("stalled", "moved"):
        return format_share(value)
    return f"{value:.6g}" if name in ("radius", "asked", "done") else format_count(value)


def record_table(counted: Sequence[dict[str, Any]]) -> DataTable:
    """Return the table of the records of a run."""
    shown, left = every_nth(counted, "records")
    rows = [[format_count(counts["step"]), *count_texts(counts, ALL_COUNTS)] for counts in shown]
    note = f"{left} drift export writes all of them." if left else _DIGITS
    return DataTable("Counts by step", ["step", *count_columns(ALL_COUNTS)], rows, note=note)


def last_records_table(store: SweepStore) -> DataTable:
    """Return the table of the last record of each grid point that is done."""
    grid, done = store.grid, np.flatnonzero(store.done).tolist()
    shown, left = every_nth(done, "grid points")
    counts = {name: store.read(name, record=-1).ravel() for name in COUNTS}
    names = [axis.name.replace("_", " ") for axis in grid.axes] or ["grid point"]
    rows = [
        [
            *(map(format_axis_value, grid.values(point).values()) if grid.axes else ["1"]),
            *count_texts({name: counts[name][point].item() for name in COUNTS}),
        ]
        for point in shown
    ]
    note = f"{left} drift export writes all records and all digits.".lstrip()
    return DataTable("Final counts of each grid point", [*names, *count_columns()], rows, note=note)


def format_axis_value(value: Any) -> str:
    """Return the text of a value of an axis, with at most six digits."""
    return f"{value:.6g}" if isinstance(value, float) else "none" if value is None else str(value)
