"""A direction that was given as an array: its digest stands in the spec, its vector in the store.

The digest is the SHA-256 of the unit vector u, as little-endian float64. So a store, which holds
u, can be run again, and says itself whether its vector is the one that its spec names.
"""

import hashlib
import math
from typing import Any

import numpy as np

from drift.sim.array_text import DIGEST
from drift.sim.errors import BadInput


class DirectionVector(str):
    """The text sha256:… of a unit vector, which it carries along: a direction like any other."""

    __slots__ = ("u",)
    u: np.ndarray
    """float64 (dims,), of length 1; read-only"""

    @classmethod
    def of(cls, given: Any) -> "DirectionVector":
        """Return the direction of an array of real numbers, (dims,), of any length but zero.

        Raises BadInput for arrays of another kind or shape, for zero, and for what is not finite.
        """
        vector = real_numbers(given, "direction")
        check_vector(vector, "direction")
        return cls.of_unit(unit(vector))

    @classmethod
    def of_unit(cls, u: np.ndarray) -> "DirectionVector":
        """Return the direction of a unit vector, float64 (dims,), as it stands in a store."""
        u = np.array(u, np.float64)
        u.setflags(write=False)
        digest = hashlib.sha256(u.astype("<f8", copy=False).tobytes()).hexdigest()
        made = cls(DIGEST + digest)
        made.u = u
        return made

    def __reduce__(self) -> Any:
        return DirectionVector.of_unit, (self.u,)


def unit(vector: np.ndarray) -> np.ndarray:
    """Return `vector`, float64 (dims,), over its Euclidean length, correctly rounded.

    It is not zero.
    """
    scaled = vector / np.max(np.abs(vector))
    return scaled / math.sqrt(math.fsum((scaled * scaled).tolist()))


def check_vector(vector: np.ndarray, name: str) -> None:
    """Raise BadInput for a vector, float64 (dims,), that points nowhere; `name` is said."""
    check_finite(vector, name)
    if not np.any(vector):
        raise BadInput(f"{name} is zero; its length must be positive")


def check_finite(vector: np.ndarray, name: str) -> None:
    """Raise BadInput for a vector with values that are not finite; `name` is said."""
    if not np.all(np.isfinite(vector)):
        raise BadInput(f"{name} holds values that are not finite")


def real_numbers(given: Any, name: str) -> np.ndarray:
    """Return an array of real numbers, (dims,), of any library, as float64.

    Raises BadInput, which begins with `name`, for arrays of another kind or shape.
    """
    if hasattr(given, "detach"):  # a tensor of PyTorch: of any format, on any device
        given = given.detach().cpu().double().numpy()
    try:
        array = np.asarray(given)
    except ValueError:
        array = np.empty(0, object)
    # Types of ml_dtypes are of NumPy's kind V, and are numbers nevertheless.
    if array.dtype.kind not in "fiu" and not array.dtype.name.startswith(("bfloat", "float")):
        raise BadInput(f"{name} is not an array of real numbers; it must hold dims of them")
    if array.ndim != 1 or not array.size:
        raise BadInput(f"{name} is an array of shape {array.shape}; it must be (dims,)")
    with np.errstate(over="ignore"):
        return array.astype(np.float64)
