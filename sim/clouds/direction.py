"""The direction u of a drift: a unit vector in float64.

random      a normal vector (sim.sampling.normal, from the DIRECTION stream) over its length
diagonal    every coordinate 1/sqrt(D)
axis        the first unit vector
centroid    the mean of the cloud's rows over its length
FILE.npy    a real vector of length D, over its length
sha256:…    a vector that was given as an array (sim.spec.vector)

Each coordinate of the mean is the float64 nearest to the exact one. Values whose exponents
are near one another are whole multiples of one power of two, few enough for float64 to hold
their sums exactly. So they are summed apart from the others: no addition rounds, and no order
of additions, by threads or by blocks, can change a bit. The groups' sums are added as integers.
"""

import math
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import numpy as np

from drift.kernels.formats import Format
from drift.sim.array_text import DIGEST, unavailable
from drift.sim.errors import BadInput
from drift.sim.mapped_array import mapped_array
from drift.sim.sampling.normal import draw_normal
from drift.sim.sampling.philox import Stream
from drift.sim.spec.vector import DirectionVector, check_finite, check_vector, unit

_BLOCK_ELEMENTS = 1 << 17
"""Elements worked on at once: they stay in cache."""
Codes = Callable[[int, int], np.ndarray]
"""Gives the codes of the tokens from a first one to before a second."""


def exact_mean(codes: Codes, tokens: int, dims: int, target: Format) -> np.ndarray:
    """Return the mean, float64 (dims,), of `tokens` tokens, all finite."""
    # A sum of values of n exponents needs precision + n - 1 bits, and those of the count.
    most = 54 - target.precision - tokens.bit_length()
    shift = target.precision - 1 + most.bit_length() - 1
    workers = os.cpu_count() or 1
    bounds = [tokens * k // workers for k in range(workers + 1)]

    def one(first: int, stop: int) -> np.ndarray:
        return _sums(codes, first, stop, dims, target, shift)

    with ThreadPoolExecutor(workers) as pool:
        sums = np.sum(list(pool.map(one, bounds[:-1], bounds[1:])), axis=0)
    unit = target.smallest_exponent - target.precision + 1
    units = np.ldexp(sums, -unit).T.tolist()
    return np.array([math.ldexp(sum(map(int, each)) / tokens, unit) for each in units])


def _sums(codes: Codes, first: int, stop: int, dims: int, target: Format, shift: int) -> np.ndarray:
    """Sum over tokens, (groups, dims), the values whose magnitude >> `shift` is the group."""
    rows = max(1, _BLOCK_ELEMENTS // dims)
    sums = np.zeros(((target.largest_magnitude >> shift) + 1, dims))
    values, groups = np.empty((rows, dims)), np.empty((rows, dims), target.storage)
    for start in range(first, stop, rows):
        block = codes(start, min(start + rows, stop))
        value, group = values[: len(block)], groups[: len(block)]
        value[...] = block.view(target.dtype)
        np.bitwise_and(block, target.sign - 1, out=group)
        np.right_shift(group, shift, out=group)
        for k in range(int(group.min()), int(group.max()) + 1):
            sums[k] += np.einsum("ij,ij->j", value, group == k)
    return sums


def direction(
    name: str, dims: int, seed: int = 0, centroid: Callable[[], np.ndarray] | None = None
) -> np.ndarray:
    """Return the unit vector u, float64 (dims,), that `name` stands for.

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
    if isinstance(name, DirectionVector):
        return name.u
    if name.startswith(DIGEST):
        raise BadInput(f"{unavailable('direction', name)}; the run's store has it: --spec STORE")
    if name.endswith(".npy"):
        vector = load_vector(name, dims, "direction")
        check_vector(vector, f"direction {name}: it")
        return unit(vector)
    raise BadInput(
        f"direction is {name!r}; it must be random, diagonal, axis, centroid or a .npy file"
    )


@lru_cache(maxsize=16)
def _random(dims: int, seed: int) -> np.ndarray:
    """Return a random direction, kept, since many drifts have the same one."""
    u = unit(draw_normal(seed, Stream.DIRECTION, dims))
    u.setflags(write=False)
    return u


def load_vector(path: str, dims: int, name: str) -> np.ndarray:
    """Return the vector of a .npy file, float64 (dims,); `name` is what errors call it.

    Raises BadInput for a file that is missing, not a NumPy array of real numbers, of another
    length or not finite.
    """
    vector = mapped_array(path, f"{name} {path}: it")
    if not isinstance(vector, np.ndarray) or vector.dtype.kind not in "fiu":
        raise BadInput(f"{name} {path}: it must hold real numbers")
    if vector.shape != (dims,):
        raise BadInput(f"{name} {path}: its shape is {vector.shape}; it must be ({dims},)")
    with np.errstate(over="ignore"):
        vector = np.array(vector, np.float64)
    check_finite(vector, f"{name} {path}: it")
    return vector
