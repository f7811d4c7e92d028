"""The choice of what a figure of lines shows: along x, in colours, and in panels.

hue       what the colours stand for; col and row: what the panels beside and below each other show
dashes    the quantities, where they are several and have neither colours nor panels
averaged  the seeds of clouds and of random directions, where they are none of these
standing  the axes that are left: each stands at one value, the first one where none is chosen
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from drift.experiments.figures.captions import in_symbols
from drift.experiments.figures.lines.points import AllFields, LineSource
from drift.experiments.figures.lines.quantities import (
    NUMBERS,
    QUANTITIES,
    QUANTITY,
    RECORDS,
    SOURCE,
    STEP,
    Quantity,
    field_name,
    is_quantity,
    plain_name,
    quantity,
)
from drift.experiments.figures.style import figure_text
from drift.experiments.figures.sweeps.sweep_slice import SEEDS, find_axis, parse_fixed
from drift.experiments.figures.ticks.numbers import short_values
from drift.sim.errors import BadInput, printable
from drift.sim.spec.axis import Axis

_BEST = ("sigma", "steps", "radius")
"""The axes that are drawn first, in this order."""


@dataclass(frozen=True)
class Told:
    """Values that colours, panels or dashes tell apart."""

    name: str
    """name of an axis, or source, or quantity"""
    values: tuple[Any, ...]
    """its values: those of the axis, numbers of sources, or names of quantities"""
    labels: tuple[str, ...]
    """the text of each value in legends and titles"""
    axis: Axis | None = None
    """the axis; None for sources and quantities"""

    @property
    def named(self) -> bool:
        """True where the values are names, not numbers."""
        return self.axis is None or self.axis.named


@dataclass(frozen=True)
class ChosenLines:
    """The choice of what a figure of lines shows."""

    fields: AllFields
    """the fields of all sources"""
    x: Axis | Quantity | str
    """what lies along x: an axis, a quantity, or step or progress"""
    quantities: tuple[Quantity, ...]
    """what is drawn over it"""
    told: dict[str, Told]
    """what hue, col, row and dashes tell apart, as far as they do"""
    fixed: dict[str, Any]
    """the value of each axis that stands at one"""
    unasked: dict[str, str]
    """of these, the ones that nobody chose, and their values as text"""

    @property
    def along(self) -> bool:
        """True where lines go through the records."""
        return not isinstance(self.x, Axis)

    @property
    def averaged(self) -> list[Axis]:
        """The averaged axes."""
        used = {each.name for each in self.told.values()} | set(self.fixed)
        if isinstance(self.x, Axis):
            used.add(self.x.name)
        return [axis for axis in self.fields.axes if axis.name in SEEDS and axis.name not in used]

    @property
    def predicted(self) -> bool:
        """True where all sources are predictions."""
        return all(source.predicted for source in self.fields.sources)


def choose(
    sources: Sequence[LineSource],
    x: str | None,
    y: Sequence[str],
    hue: str | None,
    col: str | None,
    row: str | None,
    at: list[str],
) -> ChosenLines:
    """Return what is shown. Raises BadInput, saying what is accepted, for names that mean nothing.

    `at` has texts AXIS=VALUE.
    """
    fields = AllFields(sources)
    quantities = tuple(dict.fromkeys(quantity(name) for name in y))
    if not quantities:
        raise BadInput(f"y is empty; a quantity is one of {', '.join(QUANTITIES)}")
    asked = parse_fixed(fields, at)  # type: ignore[arg-type]  # all that is asked of a grid
    fixed = {axis.name: axis.values[asked[axis.name]] for axis in fields.axes if axis.name in asked}
    free = [name for name in _by_fit(fields) if name not in fixed]
    given = {"hue": hue, "col": col, "row": row}
    told = {role: _told(role, name, fields, quantities) for role, name in given.items() if name}
    taken = [each.name for each in told.values()]
    along = _along(x, fields, [name for name in free if name not in taken])
    if isinstance(along, Axis):
        taken.append(along.name)
    for name in taken:
        if taken.count(name) > 1:
            raise BadInput(f"{name} is named twice; x, hue, col and row are different things")
        if name in fixed:
            raise BadInput(f"{name} is shown and also fixed with --at; it can be only one of these")
    left = [name for name in free if name not in taken]
    if not hue:
        least = _hue_of(fields, left, taken)
        if least is not None:
            told["hue"] = _told("hue", least, fields, quantities)
            taken.append(least)
            within = {name for source in sources for name in _varied(source)}
            left = [n for n in left if n != least and (least != SOURCE or n in within)]
    if len(quantities) > 1 and QUANTITY not in taken:
        told["dashes"] = _told("dashes", QUANTITY, fields, quantities)
    if _alike(fields) and SOURCE not in taken:
        if "dashes" in told:
            raise BadInput(
                "several sources hold the same grid points; one of hue, col and row must be source"
            )
        told["dashes"] = _told("dashes", SOURCE, fields, quantities)
    axes = {axis.name: axis for axis in fields.axes}
    first = {name: fields.values[name][0] for name in left}
    unasked = {
        name: axes[name].meanings[axes[name].values.index(value)] for name, value in first.items()
    }
    return ChosenLines(fields, along, quantities, told, {**first, **fixed}, unasked)


def _by_fit(fields: AllFields) -> list[str]:
    """Return the axes but seeds: the best ones, then other numbers, then names."""
    axes = [axis for axis in fields.axes if axis.name not in SEEDS]
    axes.sort(key=lambda axis: (axis.name not in _BEST, axis.named))
    best = [name for name in _BEST if name in {axis.name for axis in axes}]
    return best + [axis.name for axis in axes if axis.name not in best]


def _varied(source: LineSource) -> list[str]:
    return [name for name, values in source.fields().items() if len(values) > 1]


def _hue_of(fields: AllFields, left: list[str], taken: list[str]) -> str | None:
    """Return what has colours where nothing is named: sources that differ, or the best axis."""
    within = {name for source in fields.sources for name in _varied(source)}
    if SOURCE in taken or len(fields.sources) == 1:
        return left[0] if left else None
    alike = _alike(fields)
    if not alike and any(name not in within for name in left):
        return SOURCE
    return left[0] if left else SOURCE if alike else None


def _alike(fields: AllFields) -> bool:
    """Return whether two sources may hold the same grid point, which are not to be averaged."""
    names = [axis.name for axis in fields.axes]
    for one, other in combinations(fields.sources, 2):
        known = [name for name in names if name != "seed" or not (one.predicted or other.predicted)]
        own, theirs = one.fields(), other.fields()
        both = ((own.get(name, ()), theirs.get(name, ())) for name in known)
        if all(not a or not b or not set(a).isdisjoint(b) for a, b in both):
            return True
    return False


def _along(x: str | None, fields: AllFields, free: list[str]) -> Axis | Quantity | str:
    """Return what lies along x."""
    if x is None:
        return find_axis(fields, free[0]) if free else STEP  # type: ignore[arg-type]
    name = plain_name(x)
    if name in {axis.name for axis in fields.axes}:
        return find_axis(fields, name)  # type: ignore[arg-type]
    if name in RECORDS:
        return name
    if is_quantity(name):
        return quantity(name, "x")
    if field_name(name):
        find_axis(fields, name)  # type: ignore[arg-type]  # which says what it is throughout
    axes = ", ".join(axis.name for axis in fields.axes) or "none"
    raise BadInput(
        f"x is {printable(repr(x))}; it is an axis ({axes}), {', '.join(NUMBERS)}, or a quantity"
        f" ({', '.join(QUANTITIES)})"
    )


def _told(role: str, name: str, fields: AllFields, quantities: tuple[Quantity, ...]) -> Told:
    plain = plain_name(name)
    if plain == QUANTITY:
        names = tuple(each.name for each in quantities)
        return Told(QUANTITY, names, tuple(each.label for each in quantities))
    if plain == SOURCE:
        texts = tuple(source.name for source in fields.sources)
        mixed = len({source.predicted for source in fields.sources}) > 1
        labels = tuple(
            f"{figure_text(str(each))}{' (expected)' if mixed and source.predicted else ''}"
            for each, source in zip(short_values(texts), fields.sources, strict=True)
        )
        return Told(SOURCE, tuple(range(len(texts))), labels)
    if not field_name(plain):
        axes = ", ".join(axis.name for axis in fields.axes) or "none"
        raise BadInput(
            f"{role} is {printable(repr(name))}; it is an axis ({axes}), {SOURCE} or {QUANTITY}"
        )
    axis = find_axis(fields, plain)  # type: ignore[arg-type]
    labels = tuple(in_symbols(plain, value) for value in short_values(axis.values))
    return Told(plain, axis.values, labels, axis)
