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
from drift.sim.spec.drift import Drift

_STOCHASTIC_ROOM = 8.0
"""Stochastic steps wander; farther than this many reaches has no chance to happen."""
_HALVINGS, _MOST = 24, 1e8
"""Radii that are tried to find the largest that fits, and values moved for it at most."""

_BLOCK = 256
"""Steps whose displacements are made at a time."""

Extremes = Callable[[], np.ndarray]
"""Gives the extremes of a cloud, float64 (2, dims)."""


def largest_reached(motion: Motion, extent: np.ndarray, strength: float) -> float:
    """Return a magnitude that no coordinate exceeds; `extent` is float64 (dims,)."""
    ends = _on_lattice(motion.drift, extent)
    farthest = float(np.max(ends + 2.0 * strength * motion.reach))
    stochastic = motion.drift.rounding == "stochastic"
    return min(farthest * (_STOCHASTIC_ROOM if stochastic else 1.0), _end(motion.drift)[0])


def check_range(motion: Motion, extent: np.ndarray, strength: float, extremes: Extremes) -> None:
    """Raise BadInput where a step would round a coordinate beyond the format's range."""
    drift, largest, reach = motion.drift, motion.drift.target.largest, motion.reach * strength
    nearest = drift.rounding == "nearest"
    ends = _on_lattice(drift, extent)
    if np.all(ends + (2.0 if nearest else 1.0) * reach <= largest):
        return
    if drift.rounding == "stochastic" or drift.jitter > 0:
        if np.any(extent + reach > largest):
            raise BadInput(_by_bound(motion, extent, strength))
        if not nearest:
            return
    # Tokens of all strengths stay between the outermost ones of the largest strength.
    ends = np.stack([-extent, extent]) if strength != 1 else extremes()
    if left := first_outside(motion, ends, strength):
        raise BadInput(_by_walk(motion, ends, strength, left))


def _on_lattice(drift: Drift, extent: np.ndarray) -> np.ndarray:
    """Return the least values of the format that are `extent` or more, float64 (dims,)."""
    if drift.master == "none":
        return extent
    target, inside = drift.target, np.minimum(extent, drift.target.largest)
    near = target.value(matrix.nearest(inside.astype(np.float32), target))
    return np.where(near < extent, near + target.ulp(near), near)


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
    for first in range(1, drift.steps + 1, _BLOCK):
        interrupts.give_up_if_pending()
        last = min(first + _BLOCK - 1, drift.steps)
        factors = motion.factors(first, last)
        for step, c in enumerate(motion.displacements(first, last, dims), first):
            before, x = codes, matrix.values(codes, state)
            if factors is not None:
                decay = reference.Decayed(factors[step - first], drift.fused)
                x = decay.of(x, state, drift.rounding)
            with np.errstate(over="ignore", invalid="ignore"):
                y = x + (c if strength == 1 else c * np.float32(strength))
            size = np.abs(y.astype(np.float64))
            inside = (size <= end) if included else (size < end)
            yield step, y, inside
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
    drift, reach = motion.drift, motion.reach * strength
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
    drift, (step, _, dim, y) = motion.drift, left
    if drift.motion != "straight":
        return (
            f"motion is {printable(drift.motion)}; step {step} takes a token to {y:.6g} in dim"
            f" {dim}, out of {drift.format}'s range, which ends at {drift.target.largest:.6g}"
        )
    fits, radius = _fitting(motion, np.abs(ends).max(axis=0), strength) / 2, drift.radius
    if drift.steps * ends.size * _HALVINGS > _MOST:
        return _radius(drift, f" at step {step}", fits, "any radius up to {} fits")
    for _ in range(_HALVINGS):
        middle = (fits + radius) / 2
        along = motion_along(replace(drift, radius=middle), motion.u)
        fits, radius = (fits, middle) if first_outside(along, ends, strength) else (middle, radius)
    return _radius(drift, f" at step {step}", fits)


def _fitting(motion: Motion, extent: np.ndarray, strength: float) -> float:
    """Return the largest radius whose displacements lead no coordinate beyond the range."""
    distance = np.abs(motion.u) * strength
    moving = distance > 0
    with np.errstate(over="ignore"):
        room = (motion.drift.target.largest - extent[moving]) / distance[moving]
    return max(0.0, float(np.min(room, initial=math.inf)))


def _radius(
    drift: Drift, where: str, fits: float, told: str = "the largest radius that fits is {}"
) -> str:
    return (
        f"radius is {drift.radius:g}; the drift would leave {drift.format}'s range{where};"
        f" {told.format(f'{fits:.6g}')}"
    )
