"""AXIS=VALUE: how a value of a sweep's axis is named on the command line.

A number may be written with as few digits as tell it apart: 3.2e-10 names
3.1622776601683795e-10 where no other value of the axis is rounded to it. Names, and none
and all, are written as they are.
"""

from decimal import Decimal, InvalidOperation

from drift.experiments.numbers import names
from drift.sim.errors import BadInput, printable
from drift.sim.sweeps.grid import Axis, Grid

_LISTED = 12
"""Values or axes that a message lists."""


def fixed(grid: Grid, texts: list[str]) -> dict[str, int]:
    """Which of its values each named axis is fixed at; each text is AXIS=VALUE,….

    Raises BadInput for an axis that the grid lacks or that is named twice, and a value
    that the axis lacks.
    """
    found: dict[str, int] = {}
    for part in (part for text in texts for part in names(text)):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not (name and equals and value):
            raise BadInput(f"at is {printable(part)!r}; it must be AXIS=VALUE, such as steps=100")
        axis = axis_named(grid, name)
        if axis.name in found:
            raise BadInput(f"at names {axis.name} twice; an axis is fixed at one value")
        found[axis.name] = _place(axis, value)
    return found


def axis_named(grid: Grid, name: str) -> Axis:
    """An axis by its name, or by its option's. Raises BadInput where the grid has no such one."""
    field = name.removeprefix("--").replace("-", "_")
    for axis in grid.axes:
        if axis.name == field:
            return axis
    there = ", ".join(axis.name for axis in grid.axes) or "none"
    if field in grid.base:
        value = printable(str(grid.base[field]))
        raise BadInput(f"{field} is {value} in all cells and no axis; the axes are: {there}")
    raise BadInput(f"{printable(name)!r} is no axis of the sweep; the axes are: {there}")


def _place(axis: Axis, text: str) -> int:
    """The index of the value of `axis` that `text` names."""
    if axis.named:
        places = [k for k, meaning in enumerate(axis.meanings) if meaning == text]
    else:
        places = [k for k, value in enumerate(axis.values) if _exactly(text, value)]
        places = places or [k for k, value in enumerate(axis.values) if _rounded(text, value)]
    if len(places) == 1:
        return places[0]
    if places:
        several = ", ".join(axis.meanings[k] for k in places[:_LISTED])
        raise BadInput(f"{axis.name}={text} may be any of {several}; more digits tell them apart")
    there = ", ".join(map(printable, axis.meanings[:_LISTED]))
    more = len(axis.values) - _LISTED
    more_there = f" and {more:,} more" if more > 0 else ""
    raise BadInput(
        f"the sweep has no {axis.name}={printable(text)}; its values are {there}{more_there}"
    )


def _exactly(text: str, value: float) -> bool:
    number = _number(text)
    return number is not None and (number == value or float(number) == value)


def _rounded(text: str, value: float) -> bool:
    """Whether `value` is `text` when it is rounded to as many digits."""
    number = _number(text)
    if number is None or isinstance(value, int):
        return False
    digits = len(number.as_tuple().digits)
    return Decimal(f"{value:.{digits - 1}e}") == number


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
