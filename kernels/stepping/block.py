"""Many steps of a chunk, and the observation after the last one.

Displacements come in blocks of fixed length of which the first few are used, so
that no number of steps, radius or schedule compiles anything anew.

path      how the steps before the last are taken; all paths give the same bits.
          "cache": plain, tile by tile, as float32 values in a core's cache.
          "memory": plain, as codes, since where each step goes through memory they
          are a half or a quarter of what float32 values are.
          Fused: in one kernel that goes through memory once, see kernels.stepping.fused
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from drift.kernels.exact_sum import LIMBS
from drift.kernels.exact_sum_jax import limb_sums
from drift.kernels.formats import Arithmetic, Format
from drift.kernels.rounding import merge_zeros, quantise, widen
from drift.kernels.row_hash_jax import fingerprint
from drift.kernels.stepping.fused import Fused, fused
from drift.kernels.stepping.step import Held, Steps, Tokens, compensated_step, step

BLOCK = 128
"""Displacements per call: at 2,560 dims they stay in a core's second-level cache."""

ACCELERATOR_BLOCK = 1024
"""Displacements per call where a kernel takes all steps at once. A call then reads and writes the
codes once in 1,024 steps, a thousandth of its time. At 2,560 dims its displacements
are 10 MiB: they stay in a Hopper's second-level cache (50 MB) for all programs, and
are copied to it in a fraction of the time that the steps of a large cloud take."""

NO_MOVE = -0.0
"""The displacement that changes no bit: x + -0 is x, for both zeros too."""


def no_move(arithmetic: Arithmetic) -> float:
    """Return the displacement that changes no bit: a NaN where others move what they do not."""
    return math.nan if arithmetic.kahan or arithmetic.noise else NO_MOVE


Path = Literal["cache", "memory"] | Fused


def plain(platform: str) -> Path:
    """Return the path of a platform, cpu, gpu or tpu, without the fused kernel."""
    return "cache" if platform == "cpu" else "memory"


Sums = tuple[jax.Array, ...]
Moved = jax.Array | Held
"""Arrays that steps move: codes or values, with compensations where sums are compensated."""
Take = Callable[[jax.Array, Moved], Moved]


class BlockResult(NamedTuple):
    """A chunk of the cloud after `step_block`, and the observation of it."""

    codes: jax.Array
    """codes of the state format (tiles, tile rows, dims)"""
    view: jax.Array | None
    """codes of the view format, same shape; None where that is the state format"""
    fingerprints: jax.Array
    """uint32 (tiles, tile rows, 2), of the view's rows: kernels.row_hash_jax"""
    stalled: jax.Array
    """int32 (dims,): present rows whose coordinate the last step left where it was"""
    limbs: jax.Array
    """int32 (LIMBS, dims): the present rows' exact sum of the view: kernels.exact_sum"""
    kept: jax.Array | None = None
    """int32 (dims,): present rows whose coordinate the last step left where it was, displaced or
    not; None where only what is displaced can move"""
    compensations: jax.Array | None = None
    """codes of the state format (tiles, tile rows, dims); None where sums are not compensated"""
    resting: jax.Array | None = None
    """int32 (dims,): present rows of which a displacement changed neither value nor compensation;
    None where sums are not compensated: then `stalled` tells it"""


def step_block_uncompiled(
    codes: jax.Array | Held,
    tokens: Tokens,
    steps: Steps,
    weights: jax.Array,
    scale: jax.Array,
    arithmetic: Arithmetic,
    path: Path = "cache",
) -> BlockResult:
    """Take the first `steps.taken` of a block of steps and observe after the last.

    Where `steps.observed` is false fingerprints and limbs are left 0, which saves
    the time of ten steps.

    codes     of the state format (tiles, tile rows, dims), with those of the compensations where
              sums are compensated
    weights   uint32 (2, dims), see kernels.row_hash_jax
    scale     float32, a power of two, see kernels.exact_sum

    A coordinate is stalled where the last displacement is not 0 and yet the
    state stayed (-0 and +0 being one value).
    """
    if not isinstance(codes, Held):
        codes = fused_first(codes, tokens, steps, arithmetic, path)
    zeros = jnp.zeros(codes.values.shape[2] if isinstance(codes, Held) else codes.shape[2], "i4")
    counted: Sums = (zeros,) * (1 + arithmetic.moves_unasked + arithmetic.kahan)

    def tile(stayed: Sums, rows: tuple[Moved, Tokens]) -> tuple[Sums, Moved]:
        after, more = _steps(*rows, steps, arithmetic, path)
        # On the lattice already: this only turns values back into codes.
        moved = jax.tree.map(partial(_codes_of, state=arithmetic.state), after)
        return tuple(a + b for a, b in zip(stayed, more, strict=True)), moved

    (stalled, *more), after = lax.scan(tile, counted, (codes, tokens))
    kept, resting = (*more, None, None)[:2]
    moved, compensations = after if isinstance(after, Held) else (after, None)

    def observe() -> tuple:
        return lax.scan(
            partial(_observe, weights, scale, arithmetic), (zeros,) * LIMBS, (moved, tokens)
        )

    def skip() -> tuple:
        return jax.tree.map(lambda each: jnp.zeros(each.shape, each.dtype), jax.eval_shape(observe))

    # A condition and no select: what is not observed is not computed.
    limbs, (views, fingerprints) = lax.cond(steps.observed, observe, skip)
    beside = kept, compensations, resting
    return BlockResult(moved, views, fingerprints, stalled, jnp.stack(limbs), *beside)


def _codes_of(values: jax.Array, state: Format) -> jax.Array:
    return quantise(values, state, "nearest").astype(state.storage)


def _observe(
    weights: jax.Array,
    scale: jax.Array,
    arithmetic: Arithmetic,
    limbs: Sums,
    rows: tuple[jax.Array, Tokens],
) -> tuple[Sums, tuple]:
    """Add a tile's limbs; return the sums, the view if of another format, and fingerprints."""
    codes, tokens = rows
    state, target = arithmetic.state, arithmetic.view
    view = codes if state == target else quantise(widen(codes, state), target, "nearest")
    more = limb_sums(widen(view, target), tokens.present, scale)
    return tuple(a + b for a, b in zip(limbs, more, strict=True)), (
        None if state == target else view.astype(target.storage),
        fingerprint(merge_zeros(view, target), weights),
    )


step_block = jax.jit(step_block_uncompiled, static_argnames=("arithmetic", "path"))
"""`step_block_uncompiled`, compiled for each shape, arithmetic and path."""


def fused_first(
    codes: jax.Array, tokens: Tokens, steps: Steps, arithmetic: Arithmetic, path: Path
) -> jax.Array:
    """Return codes of any shape before the last step where the path is fused, else as they are."""
    if not isinstance(path, Fused):
        return codes
    flat = Tokens(*(column.reshape(-1) for column in tokens))
    rows = codes.reshape(-1, codes.shape[-1])
    return fused(rows, flat, steps, steps.taken - 1, arithmetic, path).reshape(codes.shape)


def _steps(
    codes: Moved, tokens: Tokens, steps: Steps, arithmetic: Arithmetic, path: Path
) -> tuple[Moved, Sums]:
    """Return a tile's float32 values after the last step, and the rows stalled in each dim.

    Where BlockResult has them, the rows kept in each dim too, and those resting.
    """
    after, stayed, moving = last_step(codes, tokens, steps, arithmetic, path)
    alike = jax.tree.leaves(stayed)
    kept = alike[0] & tokens.present[:, None]
    told = [kept & moving]
    if arithmetic.moves_unasked:
        told.append(kept)
    if arithmetic.kahan:
        told.append(kept & moving & alike[1])
    return after, tuple(jnp.sum(each, axis=0, dtype=jnp.int32) for each in told)


def last_step(
    codes: Moved, tokens: Tokens, steps: Steps, arithmetic: Arithmetic, path: Path
) -> tuple[Moved, Moved, jax.Array]:
    """Take the steps of a tile that `fused_first` has not taken.

    Returns the float32 values after the last one, bool (rows, dims) where it left them, and
    bool (1, dims) where it displaces.
    """
    last = steps.taken - 1

    def take(t: jax.Array, held: Moved) -> Moved:
        if isinstance(held, Held):
            return compensated_step(held, t, tokens, steps, arithmetic)
        return step(held, t, tokens, steps, arithmetic)

    before = _all_but_the_last(codes, last, take, arithmetic.state, path)
    after = lax.optimization_barrier(take(last, before))  # else it is computed twice
    displacement = lax.dynamic_index_in_dim(steps.displacements, last)
    # A NaN stays, and is no displacement: kernels.stepping.step.
    moving = jnp.abs(displacement) > 0
    return after, jax.tree.map(jnp.equal, after, before), moving


def _all_but_the_last(
    codes: Moved, last: jax.Array, take: Take, state: Format, path: Path
) -> Moved:
    """Return the float32 values of a tile's `codes` before the last step."""

    def values(codes: Moved) -> Moved:
        return jax.tree.map(partial(widen, source=state), codes)

    if path == "cache":
        return lax.fori_loop(0, last, take, values(codes))
    if path == "memory":

        def through(t: jax.Array, codes: Moved) -> Moved:
            # On the lattice already; toward zero is the shortest way to the code.
            def code(moved: jax.Array) -> jax.Array:
                return quantise(moved, state, "toward-zero").astype(state.storage)

            return jax.tree.map(code, take(t, values(codes)))

        codes = lax.fori_loop(0, last, through, codes)
    return values(codes)
