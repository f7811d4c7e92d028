"""The command line that a stored spec came from, fit to be pasted: it parses back to that spec.

What has its default is left out, and so is what changes no bit: engine, device, place.
"""

import shlex
from collections.abc import Iterator
from typing import Any

from drift.experiments.console.values import (
    Range,
    parse_counts,
    parse_counts_or_all,
    parse_names,
    parse_reals,
)
from drift.sim.array_text import DIGEST
from drift.sim.errors import BadInput, printable
from drift.sim.spec.axis import AXES
from drift.sim.spec.drift import FIELDS, Drift
from drift.sim.spec.motion_rules import unused_fields
from drift.sim.spec.rules import check_used
from drift.sim.sweeps.grid import Grid

_ALWAYS = ("sigma", "radius", "steps", "from", "tensor", "format")
"""Fields that are named even where they have their defaults; format only beside a checkpoint."""
_SHORT = 4
"""So many values are written as a range, where they are one."""
_LONGEST = 100_000
"""Characters of a line that a shell takes."""


def run_line(drift: Drift) -> str | None:
    """The `drift run` line of a spec; None where it cannot be shown."""
    if any(each.startswith(DIGEST) for each in (drift.direction, drift.motion, drift.centre or "")):
        return None  # an array has no option
    fields, told = dict(_told(drift.as_json())), []
    if _refused({name: (value,) for name, value in fields.items()}):
        return None
    for name, value in fields.items():
        told += [(name, ",".join(map(str, value)) if name == "at" else _text(value))]
    return _joined("run", told)


def sweep_line(grid: Grid) -> str | None:
    """The `drift sweep` line of a grid; None where it cannot be shown.

    It has no words for names with a comma in them.
    """
    several = {axis.name: axis.values for axis in grid.axes}
    fields = {**{name: (value,) for name, value in grid.base.items()}, **several}
    ordered = {name: fields[name] for name in (*AXES, "records") if name in fields}
    single = {name: values[0] for name, values in ordered.items() if len(values) == 1}
    kept = {name for name, _ in _told(single)} | several.keys()
    told = []
    if _refused({name: values for name, values in ordered.items() if name in kept}):
        return None
    for name, values in ordered.items():
        if name not in kept:
            continue
        if name == "seed" and len(values) > 1 and values == tuple(range(len(values))):
            told.append(("seeds", str(len(values))))
        elif (text := _texts(name, values)) is None:
            return None
        else:
            told.append((name, text))
    return _joined("sweep", told)


def _refused(given: dict[str, Any]) -> bool:
    """Return whether no line takes all that is `given`, since some of it would change nothing."""
    try:
        check_used(given)
    except BadInput:
        return True
    return False


def _told(fields: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """The fields that a line names, and their values."""
    usual, taken = Drift(sigma=1.0).as_json(), "from" in fields
    unused = unused_fields(fields.get("motion", "straight"), bool(fields.get("weight_decay", 0)))
    for name, value in fields.items():
        if value is None or name in unused or (taken and FIELDS[name].goes_with == "drawn"):
            continue
        if value != usual.get(name) or (name in _ALWAYS and (taken or name != "format")):
            yield name, value


def _texts(name: str, values: tuple[Any, ...]) -> str | None:
    """Values as an option of `drift sweep` takes them."""
    row = FIELDS[name]
    parser = (
        parse_reals
        if row.kind == "real"
        else parse_counts_or_all
        if row.none == "all"
        else parse_counts
    )
    numbers = all(isinstance(value, int | float) for value in values)
    if (
        row.kind in ("real", "whole")
        and numbers
        and len(values) >= _SHORT
        and values[0] < values[-1]
    ):
        for way in ("", ":lin") if values[0] > 0 else (":lin",):
            text = f"{_text(values[0])}:{_text(values[-1])}:{len(values)}{way}"
            found = parser(text)
            if isinstance(found, Range) and found.values() == values:
                return text
    text = ",".join(map(_text, values))
    if row.kind in ("real", "whole"):
        return text
    if row.kind == "flag":  # a flag has no value, and so no word for both
        return text if values == (True,) else None
    return text if parse_names(text) == values else None


def _text(value: Any) -> str:
    return "all" if value is None else repr(value) if isinstance(value, float) else str(value)


def _option(name: str) -> str:
    return FIELDS[name].option if name in FIELDS else f"--{name}"


def _joined(verb: str, told: list[tuple[str, str]]) -> str | None:
    options = []
    for name, text in told:
        flag = name in FIELDS and FIELDS[name].kind == "flag"
        options += [_option(name)] if flag else [_option(name), text]
    line = shlex.join(["drift", verb, *options])
    return line if line == printable(line, _LONGEST) else None
