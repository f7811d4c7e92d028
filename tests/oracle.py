"""An independent simulation: NumPy and ml_dtypes, slow and readable.

It shares no code with the packages it judges: words come from one sequential
Philox stream, values from the inverse of the normal distribution of Python's
statistics module, cells from sets of byte strings.
"""

import math
from collections import Counter
from statistics import NormalDist

import ml_dtypes
import numpy as np

BF16 = ml_dtypes.bfloat16
CLOUD, CLOUD_LOW, DIRECTION = 1, 2, 3


def words(seed, stream, count):
    """The first `count` 64-bit words of a stream."""
    key = np.array([seed, stream], np.uint64)
    return [int(w) for w in np.random.Philox(key=key).random_raw(count)]


def halves(seed, stream, count):
    """The same as 32-bit words, low half first."""
    both = words(seed, stream, (count + 1) // 2)
    return [half for w in both for half in (w & 0xFFFFFFFF, w >> 32)][:count]


def to_bf16(value):
    """A Python float rounded once to bfloat16, ties to even; normal range only."""
    if value == 0:
        return 0.0
    mantissa, exponent = math.frexp(value)
    return math.ldexp(round(mantissa * 256), exponent - 8)


def cloud(sigma, seed, tokens, dims):
    """Q(sigma * Z) as bfloat16 (tokens, dims)."""
    count = tokens * dims
    values = []
    pairs = zip(halves(seed, CLOUD, count), halves(seed, CLOUD_LOW, count), strict=True)
    for high, low in pairs:
        word = high << 32 | low
        tail = ((word & (2**63 - 1)) + 0.5) / 2**64
        magnitude = to_bf16(-NormalDist().inv_cdf(tail) * sigma)
        if magnitude < 2.0**-119:
            values.append(0.0)
        else:
            values.append(-magnitude if word >> 63 else magnitude)
    return np.array(values, np.float64).astype(BF16).reshape(tokens, dims)


def displacement(radius, steps, u):
    """One step of the constant schedule, float32 (dims,)."""
    c = ((radius * (1 / steps)) * u).astype(np.float32)
    c[np.abs(c) < 2.0**-103] = 0
    return c


def walk(x0, radius, steps, u):
    """The clouds of steps 0 ... X, bfloat16."""
    c = displacement(radius, steps, u)
    clouds = [x0]
    for _ in range(steps):
        y = clouds[-1].astype(np.float32) + c
        clouds.append(y.astype(BF16))
    return clouds


def occupancies(x):
    """How many tokens sit in each occupied cell, falling."""
    cells = Counter((row.astype(np.float64) + 0.0).tobytes() for row in x)
    return sorted(cells.values(), reverse=True)


def counts(clouds, step, radius, steps, u):
    """What is to be reported of a step, by the names of the JSON; radius as float64."""
    x = clouds[step]
    cells = occupancies(x)
    holes = [n for n in cells if n > 1]
    still = 0.0
    if step:
        c = displacement(radius, steps, u)
        same = clouds[step - 1].astype(np.float64) == x.astype(np.float64)
        still = float(np.count_nonzero(same & (c != 0)) / x.size)
    return {
        "step": step,
        "distinct": len(cells),
        "black_holes": len(holes),
        "black_hole_tokens": sum(holes),
        "singletons": len(cells) - len(holes),
        "largest": cells[0],
        "pairs": sum(n * (n - 1) // 2 for n in holes),
        "alive": len(x),
        "radius": float(np.mean(x.astype(np.float64), axis=0) @ u),
        "stalled": still,
    }
