"""How a page writes what figures write in mathematics, and what a store says of itself."""

import re
from typing import Any

from drift.experiments.captions import axis_label, parts
from drift.experiments.numbers import spent
from drift.experiments.report.blocks import Block, Command, Note, Table
from drift.experiments.report.counted import brief
from drift.sim.sweeps.grid import Grid
from drift.sim.sweeps.store import MEANINGS

_VALUES = 24
"""Of an axis that are listed."""
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_NO_LINE = (
    "No line for a shell can be shown: a name has a character that it cannot hold. The spec"
    " is in the attributes of the store."
)
_RECORDED = {
    "records": "counts, evenly spread over the steps, beside that at step 0",
    "at": "steps that are counted instead",
    "snapshots": "clouds that are kept",
}


def spoken(text: str) -> str:
    """A caption without the notation of mathematics: σ = 10⁻⁹."""

    def said(found: re.Match[str]) -> str:
        inner = found[1].replace(r"\sigma", "σ").replace(r" \times ", " × ")
        return re.sub(r"\^\{([-\d]+)\}", lambda power: power[1].translate(_RAISED), inner)

    return re.sub(r"(?<!\\)\$(.+?)(?<!\\)\$", said, text).replace(r"\$", "$")


def described(spec: dict[str, Any]) -> str:
    """A spec, or the base of a grid, in a line, but for what is as usual."""
    told = {name: value for name, value in spec.items() if value is not None}
    held = [f"in {told.pop('format')}"] if "format" in told else []
    return f"{', '.join([*map(spoken, parts(told)), *held])}."


def asked(spec: dict[str, Any]) -> Table:
    """Every field of a spec, or of the base of a grid, that has a value."""
    rows = [
        (name.replace("_", "-"), _value(value), _meaning(name))
        for name, value in spec.items()
        if value is not None or name == "survivors"
    ]
    return Table("The spec", ("Option", "Value", "Meaning"), rows, numeric=False)


def axes(grid: Grid) -> Table:
    """The axes of a sweep and their values."""
    rows = []
    for axis in grid.axes:
        values = axis.meanings if axis.named else axis.values
        shown = ", ".join(map(brief, values[:_VALUES]))
        more = len(axis.values) - _VALUES
        text = f"{shown}, … and {more:,} more" if more > 0 else shown
        rows.append((axis.name.replace("_", "-"), text, _meaning(axis.name)))
    return Table("The axes", ("Option", "Values", "Meaning"), rows, numeric=False)


def _meaning(name: str) -> str:
    """What a field is, with its symbol where it has one."""
    meaning = _RECORDED.get(name)
    return meaning or spoken(axis_label(name, MEANINGS.get(name, "")))


def _value(value: Any) -> str:
    if value is None:
        return "all"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return repr(value) if isinstance(value, float) else str(value)


def made_on(attrs: dict[str, Any], address: str) -> Table:
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


def again(line: str | None) -> list[Block]:
    """The command that repeats it."""
    if line is None:
        return [Note(_NO_LINE)]
    return [
        Note("The same arrays, bit for bit, on any machine, by any engine and device:"),
        Command(line),
    ]
