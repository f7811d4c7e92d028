"""The range check: a drift must stay inside the format, which is known before it begins.

extent    the largest magnitude of the drawn cloud in each dimension
extremes  its smallest and its largest value in each dimension
strength  the largest |g| of any token, or 1 where none is larger
own       of a drift: its tokens have displacements or roundings of their own

Rounding to nearest moves a coordinate by at most twice its displacement: x is itself on the
lattice, so the point nearest to x + c is no farther from it than x is; a decay moves it towards 0.
Rounding toward zero never overshoots, and stochastic rounding stops at the largest finite value.
A master need not be on the lattice at first: the lattice's next value beyond it stands for it.
Where even that leaves room nothing more is asked. Otherwise the extremes of each dimension are
walked through the whole drift: a step is a monotone function, so if they stay inside, all do. Where
tokens have steps of their own, the sum of the displacements decides.

Noise adds the most that it can be to a displacement. A compensated sum is no monotone function of
the value. Where the sum of the displacements fits, and what its roundings may add to it does not,
every value that a token may start from is walked, in formats of few values.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from drift.sim import interrupts, matrix
from drift.sim.engines import reference
from drift.sim.errors import BadInput, printable
from drift.sim.motions.make import motion_along
from drift.sim.motions.motion import Motion
from drift.sim.sampling.noise import noise_table
from drift.sim.spec.drift import Drift

_STOCHASTIC_ROOM = 8.0
"""Stochastic steps wander; farther than this many reaches has no chance to happen."""
_HALVINGS, _MOST = 24, 1e8
"""Radii that are tried to find the largest that fits, and values moved for it at most."""

_COMPENSATED = 4.0
"""Displacements that the roundings of a compensated sum add to each one, at most, in any format:
that of the compensation may double it, and where the value is smaller than that, what is lost of
their difference is 6/10 of a sum that is below 4 displacements, in a format of 2 bits."""

_FEW_VALUES = 8
"""Bits of a code of the formats whose values are all walked."""

_BLOCK = 256
"""Steps whose displacements are made at a time."""

Extremes = Callable[[], np.ndarray]
"""Gives the extremes of a cloud, float64 (2, dims)."""


def largest_reached(motion: Motion, extents: np.ndarray, strength: float) -> np.ndarray:
    """Return a magnitude that no coordinate exceeds, of each cloud, float64 (…,).

    `extents` are theirs, float64 (…, dims). Where it is in the range, so is the whole drift.
    """
    reach, ends = _reach(motion, strength), _on_lattice(motion.drift, extents)
    overshoot = _overshoot(motion.drift, reach) if motion.drift.kahan else reach
    farthest = np.max(ends + reach + overshoot, axis=-1)
    stochastic = motion.drift.rounding == "stochastic"
    return np.minimum(farthest * (_STOCHASTIC_ROOM if stochastic else 1.0), _end(motion.drift)[0])


def check_range(motion: Motion, extent: np.ndarray, strength: float, extremes: Extremes) -> None:
    """Raise BadInput where a step would round a coordinate beyond the format's range."""
    drift, largest, reach = motion.drift, motion.drift.target.largest, _reach(motion, strength)
    ends = _on_lattice(drift, extent)
    if np.all(ends + reach + _overshoot(drift, reach) <= largest):
        return
    if drift.rounding == "stochastic" or drift.jitter > 0 or drift.noise > 0 or drift.kahan:
        if np.any(extent + reach > largest):
            raise BadInput(_by_bound(motion, extent, strength))
        if drift.kahan:
            _check_compensated(motion, extent, strength)
            return
        if drift.rounding != "nearest":
            return
    # Tokens of all strengths stay between the outermost ones of the largest strength, with noise
    # between those that it always takes outwards.
    ends = np.stack([-extent, extent]) if strength != 1 or drift.noise else extremes()
    if left := first_outside(motion, ends, strength):
        raise BadInput(_by_walk(motion, ends, strength, left))


def _on_lattice(drift: Drift, extent: np.ndarray) -> np.ndarray:
    """Return the least values of the format that are `extent` or more, float64 (dims,)."""
    if drift.master == "none":
        return extent
    target, inside = drift.target, np.minimum(extent, drift.target.largest)
    near = target.value(matrix.nearest(inside.astype(np.float32), target))
    return np.where(near < extent, near + target.ulp(near), near)


def _reach(motion: Motion, strength: float) -> np.ndarray:
    """Return a bound of the sum of the magnitudes of a token's displacements, float64 (dims,)."""
    return motion.reach * strength + motion.noise_reach


def _overshoot(drift: Drift, reach: np.ndarray) -> np.ndarray:
    """Return a bound of what roundings add to displacements that sum up to `reach`."""
    if drift.kahan:
        of_each, of_values = _rounded_off(drift)
        return np.minimum(_COMPENSATED * reach, of_each * reach + of_values)
    return reach if drift.rounding == "nearest" else np.zeros_like(reach)


def _rounded_off(drift: Drift) -> tuple[float, float]:
    """Return what the roundings of compensations take, of displacements and of values at all steps.

    A compensation is a half of a value's last place, and so are its roundings of itself.
    """
    half = 2.0**-drift.target.precision
    return 16 * half, 8 * drift.steps * half * half * drift.target.largest


def _check_compensated(motion: Motion, extent: np.ndarray, strength: float) -> None:
    """Raise BadInput where a compensated sum would leave the range, or might.

    The sum of the displacements fits.
    """
    drift, target = motion.drift, motion.drift.target
    reach = _reach(motion, strength)
    dims = np.flatnonzero(extent + reach + _overshoot(drift, reach) > target.largest)
    own = drift.rounding == "stochastic" or drift.jitter > 0 or drift.noise > 0
    most = target.largest_magnitude if target.width <= _FEW_VALUES else 0
    values = target.value(target.code_at(np.arange(-most, most + 1)))
    if own or not most or values.size * len(dims) * drift.steps > _MOST:
        raise BadInput(_by_bound(motion, extent, strength))
    rows = np.clip(values[:, None], -extent[dims], extent[dims])
    if left := first_outside(motion, rows, 1.0, dims):
        where = f" at step {left[0]}"
        if drift.motion != "straight":
            raise BadInput(_left_at(motion, left))
        fits = _fitting(motion, extent, strength)
        raise BadInput(_radius(drift, where, fits, "any radius up to {} fits"))


def first_outside(
    motion: Motion, values: np.ndarray, strength: float = 1.0, dims: np.ndarray | None = None
) -> "tuple[int, int, int, float] | None":
    """Return the first step, row and dimension that leave the range, and where they went.

    `values`, float64 (rows, n), are on the lattice, in `dims` or in all. None where all stay.
    """
    for step, y, inside in _walk(motion, values, strength, dims):
        if not inside.all():
            row, dim = np.argwhere(~inside)[0].tolist()
            return step, row, dim if dims is None else int(dims[dim]), float(y[row, dim])
    return None


def staying(motion: Motion, values: np.ndarray, dims: np.ndarray) -> np.ndarray:
    """Return whether all `values`, float64 (rows, n), of each of `dims` stay inside, bool (n,)."""
    found = np.ones(len(dims), bool)
    for _, _, inside in _walk(motion, values, 1.0, dims):
        found &= inside.all(axis=0)
        if not found.any():
            break
    return found


def _walk(
    motion: Motion, values: np.ndarray, strength: float, dims: np.ndarray | None
) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """Give each step, the sums before they are rounded, and whether each is inside the range.

    What has left goes on from zero.
    """
    drift, state = motion.drift, motion.drift.arithmetic.state
    end, included = _end(drift)
    codes = state.code(values)
    kept = np.zeros(codes.shape, np.float32)
    outwards = np.array([[-1], [1]], np.float32) * noise_table()[-1] if drift.noise else None
    for first in range(1, drift.steps + 1, _BLOCK):
        interrupts.give_up_if_pending()
        last = min(first + _BLOCK - 1, drift.steps)
        factors = motion.factors(first, last)
        noise = None if outwards is None else motion.amplitudes(first, last)
        for step, c in enumerate(motion.displacements(first, last, dims), first):
            before, x = codes, matrix.values(codes, state)
            if factors is not None:
                decay = reference.Decayed(factors[step - first], drift.fused)
                x = decay.of(x, state, drift.rounding)
            with np.errstate(over="ignore", invalid="ignore"):
                c = c if strength == 1 else c * np.float32(strength)
                if noise is not None and outwards is not None:
                    c = c + noise[step - first] * outwards
                y = x + (reference.compensation(kept + c, state) if drift.kahan else c)
                size = np.abs(y.astype(np.float64))
                if drift.kahan:
                    size = np.maximum(size, np.abs((kept + c).astype(np.float64)))
            inside = (size <= end) if included else (size < end)
            yield step, y, inside
            if drift.kahan:
                was = codes, state.code(np.where(inside, kept, 0)), np.where(inside, c, 0)
                codes, pending = reference.compensated_step(*was, state, drift.rounding)
                kept = matrix.values(pending, state)
                continue
            codes = reference.round_to(np.where(inside, y, np.float32(0)), state, drift.rounding)
            if motion.falling and np.array_equal(codes, before):
                return  # no later displacement is larger


def _end(drift: Drift) -> tuple[float, bool]:
    """Return the end of what a sum may be before it is rounded, and whether it belongs to it."""
    target = drift.target
    if drift.rounding != "nearest":
        return target.largest, True
    middle = target.largest + float(target.ulp(np.array(target.largest))) / 2
    return middle, target.largest_magnitude % 2 == 0  # a tie goes to the even code


def _by_bound(motion: Motion, extent: np.ndarray, strength: float) -> str:
    """Return the error where the sum of the displacements is too large."""
    drift, reach = motion.drift, _reach(motion, strength)
    if drift.motion == "straight":
        return _radius(drift, "", _fitting(motion, extent, strength))
    dim = int(np.argmax(extent + reach))
    return (
        f"motion is {printable(drift.motion)}; its displacements in dim {dim} sum up to"
        f" {reach[dim]:.6g}, and the drift could leave {drift.format}'s range, which ends at"
        f" {drift.target.largest:.6g}"
    )


def _by_walk(
    motion: Motion, ends: np.ndarray, strength: float, left: tuple[int, int, int, float]
) -> str:
    """Return the error where a step leaves the range."""
    drift, step = motion.drift, left[0]
    if drift.motion != "straight":
        return _left_at(motion, left)
    fits, radius = _fitting(motion, np.abs(ends).max(axis=0), strength) / 2, drift.radius
    if drift.steps * ends.size * _HALVINGS > _MOST:
        return _radius(drift, f" at step {step}", fits, "any radius up to {} fits")
    for _ in range(_HALVINGS):
        middle = (fits + radius) / 2
        along = motion_along(replace(drift, radius=middle), motion.u)
        fits, radius = (fits, middle) if first_outside(along, ends, strength) else (middle, radius)
    return _radius(drift, f" at step {step}", fits)


def _left_at(motion: Motion, left: tuple[int, int, int, float]) -> str:
    """Return the error where a step of a motion that is not straight leaves the range."""
    drift, (step, _, dim, y) = motion.drift, left
    return (
        f"motion is {printable(drift.motion)}; step {step} takes a token to {y:.6g} in dim"
        f" {dim}, out of {drift.format}'s range, which ends at {drift.target.largest:.6g}"
    )


def _fitting(motion: Motion, extent: np.ndarray, strength: float) -> float:
    """Return the largest radius whose displacements lead no coordinate beyond the range."""
    drift = motion.drift
    noise = drift.noise * float(noise_table()[-1]) / math.sqrt(drift.dims) if drift.noise else 0.0
    distance = np.abs(motion.u) * strength + noise
    moving = distance > 0
    room, distance = drift.target.largest - extent[moving], distance[moving]
    with np.errstate(over="ignore"):
        radii = room / distance
        if drift.kahan:
            of_each, of_values = _rounded_off(drift)
            radii = np.maximum(
                radii / (1 + _COMPENSATED), (room - of_values) / distance / (1 + of_each)
            )
    return max(0.0, float(np.min(radii, initial=math.inf)))


def _radius(
    drift: Drift, where: str, fits: float, told: str = "the largest radius that fits is {}"
) -> str:
    return (
        f"radius is {drift.radius:g}; the drift would leave {drift.format}'s range{where};"
        f" {told.format(f'{fits:.6g}')}"
    )
