"""Counts and specs as tables of a page, in its own words instead of a figure's mathematics."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from drift.experiments.console.values import spent
from drift.experiments.figures.captions import axis_label, parts
from drift.experiments.report.document import Block, Command, Note, Table
from drift.sim.spec.drift import FIELDS
from drift.sim.stores.run_store import COUNTS
from drift.sim.sweeps.grid import Grid
from drift.sim.sweeps.store import SweepStore

_VALUES = 24
"""Of an axis that are listed."""
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_NO_LINE = (
    "No line for a shell can be shown: a name has a character that it cannot hold. The spec"
    " is in the attributes of the store."
)


def without_mathtext(text: str) -> str:
    """A caption without the notation of mathematics: σ = 10⁻⁹."""

    def said(found: re.Match[str]) -> str:
        inner = found[1].replace(r"\sigma", "σ").replace(r" \times ", " × ")
        return re.sub(r"\^\{([-\d]+)\}", lambda power: power[1].translate(_RAISED), inner)

    return re.sub(r"(?<!\\)\$(.+?)(?<!\\)\$", said, text).replace(r"\$", "$")


def spec_line(spec: dict[str, Any]) -> str:
    """A spec, or the base of a grid, in a line, but for what is as usual."""
    told = {name: value for name, value in spec.items() if value is not None}
    held = [f"in {told.pop('format')}"] if "format" in told else []
    return f"{', '.join([*map(without_mathtext, parts(told)), *held])}."


def spec_table(spec: dict[str, Any]) -> Table:
    """Every field of a spec, or of the base of a grid, that has a value."""
    rows = [
        (name.replace("_", "-"), _value(value), _meaning(name))
        for name, value in spec.items()
        if value is not None or name == "survivors"
    ]
    return Table("The spec", ("Option", "Value", "Meaning"), rows, numeric=False)


def axes_table(grid: Grid) -> Table:
    """The axes of a sweep and their values."""
    rows = []
    for axis in grid.axes:
        values = axis.meanings if axis.named else axis.values
        shown = ", ".join(map(format_axis_value, values[:_VALUES]))
        more = len(axis.values) - _VALUES
        text = f"{shown}, … and {more:,} more" if more > 0 else shown
        rows.append((axis.name.replace("_", "-"), text, _meaning(axis.name)))
    return Table("The axes", ("Option", "Values", "Meaning"), rows, numeric=False)


def _meaning(name: str) -> str:
    """What a field is, with its symbol where it has one."""
    return without_mathtext(axis_label(name, FIELDS[name].meaning)) if name in FIELDS else ""


def _value(value: Any) -> str:
    if value is None:
        return "all"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return repr(value) if isinstance(value, float) else str(value)


def provenance_table(attrs: dict[str, Any], address: str) -> Table:
    """On what and with what a store was made, and how long that took."""
    device = attrs.get("device", {})
    rows = [
        ("store", address),
        ("engine", attrs.get("engine")),
        ("device", f"{attrs.get('devices')} × {device.get('kind')} ({device.get('platform')})"),
        ("processes", attrs.get("processes")),
        ("check of the device", attrs.get("check")),
        ("kernel", attrs.get("kernel")),
        *((f"version of {name}", found) for name, found in attrs.get("versions", {}).items()),
        *((f"seconds, {name}", spent(took)) for name, took in attrs.get("seconds", {}).items()),
    ]
    told = [(name, str(value)) for name, value in rows if value is not None]
    return Table("Where it ran", ("What", "Which"), told, numeric=False)


def rerun_blocks(line: str | None) -> list[Block]:
    """The command that repeats it."""
    if line is None:
        return [Note(_NO_LINE)]
    return [
        Note("The same arrays, bit for bit, on any machine, by any engine and device:"),
        Command(line),
    ]


MOST = 200
"""Lines of a table."""
_NAMES = {"radius": "radius reached", "pairs": "coalesced pairs"}


def format_count(value: int) -> str:
    """A count."""
    return f"{value:,}"


def format_share(value: float) -> str:
    """A share, in per cent."""
    return f"{value:.1%}"


def spread_evenly(rows: Sequence[Any], most: int = MOST) -> list[Any]:
    """The first, the last, and as many between as make `most`."""
    last = len(rows) - 1
    if last < most:
        return list(rows)
    return [rows[round(k * last / (most - 1))] for k in range(most)]


def count_columns() -> list[str]:
    """The names of all counts."""
    return [_NAMES.get(name, name.replace("_", " ")) for name in COUNTS]


def count_texts(counts: dict[str, Any]) -> list[str]:
    """All counts of a record, as they are shown."""
    return [_shown(name, counts[name]) for name in COUNTS]


def _shown(name: str, value: Any) -> str:
    if name == "stalled":
        return format_share(value)
    return f"{value:.6g}" if name == "radius" else format_count(value)


def record_table(counted: Sequence[dict[str, Any]]) -> Table:
    """The records of a run."""
    shown = spread_evenly(counted)
    rows = [[format_count(counts["step"]), *count_texts(counts)] for counts in shown]
    cut = f"{len(shown):,} of {len(counted):,} records; drift export writes all."
    note = cut if len(shown) < len(counted) else "drift export writes them with all digits."
    return Table("What was counted, step by step", ["step", *count_columns()], rows, note=note)


def last_records_table(store: SweepStore) -> Table:
    """The last record of the cells of a sweep that are done."""
    grid, done = store.grid, np.flatnonzero(store.done).tolist()
    shown = spread_evenly(done)
    counts = {name: store.read(name, record=-1).ravel() for name in COUNTS}
    names = [axis.name.replace("_", " ") for axis in grid.axes] or ["cell"]
    rows = [
        [
            *(map(format_axis_value, grid.values(cell).values()) if grid.axes else ["1"]),
            *count_texts({name: counts[name][cell].item() for name in COUNTS}),
        ]
        for cell in shown
    ]
    cut = f"{len(shown):,} of {len(done):,} cells; " if len(shown) < len(done) else ""
    note = f"{cut}drift export writes all records with all digits."
    return Table("Each cell at its end", [*names, *count_columns()], rows, note=note)


def format_axis_value(value: Any) -> str:
    """A value of an axis, with as many digits as a reader needs."""
    return f"{value:.6g}" if isinstance(value, float) else "none" if value is None else str(value)
