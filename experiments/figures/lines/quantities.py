"""Quantities that lines can show: what is counted of a cloud, what is made of it, what is expected.

quantity  a number of every record: a count of the store, or one that is made of several
along     of a quantity: it can stand along x, where a line then goes through the records
expected  a quantity that only predicted grids hold

`radius` along x is the axis of a sweep over target radii, if it is one; the radius reached is
`reached`, as it is in the stores of sweeps.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from drift.sim.errors import BadInput, printable
from drift.sim.spec.axis import AXES
from drift.sim.sweeps.store import EXPECTED

Read = Callable[[str], np.ndarray]
"""A function that returns a count by its name, float64 (points, records)."""


@dataclass(frozen=True)
class Quantity:
    """A quantity."""

    name: str
    """name on the command line"""
    label: str
    """label of its axis"""
    needs: tuple[str, ...]
    """counts of the stores that it is made of"""
    made: Callable[..., np.ndarray] | None = None
    """how it is made of them; None where it is the one count itself"""
    whole: bool = True
    """True for numbers of tokens or cells"""
    expected: bool = False
    """True where only predicted grids have it"""

    def of(self, read: Read) -> np.ndarray:
        """Return its values, float64 (points, records)."""
        found = [read(name) for name in self.needs]
        return found[0] if self.made is None else self.made(*found)


def _summed(values: np.ndarray) -> np.ndarray:
    """Return the sum up to each record, of norms since the record before."""
    return np.cumsum(values, axis=-1)


def _count(name: str, label: str) -> Quantity:
    return Quantity(name, label, (name,))


def _share(name: str, label: str, *needs: str) -> Quantity:
    return Quantity(name, label, needs, np.divide, whole=False)


def _real(name: str, label: str, of: str = "") -> Quantity:
    return Quantity(name, label, (of or name,), whole=False)


_ALL = (
    _count("distinct", "distinct cells"),
    _share("fraction", "distinct fraction (cells / tokens)", "distinct", "alive"),
    _count("black_holes", "black holes"),
    _count("black_hole_tokens", "tokens in black holes"),
    _share("held", "share of tokens in black holes", "black_hole_tokens", "alive"),
    _count("singletons", "cells of one token"),
    _count("largest", "tokens in the largest black hole"),
    _count("pairs", "coalesced pairs"),
    _count("alive", "tokens present"),
    _real("reached", "radius reached, $r$", "radius"),
    _real("stalled", "share of coordinates that stalled"),
    _real("moved", "share of coordinates that moved"),
    Quantity("asked", "distance asked for", ("asked",), _summed, whole=False),
    Quantity("done", "distance done", ("done",), _summed, whole=False),
    *(
        Quantity(name, label, (name,), whole=name.startswith("largest"), expected=True)
        for name, label in {
            "distinct_error": "standard deviation of distinct cells",
            "pairs_error": "standard deviation of coalesced pairs",
            "largest_5": "tokens in the largest black hole, quantile of 5 %",
            "largest_95": "tokens in the largest black hole, quantile of 95 %",
        }.items()
        if name in EXPECTED
    ),
)
QUANTITIES = {each.name: each for each in _ALL}
"""Every quantity by its name."""
_ALSO = {"radius": "reached", "travelled": "done", "radius_reached": "reached"}
"""Other names of them, which JSON and stores have."""
STEP, PROGRESS, SOURCE, QUANTITY = "step", "progress", "source", "quantity"
RECORDS = (STEP, PROGRESS)
"""Names that number records along x."""
NUMBERS = {STEP: "step, $t$", PROGRESS: "share of the steps done"}
"""Labels of what numbers records."""
PREDICTED = (
    "distinct",
    "black_holes",
    "black_hole_tokens",
    "singletons",
    "largest",
    "pairs",
    "alive",
    "stalled",
    "radius",
)
"""The counts of which there are exact expectations."""


def quantity(name: str, option: str = "y") -> Quantity:
    """Return a quantity by its name. Raises BadInput, naming all, for what is none."""
    known = QUANTITIES.get(_ALSO.get(plain_name(name), plain_name(name)))
    if known is None:
        raise BadInput(
            f"{option} is {printable(repr(name))}; a quantity is one of {', '.join(QUANTITIES)}"
        )
    return known


def is_quantity(name: str) -> bool:
    """Return whether a name is that of a quantity."""
    return _ALSO.get(plain_name(name), plain_name(name)) in QUANTITIES


def field_name(name: str) -> str | None:
    """Return the field of a drift that a name means; None where it means none."""
    plain = plain_name(name)
    return plain if plain in AXES else None


def plain_name(name: str) -> str:
    """Return a name as fields and counts have it, of one that is written as an option is."""
    return name.strip().removeprefix("--").replace("-", "_")
