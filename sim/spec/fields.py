"""Rows: whatever is known of a field of a drift beside its value.

A field is declared by `field`, in the class that has it (sim.spec.drift). From that one row
come its option and help, its place among the axes of a grid, its caption in figures, the
attributes of its array in a store, and the rule that every value obeys, whether it comes from
Python, from JSON or from a shell.

kind       what a value is: real (float), whole (int), text or path (str), steps (tuple of int),
           direction (a name, a .npy file or an array), flag (bool), motion (a name, a file of
           displacements or an array of them), size (float, or the path of a .csv), or centre (a
           text or an array: sim.spec.centre)
panel      the part of a help page that its option stands in

Nothing here loads NumPy: `drift --help` answers at once.
"""

import dataclasses
import math
import operator
import os
from collections.abc import Iterable
from typing import Any, Literal

from drift.sim.array_text import DIGEST
from drift.sim.displacements.paths import SUFFIXES, is_table
from drift.sim.errors import BadInput, printable

Text = Literal["text", "path", "direction", "motion", "centre"]
Kind = Literal["real", "whole", "steps", "flag", "size"] | Text
Panel = Literal["Cloud", "Motion", "Optimizer", "Arithmetic", "Records"]

MOST_WHOLE = 2**63 - 1
"""The largest integer that a store holds."""

_TYPES = {
    "real": "a number",
    "whole": "a whole number",
    "text": "a text",
    "path": "a path",
    "size": "a number or a .csv file",
}
_SHOWN = 100


@dataclasses.dataclass(frozen=True, kw_only=True)
class Field:
    """One field of a drift: its `kind`, the `panel` of its option, and its `default`.

    A value is one of `choices`, where there are any, or a number from `least` to `most`. `units`
    are those of the attributes of a store.
    """

    kind: Kind
    meaning: str
    """a noun phrase: the long name in stores, the label of an axis, the start of the help"""
    panel: Panel
    name: str = ""
    """in JSON; the option is --name, with hyphens"""
    default: Any = None
    hint: str = ""
    """the rest of the help, after the meaning and the choices"""
    choices: tuple[str, ...] = ()
    least: float = -math.inf
    most: float = math.inf
    bounds: str = ""
    """`least` and `most` in words, after "it must be" """
    open: bool | Literal["least", "most"] = False
    """True where the bounds themselves are excluded, or the name of the one that is"""
    optional: bool = False
    """True where None is a value"""
    none: str = "none"
    """how None is spelled"""
    shown_default: str = ""
    """the default in a help page, where it is no value"""
    goes_with: Literal["any", "drawn", "rows"] = "any"
    """clouds that have it: any, those that are drawn, those of a checkpoint's rows"""
    axis: int | None = None
    """its rank among the axes of a grid, the outermost first; None where it can be no axis"""
    symbol: str = ""
    """in mathtext"""
    caption: str = ""
    """how a caption says it, {} for the value; by default symbol = {}, or name = {}"""
    unusual: bool = False
    """True where captions leave out the default"""
    same_program: bool = False
    """True where drifts that differ in it alone share a compiled program, and cost as much"""
    units: str = "1"

    @property
    def option(self) -> str:
        """The option of the command line, such as --direction-seed."""
        return "--" + self.name.replace("_", "-")

    @property
    def help(self) -> str:
        """The sentence of a help page."""
        listed = f": {alternatives(self.choices)}" if self.choices else ""
        return f"{self.meaning[0].upper()}{self.meaning[1:]}{listed}{self.hint}."

    @property
    def in_caption(self) -> str:
        """The field in a caption, {} for its value."""
        return self.caption or f"{self.symbol or self.name.replace('_', ' ')} = {{}}"

    def value(self, given: Any) -> Any:
        """Return `given` as a plain float, int, str or tuple of int, checked against this row.

        Scalars of NumPy, PyTorch and JAX, paths, and arrays of steps are converted. Raises
        BadInput that names the field, what was found and what is accepted.
        """
        if given is None and self.optional:
            return None
        if self.kind == "steps":
            return self._steps(given)
        if self.kind == "direction":
            return self._direction(given)
        if self.kind == "motion":
            return self._motion(given)
        if self.kind == "centre":
            from drift.sim.spec.centre import centre_text

            return centre_text(given, _plain(given))
        plain = given if type(given) in (int, float, str) else _plain(given)
        if self.kind in ("text", "path"):
            return self._text(plain)
        if self.kind == "flag":
            return self._flag(plain)
        if self.kind == "size" and isinstance(plain, str):
            return self._size(plain)
        number = _whole(plain) if self.kind == "whole" else _real(plain)
        if number is None:
            accepted = ", ".join(filter(None, (_TYPES[self.kind], self.bounds)))
            raise BadInput(f"{self.name} is {shown(given)}; it must be {accepted}")
        inside = self.least <= number <= self.most
        excluded = [end for end in ("least", "most") if self.open in (True, end)]
        if not inside or any(number == getattr(self, end) for end in excluded):
            raise BadInput(f"{self.name} is {shown(number)}; it must be {self.bounds}")
        return number

    def values(self, given: Iterable[Any]) -> tuple[Any, ...]:
        """Return several values, each as `value` does."""
        found = tuple(given)
        # A range of seeds may have millions, and the outermost stand for all.
        if self.kind == "whole" and set(map(type, found)) == {int}:
            self.value(min(found))
            self.value(max(found))
            return found
        return tuple(map(self.value, found))

    def _text(self, plain: Any) -> str:
        if type(plain) is int and self.kind == "text" and not self.choices:  # the id of a token
            plain = str(plain)
        if isinstance(plain, str) and (not self.choices or plain in self.choices):
            # The text of an array (sim.arrays.rows) is a str too, and stays what it is.
            return plain if self.kind == "path" else str(plain)
        accepted = f"one of {', '.join(self.choices)}" if self.choices else _TYPES[self.kind]
        raise BadInput(f"{self.name} is {shown(plain)}; it must be {accepted}")

    def _steps(self, given: Any) -> tuple[int, ...]:
        listed = given.tolist() if hasattr(given, "tolist") else given
        if not isinstance(listed, Iterable) or isinstance(listed, str | bytes):
            raise BadInput(f"{self.name} is {shown(given)}; it must be a list of steps")
        steps = [_whole(_plain(each)) for each in listed]
        if None in steps:
            wrong = list(listed)[steps.index(None)]
            raise BadInput(f"{self.name} has {shown(wrong)}; it must be a list of whole numbers")
        return tuple(sorted(step for step in steps if step is not None))

    def _flag(self, plain: Any) -> bool:
        if isinstance(plain, bool):
            return plain
        raise BadInput(f"{self.name} is {shown(plain)}; it must be True or False")

    def _size(self, plain: str) -> str:
        from drift.sim.displacements.sizes import SizeTable

        if plain.endswith(".csv"):
            return plain if isinstance(plain, SizeTable) else SizeTable(plain)
        raise BadInput(f"{self.name} is {shown(plain)}; it must be a number, or a .csv file")

    def _motion(self, given: Any) -> str:
        plain = _plain(given)
        if isinstance(plain, str):
            # A table's text (sim.displacements) is a str too, and stays what it is.
            if plain in self.choices or type(plain) is not str:
                return plain
            if is_table(plain):
                from drift.sim.displacements.table import DisplacementTable

                return DisplacementTable(plain)
            raise BadInput(
                f"{self.name} is {shown(plain)}; it must be {', '.join(self.choices)}, a file of"
                f" displacements ({', '.join(SUFFIXES)}) or an array"
            )
        if hasattr(given, "shape") or isinstance(given, list | tuple):
            from drift.sim.displacements.table import DisplacementTable

            return DisplacementTable.of(given)
        raise BadInput(
            f"{self.name} is {shown(plain)}; it must be {', '.join(self.choices)}, a file of"
            " displacements or an array"
        )

    def _direction(self, given: Any) -> str:
        plain = _plain(given)
        if isinstance(plain, str):
            # A vector's text (sim.spec.vector) is a str too, and stays what it is.
            if plain in self.choices or plain.startswith(DIGEST) or plain.endswith(".npy"):
                return plain
        elif hasattr(given, "shape") or isinstance(given, list | tuple):
            from drift.sim.spec.vector import DirectionVector

            return DirectionVector.of(given)
        raise BadInput(
            f"{self.name} is {shown(plain)}; it must be {', '.join(self.choices)}, a .npy file or"
            " an array"
        )


def field(
    kind: Kind, meaning: str, panel: Panel, *, default: Any = dataclasses.MISSING, **more: Any
) -> Any:
    """Return the dataclass field of one row. Without a `default` a value must be given."""
    known = None if default is dataclasses.MISSING else default
    row = Field(kind=kind, meaning=meaning, panel=panel, default=known, **more)
    return dataclasses.field(default=default, metadata={"row": row})


def rows(owner: Any) -> dict[str, Field]:
    """Return the rows of the fields of a dataclass, by the names of its attributes."""
    return {
        each.name: dataclasses.replace(row, name=row.name or each.name)
        for each in dataclasses.fields(owner)
        if (row := each.metadata.get("row")) is not None
    }


def convert(made: Any, known: dict[str, Field]) -> None:
    """Put plain values in the place of those that `made` was given, a frozen dataclass.

    `known` are its rows. Raises BadInput for what one of them refuses.
    """
    for name, row in known.items():
        given = getattr(made, name)
        # A plain default, as most fields of most drifts are, is as its row wants it.
        if given is not row.default or type(given) not in (int, float, str, bool, type(None)):
            object.__setattr__(made, name, row.value(given))


def shown(value: Any) -> str:
    """Return a value fit for the line of an error."""
    if isinstance(value, float):
        return f"{value:g}"
    if getattr(value, "shape", ()):
        return f"an array of shape {tuple(value.shape)}"
    return printable(repr(value), _SHOWN)


def plain_text(value: Any) -> Any:
    """Return a text that carries something along as the text alone, and anything else as it is."""
    return str(value) if isinstance(value, str) else value


def alternatives(names: Iterable[str]) -> str:
    """Return names as a sentence lists them: a, b or c."""
    *most, last = names
    return f"{', '.join(most)} or {last}" if most else last


def _plain(given: Any) -> Any:
    """Return a path as text and a scalar of NumPy, PyTorch or JAX as Python's own."""
    if isinstance(given, os.PathLike):
        return os.fspath(given)
    # An array of one element is no scalar: whoever gives one meant several values.
    if hasattr(given, "item") and getattr(given, "shape", None) == ():
        return given.item()
    return given


def _real(plain: Any) -> float | None:
    """Return a finite float; None for what is none."""
    if isinstance(plain, bool | str | bytes) or hasattr(plain, "__len__"):
        return None
    try:
        return float(plain)
    except (TypeError, ValueError, OverflowError):
        return None


def _whole(plain: Any) -> int | None:
    """Return an int, of a float too that is whole; None for what is none."""
    if isinstance(plain, bool):
        return None
    if isinstance(plain, float):
        return int(plain) if plain.is_integer() else None
    try:
        return operator.index(plain)
    except TypeError:
        return None
