"""The schedule: how far each step goes, by the displacements c_t = float32((R * w_t) * u).

The weights w_1 ... w_X of a schedule sum to 1 and never rise:

constant     w_t = 1/X
linear       w_t proportional to X - t + 1, over X (X + 1) / 2
cosine       w_t proportional to 1 + cos(pi (t-1)/X), over X + 1
exponential  w_t proportional to decay**(t-1), over (1 - decay**X) / (1 - decay)

Products are taken in float64 and rounded to float32 once. Displacements below
2**-103 in magnitude become +0, so that no float32 subnormal ever arises (CPU and
CUDA treat those differently).
"""

import math

import numpy as np

from drift.kernels.formats import SMALLEST_DISPLACEMENT
from drift.sim.sampling.normal import exp, log
from drift.sim.sampling.philox import Stream, words64
from drift.sim.spec.drift import Drift


def weights(drift: Drift, first: int, last: int) -> np.ndarray:
    """w_t for t = first ... last, float64 (last - first + 1,), the same bits on every machine."""
    x = drift.steps
    t = np.arange(first, last + 1, dtype=np.float64)
    if drift.schedule == "linear":
        return (x - t + 1) / (x * (x + 1) / 2)
    if drift.schedule == "cosine":
        # 1 + cos a = 2 sin((pi - a)/2)**2 keeps its precision where it is small.
        return 2 * _sin((x - t + 1) / x * (math.pi / 2)) ** 2 / (x + 1)
    if drift.schedule == "exponential":
        each, whole = power(drift.decay, t - 1), power(drift.decay, np.array([float(x)]))
        return each * ((1 - drift.decay) / (1 - whole))
    return np.full(len(t), 1 / x)


def share(drift: Drift, step: int) -> float:
    """w_1 + ... + w_step, nearly: the share of R that is gone by then, however many they are."""
    x = drift.steps
    if drift.schedule == "linear":
        return step * (2 * x - step + 1) / (x * (x + 1))
    if drift.schedule == "cosine":
        half = math.pi / (2 * x)
        between = math.sin(step * half) * math.cos((step - 1) * half) / math.sin(half)
        return (step + between) / (x + 1)
    if drift.schedule == "exponential":
        rate = math.log(drift.decay)
        return math.expm1(step * rate) / math.expm1(x * rate)
    return step / x


def displacements(drift: Drift, u: np.ndarray, first: int, last: int) -> np.ndarray:
    """c_t for t = first ... last, float32 (last - first + 1, dims); `u` is float64 (dims,)."""
    with np.errstate(under="ignore", over="ignore"):
        lengths = drift.radius * weights(drift, first, last)
        rounded = (lengths[:, None] * u).astype(np.float32)
    rounded[np.abs(rounded) < SMALLEST_DISPLACEMENT] = 0
    return rounded


def keys(drift: Drift, first: int, last: int, stream: Stream = Stream.ROUNDING) -> np.ndarray:
    """Keys of the random words of steps first ... last, uint32 (steps, 2)."""
    drawn = words64(drift.seed, stream, first, last - first + 1)
    return drawn.astype("<u8", copy=False).view("<u4").reshape(-1, 2)


def _sin(x: np.ndarray) -> np.ndarray:
    """sin x for x in [0, pi/2], by its Taylor series."""
    square = x * x
    series = np.ones_like(x)
    for n in range(27, 1, -2):
        series = 1 - series * square / (n * (n - 1))
    return x * series


def half_cosine(t: np.ndarray, whole: int) -> np.ndarray:
    """(1 + cos(pi t / whole)) / 2 for t in [0, whole], float64."""
    # 1 + cos a = 2 sin((pi - a)/2)**2 keeps its precision where it is small.
    return _sin((whole - t) / whole * (math.pi / 2)) ** 2


def power(base: float, exponents: np.ndarray) -> np.ndarray:
    """base**exponents for base in (0, 1); 0 where it is below e**-700."""
    x = exponents * log(np.array([base]))
    return np.where(x < -700, 0.0, exp(np.maximum(x, -700)))
