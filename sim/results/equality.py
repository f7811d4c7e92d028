"""Equality of records that hold arrays.

Two records are equal where they are of one type and all their fields are; NaN equals NaN there,
since it says the same in both: no number.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np


class ComparedByFields:
    """A dataclass, made with eq=False, whose == compares its fields, arrays among them."""

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return self is other or all(
            same(getattr(self, each.name), getattr(other, each.name))
            for each in dataclasses.fields(self)  # type: ignore[arg-type]
            if each.compare
        )

    def __hash__(self) -> int:
        named = [each.name for each in dataclasses.fields(self)]  # type: ignore[arg-type]
        plain = [each for name in named if isinstance(each := getattr(self, name), int | str)]
        return hash((type(self), *plain))


def same(a: Any, b: Any) -> bool:
    """Return whether two values are equal, element by element where they are arrays."""
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        a, b = np.asarray(a), np.asarray(b)
        if a.shape != b.shape or a.dtype != b.dtype:
            return False
        return np.array_equal(a, b, equal_nan=a.dtype.kind in "fc")
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple) and type(a) is type(b):
        return len(a) == len(b) and all(map(same, a, b))
    if dataclasses.is_dataclass(a) and type(a) is type(b) and not isinstance(a, ComparedByFields):
        names = [each.name for each in dataclasses.fields(a) if each.compare]
        return all(same(getattr(a, name), getattr(b, name)) for name in names)
    if isinstance(a, float) and isinstance(b, float) and a != a:
        return b != b
    return bool(a == b)
