"""An axis of a grid: a field of a drift that is given several values.

named   an axis whose values are names (or none, or all)
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from drift.sim.errors import BadInput
from drift.sim.spec.drift import FIELDS

AXES = {
    name: row
    for name, row in sorted(FIELDS.items(), key=lambda item: item[1].axis or 0)
    if row.axis
}
"""The fields that may be an axis, in the order of a grid's axes."""


@dataclass(frozen=True)
class Axis:
    """A field of the spec, its JSON `name`, and its `values`, two or more."""

    name: str
    values: tuple[Any, ...]

    def __post_init__(self) -> None:
        if self.name not in AXES:
            raise BadInput(f"{self.name} has several values; it takes one")
        seen = set()
        for value in self.values:
            if value in seen:
                raise BadInput(f"{self.name} names {value} twice; each value is taken once")
            seen.add(value)
        if len(seen) < 2:
            raise BadInput(f"{self.name} is an axis of {len(seen)} values; it needs 2 or more")
        if (
            AXES[self.name].kind == "whole"
            and not self.named
            and max(map(abs, self.values)) >= 2**63
        ):
            raise BadInput(f"{self.name} names {max(self.values)}; an axis ends at 2**63 - 1")

    @property
    def named(self) -> bool:
        """True where the values are names, and the coordinates only number them."""
        return not all(isinstance(value, int | float) for value in self.values)

    @property
    def meanings(self) -> list[str]:
        """The values of a named axis, as text."""
        none = AXES[self.name].none
        return [none if value is None else str(value) for value in self.values]

    @property
    def coordinates(self) -> np.ndarray:
        """float64 or int64 (values,)."""
        if self.named:
            return np.arange(len(self.values))
        return np.array(self.values, np.float64 if AXES[self.name].kind == "real" else np.int64)
