"""The sizes of a gradient out of a CSV, with the columns step and size.

Steps are numbered from 1 and rise; sizes are positive: between two rows the logarithm of the size
is interpolated linearly in the logarithm of the step, and beyond them it stays.
"""

import csv
import io
import itertools
import math
from pathlib import Path
from typing import Any

from drift.sim.errors import BadInput, printable
from drift.sim.strict_json import open_regular

_MOST_BYTES = 16 << 20
_COLUMNS = ("step", "size")


class SizeTable(str):
    """The path of a CSV, which carries its rows along once it was read."""

    __slots__ = ("_rows",)
    _rows: tuple[tuple[float, float], ...] | None

    def __new__(cls, path: str, rows: tuple[tuple[float, float], ...] | None = None) -> "SizeTable":
        """Return the table at a path, with its rows where they are known."""
        made = super().__new__(cls, path)
        made._rows = rows
        return made

    @property
    def rows(self) -> tuple[tuple[float, float], ...]:
        """The pairs of a step and a size, rising. Raises BadInput where there are none."""
        if self._rows is None:
            self._rows = _read(str(self))
        return self._rows

    def __reduce__(self) -> Any:
        return SizeTable, (str(self), self._rows)


def _read(path: str) -> tuple[tuple[float, float], ...]:
    name = f"gradient {printable(path)}"
    with open_regular(Path(path)) as file:
        raw = file.read(_MOST_BYTES + 1)
    if len(raw) > _MOST_BYTES:
        raise BadInput(f"{name}: it is larger than {_MOST_BYTES >> 20} MiB")
    try:
        lines = list(csv.reader(io.StringIO(raw.decode("utf-8-sig")), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"{name}: it is not a readable CSV") from error
    head = [each.strip() for each in lines[0]] if lines else []
    if any(column not in head for column in _COLUMNS):
        found = printable(", ".join(head)) or "none"
        raise BadInput(f"{name}: its columns are {found}; they must be step and size")
    at = [head.index(column) for column in _COLUMNS]
    rows = [_row(line, at, number, name) for number, line in enumerate(lines[1:], 2) if any(line)]
    if not rows:
        raise BadInput(f"{name}: it holds no row; it must hold a step and a size, or several")
    for (before, _), (after, _) in itertools.pairwise(rows):
        if not before < after:
            raise BadInput(f"{name}: step {after:g} follows step {before:g}; steps must rise")
    return tuple(rows)


def _row(line: list[str], at: list[int], number: int, name: str) -> tuple[float, float]:
    try:
        step, size = (float(line[column]) for column in at)
    except (ValueError, IndexError) as error:
        found = printable(",".join(line))
        raise BadInput(
            f"{name}: line {number} is {found}; it must hold a step and a size"
        ) from error
    if not (1 <= step < math.inf and 0 < size < math.inf):
        raise BadInput(
            f"{name}: line {number} has step {step:g} and size {size:g}; steps are 1 or more,"
            " sizes positive and finite"
        )
    return step, size
