"""Which path a device takes its steps by: the fused kernel, where it is right.

A small cloud is moved by `kernels.stepping.block` along the path in question and by NumPy
and ml_dtypes. Its rows and dims fill no tile, and the displacements of every step
put some token of each dim on a tie, just beside one, or at a part of a cell.
"""

from functools import cache
from typing import NamedTuple

import jax
import numpy as np

from drift.kernels.formats import SMALLEST_DISPLACEMENT, Motion
from drift.kernels.row_hash_jax import weights
from drift.kernels.stepping.block import Path, advance, plain
from drift.kernels.stepping.fused import Fused, of
from drift.kernels.stepping.step import Steps, Tokens
from drift.sim import reference
from drift.sim.probes import codes_of, fitting

ROWS, DIMS, BLOCK, TAKEN = 37, 600, 16, 9
PARTS = np.array([0.5, -0.5, 1.5, -1.5, 0.125, -0.375, 1.0, -2.0])
"""Of a cell: what displacements are."""


class Mismatch(Exception):
    """The first input for which a device differs from the reference."""


class Course(NamedTuple):
    """A small cloud, its steps, and where they lead."""

    codes: np.ndarray
    """of the held format (ROWS, DIMS)"""
    numbers: np.ndarray
    """uint32 (ROWS,), the tokens'"""
    strengths: np.ndarray
    """float32 (ROWS,)"""
    displacements: np.ndarray
    """float32 (BLOCK, DIMS), of which TAKEN are taken"""
    keys: np.ndarray
    """uint32 (BLOCK, 2)"""
    expected: np.ndarray
    """the codes after the steps"""


def fast_path(device: jax.Device, motion: Motion) -> tuple[Path, str]:
    """The path to take, and in words why: the fused kernel or what stands against it.

    Tried once a process for each device and motion, which compiles the kernel.
    """
    fused = of(device.platform)
    if fused is None:
        return plain(device.platform), f"there is no fused kernel for a {device.platform}"
    return _tried(device, motion, fused)


@cache
def _tried(device: jax.Device, motion: Motion, fused: Fused) -> tuple[Path, str]:
    try:
        return fused, f"fused: {follow(device, motion, fused)}"
    except Mismatch as wrong:
        why = str(wrong)
    except Exception as error:  # whatever a compiler raises, the plain path is there
        why = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    return plain(device.platform), f"plain, since the fused kernel is not right here: {why}"


def follow(device: jax.Device, motion: Motion, path: Path) -> str:
    """Move the small cloud along `path` on `device`; raises Mismatch where bits differ."""
    codes, numbers, strengths, displacements, keys, expected = course(motion)
    columns = [column[None] for column in (numbers, strengths, np.ones(ROWS, np.bool_))]
    shared = [displacements, keys, np.int32(TAKEN), np.uint32(0)]
    tokens, steps = Tokens(*jax.device_put(columns, device)), Steps(*jax.device_put(shared, device))
    rest = jax.device_put([codes[None], weights(DIMS), np.float32(1)], device)
    done = advance(rest[0], tokens, steps, rest[1], rest[2], motion=motion, path=path)
    found = np.asarray(done.codes)[0]
    wrong = np.argwhere(found != expected)
    if len(wrong):
        token, dim = wrong[0]
        raise Mismatch(
            f"{motion.held.name} {motion.rounding}{' with jitter' if motion.jitter else ''},"
            f" {TAKEN} steps from code {codes[token, dim]:#x} in row {token}, dim {dim}:"
            f" expected {expected[token, dim]:#x}, found {found[token, dim]:#x}"
        )
    return f"{TAKEN} steps of {ROWS} × {DIMS} codes agree"


def course(motion: Motion) -> Course:
    """A cloud of the motion, and steps that are hard for it."""
    rng, held, seen = np.random.default_rng(4), motion.held, motion.seen
    some = codes_of(seen)
    values = seen.value(some)
    some = some[(np.abs(values) >= held.smallest_drawn) & (np.abs(values) <= seen.largest / 2)]
    start = held.code(seen.value(rng.choice(some, (ROWS, DIMS))))
    numbers = rng.integers(0, 1 << 20, ROWS, dtype=np.uint32)
    strength = np.ones(ROWS, np.float32)
    if motion.jitter:
        strength += (rng.standard_normal(ROWS) * 0.3).astype(np.float32)
    keys = rng.integers(0, 1 << 32, (BLOCK, 2), dtype=np.uint32)
    block = np.zeros((BLOCK, DIMS), np.float32)
    codes = start
    for t in range(TAKEN):
        ulp = seen.ulp(held.value(codes[rng.integers(ROWS, size=DIMS), np.arange(DIMS)]))
        beside = 1 + rng.integers(-1, 2, DIMS) * 2.0**-15  # a float32's spacing past a tie
        c = (rng.choice(PARTS, DIMS) * beside * ulp).astype(np.float32)
        # Only what no token leaves the range by, at any strength.
        fits = fitting(held, codes, np.broadcast_to(2 * c, codes.shape)) != 0
        fits &= np.abs(c) >= SMALLEST_DISPLACEMENT
        block[t] = c = np.where(np.all(fits, axis=0), c, np.float32(0))
        each = c * strength[:, None]
        each[np.abs(each) < SMALLEST_DISPLACEMENT] = 0
        random = reference.words(keys[t], numbers, DIMS)
        codes = reference.step(codes, each, held, motion.rounding, random)
    return Course(start, numbers, strength, block, keys, codes)
