"""The path by which a device steps: the fused kernel, where it is right.

A small cloud is moved by kernels.stepping.block along the path in question and by NumPy
and ml_dtypes. Its rows and dims fill no tile, and the displacements of every step
put some token of each dim on a tie, just beside one, or at a part of a cell.

The inputs of any device check are made here too. Every code has displacements of its own: they
put the sum on ties, just below and just above them, in the code's own binade and in others, and
at eighths of a cell for the roundings that have no ties.
"""

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import jax
import numpy as np

from drift.kernels.formats import SMALLEST_DISPLACEMENT, Arithmetic, Format
from drift.kernels.row_hash_jax import weights
from drift.kernels.stepping.block import NO_MOVE, Path, plain, step_block
from drift.kernels.stepping.fused import Fused, fused_path
from drift.kernels.stepping.step import Held, Noise, Steps, Tokens
from drift.sim.engines import reference
from drift.sim.sampling.noise import noise_table


def codes_of(target: Format) -> np.ndarray:
    """Return all finite codes a drift can hold; of float32 some of every binade."""
    if target.width > 16:
        fractions = [0, 1, 2, (1 << 22) - 1, 1 << 22, (1 << 22) + 1, (1 << 23) - 2, (1 << 23) - 1]
        random = np.random.default_rng(0).integers(0, 1 << 23, 56)
        magnitudes = (np.arange(255)[:, None] << 23) + np.concatenate([fractions, random])
        magnitudes = np.unique(magnitudes)
    else:
        magnitudes = np.arange(target.largest_magnitude + 1)
    values = target.value(magnitudes)
    magnitudes = magnitudes[(values == 0) | (values >= target.smallest_drawn)]
    return np.concatenate([magnitudes, magnitudes | target.sign]).astype(target.storage)


def displacements_of(target: Format, codes: np.ndarray, quick: bool) -> Iterator[np.ndarray]:
    """Give float32 displacements for `codes`, one row after another, that reach hard sums."""
    values = target.value(codes)
    ulp = target.ulp(values)
    for part in (0.5, -0.5, 1.5, 0.125, -0.375) if quick else np.arange(-16, 17) / 8:
        on = (part * ulp).astype(np.float32)
        yield from (on, np.nextafter(on, np.float32(-np.inf)), np.nextafter(on, np.float32(np.inf)))
    rng = np.random.default_rng(1)
    for _ in range(8 if quick else 32):
        # To a midpoint of the lattice in any other place, and beside it.
        magnitude = rng.integers(0, target.largest_magnitude, len(codes))
        middle = (target.value(magnitude) + target.value(magnitude + 1)) / 2
        with np.errstate(over="ignore"):
            on = (rng.choice([-1.0, 1.0], len(codes)) * middle - values).astype(np.float32)
            beside = np.nextafter(on, np.float32(0)), np.nextafter(on, np.float32(np.inf))
        yield from (on, *beside)
    yield np.full(len(codes), NO_MOVE, np.float32)
    yield np.zeros(len(codes), np.float32)


def fitting(target: Format, codes: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return `wanted` where a drift could ask for it, else 0: large enough, staying in range."""
    small = np.abs(wanted) < SMALLEST_DISPLACEMENT
    c = np.where(small, np.copysign(np.float32(0), wanted), wanted)
    sums = np.abs(target.value(codes) + c.astype(np.float64))
    return np.where(sums <= target.largest, c, np.float32(0)).astype(np.float32)


ROWS, DIMS, BLOCK, TAKEN = 37, 600, 16, 9
FIRST_DIM = 1280
"""The number of the first dim, as on the second of two devices that share a cloud."""
PARTS = np.array([0.5, -0.5, 1.5, -1.5, 0.125, -0.375, 1.0, -2.0])
"""Displacements, as parts of a cell: on ties, and at parts of a cell that are none."""


_BESIDE = ("jitter", "noise", "kahan")
_NOISE = np.uint32(0x5BD1E995)
"""The bits in which keys of a trial's noise differ from those of its rounding."""


class Mismatch(Exception):
    """The first input for which a device differs from the reference."""


class TrialCourse(NamedTuple):
    """A small cloud, its steps, and where they lead."""

    codes: np.ndarray
    """codes of the state format (ROWS, DIMS) before the steps"""
    numbers: np.ndarray
    """uint32 (ROWS,): the tokens' numbers"""
    strengths: np.ndarray
    """float32 (ROWS,): the tokens' strengths"""
    displacements: np.ndarray
    """float32 (BLOCK, DIMS), of which TAKEN are taken"""
    keys: np.ndarray
    """uint32 (BLOCK, 2): the keys of the steps' random words"""
    amplitudes: np.ndarray
    """float32 (BLOCK,): of the steps' noise"""
    expected: tuple[np.ndarray, np.ndarray]
    """codes of the state format (ROWS, DIMS) after the steps, as the reference has them, and of
    their compensations"""


def fast_path(device: jax.Device, arithmetic: Arithmetic) -> tuple[Path, str]:
    """Return the path to take, and in words why: the fused kernel or what stands against it.

    Tried once a process for each device and arithmetic, which compiles the kernel.
    """
    fused = fused_path(device.platform)
    if arithmetic.moves_unasked:
        missing = "decay, noise or compensation"
        return plain(device.platform), f"plain, since the fused kernel has no {missing}"
    if fused is None:
        return plain(device.platform), f"there is no fused kernel for a {device.platform}"
    return _tried(device, arithmetic, fused)


@cache
def _tried(device: jax.Device, arithmetic: Arithmetic, fused: Fused) -> tuple[Path, str]:
    try:
        return fused, f"fused: {try_path(device, arithmetic, fused)}"
    except Mismatch as wrong:
        why = str(wrong)
    except Exception as error:  # whatever a compiler raises, the plain path is there
        why = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    return plain(device.platform), f"plain, since the fused kernel is not right here: {why}"


def try_path(device: jax.Device, arithmetic: Arithmetic, path: Path) -> str:
    """Move the small cloud along `path` on `device`; raise Mismatch where bits differ."""
    course = trial_course(arithmetic)
    codes, keys = course.codes, course.keys
    columns = [column[None] for column in (course.numbers, course.strengths, np.ones(ROWS, "?"))]
    shared = [course.displacements, keys, np.int32(TAKEN), np.uint32(0)]
    tokens, steps = Tokens(*jax.device_put(columns, device)), Steps(*jax.device_put(shared, device))
    steps = steps._replace(first_dim=jax.device_put(np.uint32(FIRST_DIM), device))
    if arithmetic.noise:
        noise = [course.amplitudes, keys ^ _NOISE, noise_table()]
        steps = steps._replace(noise=Noise(*jax.device_put(noise, device)))
    given = jax.device_put([codes[None], weights(DIMS), np.float32(1)], device)
    start = Held(given[0], given[0] ^ given[0]) if arithmetic.kahan else given[0]
    done = step_block(start, tokens, steps, given[1], given[2], arithmetic=arithmetic, path=path)
    found, expected = np.asarray(done.codes)[0], course.expected[0]
    if done.compensations is not None and np.array_equal(found, expected):
        found, expected = np.asarray(done.compensations)[0], course.expected[1]
    wrong = np.argwhere(found != expected)
    if len(wrong):
        token, dim = wrong[0]
        raise Mismatch(
            f"{arithmetic.state.name} {arithmetic.rounding}"
            f"{''.join(f' with {name}' for name in _BESIDE if getattr(arithmetic, name))},"
            f" {TAKEN} steps from code {codes[token, dim]:#x} in row {token}, dim {dim}:"
            f" expected {expected[token, dim]:#x}, found {found[token, dim]:#x}"
        )
    return f"{TAKEN} steps of {ROWS} × {DIMS} codes agree"


def trial_course(arithmetic: Arithmetic) -> TrialCourse:
    """Return a cloud for the arithmetic, and steps that are hard for it."""
    rng, state, view = np.random.default_rng(4), arithmetic.state, arithmetic.view
    some = codes_of(view)
    values = view.value(some)
    some = some[(np.abs(values) >= state.smallest_drawn) & (np.abs(values) <= view.largest / 2)]
    start = state.code(view.value(rng.choice(some, (ROWS, DIMS))))
    numbers = rng.integers(0, 1 << 20, ROWS, dtype=np.uint32)
    strength = np.ones(ROWS, np.float32)
    if arithmetic.jitter:
        strength += (rng.standard_normal(ROWS) * 0.3).astype(np.float32)
    keys = rng.integers(0, 1 << 32, (BLOCK, 2), dtype=np.uint32)
    block, amplitudes = np.zeros((BLOCK, DIMS), np.float32), np.zeros(BLOCK, np.float32)
    codes, kept = start, np.zeros_like(start)
    which = np.arange(FIRST_DIM, FIRST_DIM + DIMS, dtype=np.uint32)
    farthest = 8 if arithmetic.noise or arithmetic.kahan else 2
    for t in range(TAKEN):
        ulp = view.ulp(state.value(codes[rng.integers(ROWS, size=DIMS), np.arange(DIMS)]))
        beside = 1 + rng.integers(-1, 2, DIMS) * 2.0**-15  # a float32's spacing past a tie
        c = (rng.choice(PARTS, DIMS) * beside * ulp).astype(np.float32)
        # Only what no token leaves the range by, at any strength.
        fits = fitting(state, codes, np.broadcast_to(farthest * c, codes.shape)) != 0
        fits &= np.abs(c) >= SMALLEST_DISPLACEMENT
        block[t] = c = np.where(np.all(fits, axis=0), c, np.float32(0))
        each = c * strength[:, None]
        each[np.abs(each) < SMALLEST_DISPLACEMENT] = 0
        random = reference.words(keys[t], numbers, which)
        if arithmetic.noise:
            amplitudes[t] = np.median(np.abs(c)) / 8
            each = each + reference.noise(amplitudes[t], keys[t] ^ _NOISE, numbers, which)
        if arithmetic.kahan:
            held = codes, kept, each, state, arithmetic.rounding, random
            codes, kept = reference.compensated_step(*held)
        else:
            codes = reference.step(codes, each, state, arithmetic.rounding, random)
    after = codes, kept
    return TrialCourse(start, numbers, strength, block, keys, amplitudes, after)
