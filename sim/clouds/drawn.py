"""A drawn cloud: codes of Q(centre + sigma * Z), rounded once to nearest, Z of a shape.

Most clouds have no centre, and Z is standard normal.

Element (token, dim) of a cloud of D dimensions is a function of seed, sigma,
format and its number token * D + dim alone. In formats of 16 bits or fewer that
word of the CLOUD stream (sim.sampling.philox) goes through the integer table of
sim.sampling.thresholds; float32 is sigma times a normal number of sim.sampling.normal,
rounded once. No arithmetic of any device or library takes part that IEEE 754 does not
fix to the bit, so the cloud does not depend on backend, chunks, threads, device count
or version, and rows can be drawn in any order. Magnitudes below `smallest` become +0;
-0 is not drawn.

Beside its coordinates a token has a strength, and a survivor rank that says when it leaves.
Both are fixed through the run and drawn from streams of their own.
"""

import numpy as np

from drift.kernels.formats import Format
from drift.sim.clouds.centred import CentredThresholds
from drift.sim.errors import BadInput
from drift.sim.sampling.normal import draw_normal
from drift.sim.sampling.philox import Stream, words32, words64
from drift.sim.sampling.shapes import SHAPES
from drift.sim.sampling.thresholds import SIGN, thresholds
from drift.sim.spec.drift import Drift

_HALF = np.uint64(32)
_ELEMENTS = 1 << 17
"""Elements drawn at a time: their words and codes stay in cache."""


def draw_cloud(drift: Drift, start: int, stop: int, centre: np.ndarray | None = None) -> np.ndarray:
    """Return codes of tokens start ... stop - 1, (stop - start, dims), of the drift's format.

    `centre`, float64 (dims,), is that of the drift (sim.clouds.centre). Raises BadInput where a
    draw rounds beyond the largest finite value.
    """
    target, smallest, sigma = drift.target, drift.smallest_drawn, drift.sigma
    assert sigma is not None, "the cloud is a checkpoint's"
    if centre is not None:
        return _around(drift, centre, sigma, start, stop)
    draw_part = _from_quantile if target.width > 16 else _from_table
    flat = np.empty((stop - start) * drift.dims, target.storage)
    for begin in range(0, len(flat), _ELEMENTS):
        part = flat[begin : begin + _ELEMENTS]
        element = start * drift.dims + begin
        part[...] = draw_part(drift, sigma, target, smallest, element, len(part))
    return flat.reshape(stop - start, drift.dims)


def _around(drift: Drift, centre: np.ndarray, sigma: float, start: int, stop: int) -> np.ndarray:
    """Return codes of tokens around a centre: sim.clouds.centred."""
    target, shape = drift.target, SHAPES[drift.shape]
    table = CentredThresholds(centre, sigma, target, drift.smallest_drawn, shape)
    found = np.empty((stop - start, drift.dims), target.storage)
    rows = max(1, _ELEMENTS // drift.dims)
    for begin in range(start, stop, rows):
        part = found[begin - start : begin - start + rows]
        element, count = begin * drift.dims, part.size
        if target.width > 16:
            words = words64(drift.seed, Stream.CLOUD, element, count)
        else:
            words = words32(drift.seed, Stream.CLOUD, element, count).astype(np.uint64) << _HALF
            words |= words32(drift.seed, Stream.CLOUD_LOW, element, count)
        coordinates = table.coordinates(words.reshape(part.shape))
        outside = int(np.abs(coordinates).max()) > target.largest_magnitude
        refuse_beyond(sigma, target, outside, " around its centre")
        part[...] = target.code_at(coordinates)
    return found


def _from_table(
    drift: Drift, sigma: float, target: Format, smallest: float, element: int, count: int
) -> np.ndarray:
    high = words32(drift.seed, Stream.CLOUD, element, count)
    table = sigma, target, smallest, element, drift.shape
    return codes_of_words(high, drift.seed, *table)


def codes_of_words(
    high: np.ndarray,
    seed: int,
    sigma: float,
    target: Format,
    smallest: float,
    element: int,
    shape: str = "normal",
) -> np.ndarray:
    """Return codes of `target`, of 16 bits or fewer, from the upper halves of a seed's words.

    `high` are uint32 (n,), those of elements from `element` on. Raises BadInput as `draw_cloud`.
    """

    # Lower halves have a stream of their own: they are seldom needed, and then few.
    def low(positions: np.ndarray) -> np.ndarray:
        elements = (element + positions).tolist()
        return np.array([words32(seed, Stream.CLOUD_LOW, i, 1)[0] for i in elements], "u4")

    drawn = thresholds(sigma, target, smallest, shape).codes_lazily(high, low)
    magnitudes = drawn & (SIGN - 1)
    refuse_beyond(sigma, target, int(magnitudes.max()) > target.largest_magnitude)
    if target.sign == SIGN:
        return drawn
    codes = np.where(drawn & SIGN, magnitudes | target.sign, magnitudes)
    return codes.astype(target.storage)


def _from_quantile(
    drift: Drift, sigma: float, target: Format, smallest: float, element: int, count: int
) -> np.ndarray:
    with np.errstate(over="ignore", under="ignore"):
        words = words64(drift.seed, Stream.CLOUD, element, count)
        exact = sigma * SHAPES[drift.shape].numbers(words)
        values = exact.astype(np.float32)
    refuse_beyond(sigma, target, not np.all(np.isfinite(values)))
    return target.code(np.where(np.abs(values) < smallest, 0, values))


def refuse_beyond(sigma: float, target: Format, outside: bool, where: str = "") -> None:
    """Raise BadInput where `outside`: a draw rounds beyond the largest finite value."""
    if outside:
        raise BadInput(
            f"sigma is {sigma:g}{where}; a drawn value exceeds"
            f" {target.name}'s largest, {target.largest:.5g}"
        )


def strengths(drift: Drift) -> np.ndarray:
    """Return g = float32(1 + jitter * xi), xi standard normal; float32 (tokens,)."""
    if drift.jitter == 0:
        return np.ones(drift.tokens, np.float32)
    xi = draw_normal(drift.seed, Stream.JITTER, drift.tokens)
    return (1 + drift.jitter * xi).astype(np.float32)


def survivor_ranks(drift: Drift) -> np.ndarray:
    """Return the rank of each token in a seeded permutation, int64 (tokens,).

    After step t the tokens of rank below drift.alive(t) are present.
    """
    if drift.survivors is None:
        return np.arange(drift.tokens)
    order = np.argsort(words64(drift.seed, Stream.SURVIVORS, 0, drift.tokens), kind="stable")
    ranks = np.empty(drift.tokens, np.int64)
    ranks[order] = np.arange(drift.tokens)
    return ranks
