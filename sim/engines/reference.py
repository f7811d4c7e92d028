"""Rounding, stepping and whole drifts in plain NumPy and ml_dtypes: the definition of right.

Slow and readable, and it shares no arithmetic with the kernels; a device is
believed when it agrees with this, bit for bit. No step looks at another coordinate, so
a few coordinates of a few tokens can be traced alone, for a picture.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from drift.kernels.formats import SMALLEST_DISPLACEMENT, Format, Rounding
from drift.sim import matrix
from drift.sim.clouds import drawn
from drift.sim.clouds.initial import initial_cloud
from drift.sim.errors import BadInput
from drift.sim.motions.motion import Motion
from drift.sim.sampling.noise import noise_table
from drift.sim.sampling.philox import Stream
from drift.sim.spec import schedule
from drift.sim.spec.drift import Drift


def round_to(
    values: np.ndarray, target: Format, rounding: Rounding, words: np.ndarray | None = None
) -> np.ndarray:
    """Return codes of float32 `values` in `target`; `words` uint32 for stochastic rounding."""
    values = np.asarray(values, np.float32)
    nearest = matrix.nearest(values, target)
    if rounding == "nearest":
        return nearest
    sign = nearest & target.sign
    magnitude = (nearest & (target.sign - 1)).astype(np.int64)
    exact = np.abs(values.astype(np.float64))
    magnitude = np.minimum(magnitude, target.largest_magnitude + 1)
    below = np.where(target.value(magnitude) > exact, magnitude - 1, magnitude)
    if rounding == "stochastic":
        assert words is not None
        low, high = target.value(below), target.value(below + 1)
        up = words < (exact - low) / (high - low) * 2.0**32
        below = np.minimum(below + up, target.largest_magnitude)
    return below.astype(target.storage) | sign


def step(
    codes: np.ndarray,
    displacement: np.ndarray,
    target: Format,
    rounding: Rounding,
    words: np.ndarray | None = None,
    decay: "Decayed | None" = None,
) -> np.ndarray:
    """Return codes after one step by `displacement`, float32, broadcast against `codes`."""
    with np.errstate(over="ignore"):
        values = matrix.values(codes, target)
        if decay is not None:
            values = decay.of(values, target, rounding)
        moved = values + displacement
    return round_to(moved, target, rounding, words)


class Decayed(NamedTuple):
    """The decay of a step."""

    factor: np.float32
    """what values are multiplied by"""
    fused: bool
    """true where the product is not rounded before the displacement is added"""
    words: np.ndarray | None = None
    """uint32, for stochastic rounding of the product"""

    def of(self, values: np.ndarray, target: Format, rounding: Rounding) -> np.ndarray:
        """Return float32 values of `target` after the decay, float32."""
        product = (values.astype(np.float64) * float(self.factor)).astype(np.float32)
        precision = 24
        if not self.fused:
            codes = round_to(product, target, rounding, self.words)
            product, precision = matrix.values(codes, target), target.precision
        small = np.abs(product.astype(np.float64)) < 2.0 ** (precision - 127)
        return np.where(small, np.copysign(np.float32(0), product), product)


def _decay_at(
    motion: Motion, t: int, numbers: np.ndarray, dims: int | np.ndarray
) -> Decayed | None:
    """Return the decay of step `t` for tokens of these numbers; None where there is none."""
    factors, drift = motion.factors(t, t), motion.drift
    if factors is None:
        return None
    random = None
    if drift.rounding == "stochastic":
        random = words(schedule.keys(drift, t, t)[0] ^ np.uint32(0x9E3779B9), numbers, dims)
    return Decayed(factors[0], drift.fused, random)


def compensated_step(
    codes: np.ndarray,
    compensations: np.ndarray,
    displacement: np.ndarray,
    target: Format,
    rounding: Rounding,
    words: np.ndarray | None = None,
    decay: "Decayed | None" = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return codes and those of their compensations after one step: kernels.stepping.step."""
    values, kept = matrix.values(codes, target), matrix.values(compensations, target)
    if decay is not None:
        values = decay.of(values, target, rounding)
    with np.errstate(over="ignore"):
        kept = compensation(kept + displacement, target)
        moved = round_to(values + kept, target, rounding, words)
        lost = matrix.values(matrix.nearest(values - matrix.values(moved, target), target), target)
        kept = compensation(kept + lost, target)
    return moved, target.code(kept)


def compensation(values: np.ndarray, target: Format) -> np.ndarray:
    """Return float32 `values` as a compensation holds them: rounded, and 0 where too small."""
    return _without_small(matrix.values(matrix.nearest(values, target), target))


def _without_small(values: np.ndarray) -> np.ndarray:
    """Return float32 `values` with zeros of their sign for those too small for a drift."""
    small = np.abs(values) < SMALLEST_DISPLACEMENT
    return np.where(small, np.copysign(np.float32(0), values), values)


def noise_at(
    motion: Motion, t: int, numbers: np.ndarray, dims: int | np.ndarray
) -> np.ndarray | np.float32:
    """Return what step `t` adds to the displacements of tokens of these numbers, float32."""
    drift = motion.drift
    if not drift.noise:
        return np.float32(-0.0)  # which changes no bit
    key = schedule.keys(drift, t, t, Stream.NOISE)[0]
    return noise(motion.amplitudes(t, t)[0], key, numbers, dims)


def noise(
    amplitude: np.float32, key: np.ndarray, numbers: np.ndarray, dims: int | np.ndarray
) -> np.ndarray:
    """Return the noise of an amplitude, float32 (tokens, dims), by words of a key."""
    xi = noise_table()[words(key, numbers, dims) >> np.uint32(16)]
    return _without_small(amplitude * xi)


def words(key: np.ndarray, numbers: np.ndarray, dims: int | np.ndarray) -> np.ndarray:
    """Return random words as in kernels.threefry, uint32 (tokens, dims).

    `numbers` are the tokens' numbers, uint32; `dims` a number of dimensions, or their numbers.
    """
    which = np.arange(dims) if isinstance(dims, int) else dims
    parts = [np.uint32(key[0]), np.uint32(key[1])]
    parts.append(parts[0] ^ parts[1] ^ np.uint32(0x1BD11BDA))
    a = numbers[:, None] + parts[0] + np.zeros(len(which), np.uint32)
    b = which.astype(np.uint32) + parts[1] + np.zeros_like(a)
    for n in range(20):
        by = (13, 15, 26, 6, 17, 29, 16, 24)[n % 8]
        a = a + b
        b = ((b << np.uint32(by)) | (b >> np.uint32(32 - by))) ^ a
        if n % 4 == 3:
            group = n // 4 + 1
            a = a + parts[group % 3]
            b = b + parts[(group + 1) % 3] + np.uint32(group)
    return a


def walk(drift: Drift, motion: Motion) -> Iterator[np.ndarray]:
    """Give codes (tokens, dims) at each record of `drift`, in its view format."""
    state, view = drift.arithmetic.state, drift.target
    codes = initial_cloud(drift).states(0, drift.tokens)
    move = _mover(drift, motion, (np.arange(drift.tokens), np.arange(drift.dims)))
    records, held = set(drift.record_steps), (codes, np.zeros_like(codes))
    for t in range(drift.steps + 1):
        if t:
            held = move(held, t)
        if t in records:
            yield round_to(state.value(held[0]).astype(np.float32), view, "nearest")


_Held = tuple[np.ndarray, np.ndarray]
"""Codes of the state format, and of their compensations, which are 0 where sums have none."""
MOST_STEPS = 20_000
"""Steps that `trace` takes, which last some seconds; a drift at rest takes no more."""


def trace(
    drift: Drift,
    motion: Motion,
    start: np.ndarray,
    which: tuple[np.ndarray, np.ndarray],
    steps: Sequence[int],
) -> np.ndarray:
    """Return codes (steps, tokens, dims) of the drift's format at each of `steps`, which rise.

    `start` are the codes at step 0 (tokens, dims) of `which` tokens and dims, their
    numbers; masters start from these values too. Raises BadInput for more than
    MOST_STEPS steps before all is at rest.
    """
    state, view = drift.arithmetic.state, drift.target
    codes = state.code(view.value(start))
    held = codes, np.zeros_like(codes)
    found, done, at_rest = [], 0, False
    move = _mover(drift, motion, which)
    for wanted in steps:
        while done < wanted and not at_rest:
            done += 1
            if done > MOST_STEPS:
                raise BadInput(
                    f"the cloud still moves after {MOST_STEPS:,} steps; more are not retraced"
                )
            before, held = held, move(held, done)
            at_rest = motion.may_rest and all(map(np.array_equal, before, held))
        found.append(round_to(state.value(held[0]).astype(np.float32), view, "nearest"))
    return np.stack(found)


def _mover(
    drift: Drift, motion: Motion, which: tuple[np.ndarray, np.ndarray]
) -> Callable[[_Held, int], _Held]:
    """Return a function that takes the coordinates `which` from before step t to after."""
    numbers, dims = which
    strengths = drawn.strengths(drift)[numbers][:, None] if drift.jitter else None

    tokens = numbers.astype(np.uint32)

    def move(held: _Held, t: int) -> _Held:
        c = motion.displacements(t, t, dims)
        if strengths is not None:
            c = c * strengths
            c = np.where(np.abs(c) < SMALLEST_DISPLACEMENT, np.float32(0), c)
        c = c + noise_at(motion, t, tokens, dims)
        random = None
        if drift.rounding == "stochastic":
            random = words(schedule.keys(drift, t, t)[0], tokens, dims)
        state, decay = drift.arithmetic.state, _decay_at(motion, t, tokens, dims)
        if drift.kahan:
            return compensated_step(*held, c, state, drift.rounding, random, decay)
        return step(held[0], c, state, drift.rounding, random, decay), held[1]

    return move
