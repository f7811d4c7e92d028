"""The centre of a drawn cloud, as a spec names it: four kinds of text.

random:NORM    a random vector of that length (sim.clouds.centre)
FILE.npy       a vector (dims,)
CHECKPOINT:ID  the row of a token in the unembedding of a checkpoint
sha256:…       a vector that was given as an array: the SHA-256 of its values as little-endian
               float64. The vector is carried along, and stands in the run's store
"""

import hashlib
import math
from typing import Any

import numpy as np

from drift.sim.array_text import DIGEST
from drift.sim.errors import BadInput, printable
from drift.sim.spec.vector import check_finite, real_numbers

_RANDOM, _SHOWN = "random:", 100


class CentreVector(str):
    """The text sha256:… of a vector, which it carries along."""

    __slots__ = ("values",)
    values: np.ndarray
    """float64 (dims,); read-only"""

    @classmethod
    def of(cls, given: Any) -> "CentreVector":
        """Return the centre of an array of real numbers, (dims,).

        Raises BadInput for arrays of another kind or shape, and for what is not finite.
        """
        values = np.array(real_numbers(given, "centre"), np.float64)
        check_finite(values, "centre")
        values.setflags(write=False)
        digest = hashlib.sha256(values.astype("<f8", copy=False).tobytes()).hexdigest()
        made = cls(DIGEST + digest)
        made.values = values
        return made

    def __reduce__(self) -> Any:
        return CentreVector.of, (self.values,)


def centre_text(given: Any, plain: Any) -> str:
    """Return the text of a centre that was `given`: `plain` is it as Python's own, where it can be.

    Raises BadInput for anything else.
    """
    if isinstance(plain, str):
        # A vector's text is a str too, and stays what it is.
        known = plain.startswith(DIGEST) or plain.endswith(".npy") or random_norm(plain) is not None
        if known or row_of(plain):
            return plain
    elif hasattr(given, "shape") or isinstance(given, list | tuple):
        return CentreVector.of(given)
    raise BadInput(
        f"centre is {printable(repr(plain), _SHOWN)}; it must be random:NORM, a .npy file,"
        " CHECKPOINT:ID or an array"
    )


def random_norm(centre: str) -> float | None:
    """Return the NORM of random:NORM, None for a centre of another kind.

    Raises BadInput where it is no length.
    """
    if not centre.startswith(_RANDOM):
        return None
    try:
        norm = float(centre.removeprefix(_RANDOM))
    except ValueError:
        norm = math.nan
    if not 0 <= norm < math.inf:
        raise BadInput(f"centre is {centre}; random:NORM needs a length, 0 or more, and finite")
    return norm


def row_of(centre: str) -> tuple[str, int] | None:
    """Return the checkpoint and the token of CHECKPOINT:ID; None for a centre of another kind."""
    path, colon, token = centre.rpartition(":")
    return (path, int(token)) if colon and path and token.isdecimal() else None
