"""The direction u of a drift: a unit vector in float64.

random      a Gaussian vector (sim.gaussian, from the DIRECTION stream) over its length
diagonal    every coordinate 1/sqrt(D)
axis        the first unit vector
centroid    the mean of the cloud's rows (sim.centroid), over its length
FILE.npy    a real vector of length D, over its length
"""

import math
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np

from drift.sim.documents import opened
from drift.sim.errors import BadInput
from drift.sim.gaussian import draw
from drift.sim.streams import Stream


def direction(
    name: str, dims: int, seed: int = 0, centroid: Callable[[], np.ndarray] | None = None
) -> np.ndarray:
    """The unit vector u, float64 (dims,), that `name` stands for.

    `centroid` gives the mean of the rows, where there are some. Raises BadInput for
    an unknown name, for a mean that is zero, and for a file that is missing, not a
    NumPy array of real numbers, of another length, zero or not finite.
    """
    if name == "random":
        return _random(dims, seed)
    if name == "diagonal":
        return np.full(dims, 1 / math.sqrt(dims))
    if name == "axis":
        return np.eye(1, dims)[0]
    if name == "centroid" and centroid is not None:
        mean = centroid()
        if not np.any(mean):
            raise BadInput("direction is centroid; the mean of the rows is zero and points nowhere")
        return unit(mean)
    if name.endswith(".npy"):
        return unit(_load(name, dims))
    raise BadInput(
        f"direction is {name!r}; it must be random, diagonal, axis, centroid or a .npy file"
    )


@lru_cache(maxsize=16)
def _random(dims: int, seed: int) -> np.ndarray:
    """Kept, since many drifts have the same one."""
    u = unit(draw(seed, Stream.DIRECTION, dims))
    u.setflags(write=False)
    return u


def unit(vector: np.ndarray) -> np.ndarray:
    """`vector`, float64 (dims,), over its Euclidean length, correctly rounded; it is not zero."""
    scaled = vector / np.max(np.abs(vector))
    return scaled / math.sqrt(math.fsum((scaled * scaled).tolist()))


def _load(path: str, dims: int) -> np.ndarray:
    opened(Path(path)).close()
    try:
        # Mapped, since its header may promise more than there is memory for.
        vector = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise BadInput(f"direction {path}: it is not a readable .npy array") from error
    if not isinstance(vector, np.ndarray) or vector.dtype.kind not in "fiu":
        raise BadInput(f"direction {path}: it must hold real numbers")
    if vector.shape != (dims,):
        raise BadInput(f"direction {path}: its shape is {vector.shape}; it must be ({dims},)")
    with np.errstate(over="ignore"):
        vector = np.array(vector, np.float64)
    if not np.all(np.isfinite(vector)):
        raise BadInput(f"direction {path}: it holds values that are not finite")
    if not np.any(vector):
        raise BadInput(f"direction {path}: it is zero; it must have a length")
    return vector
