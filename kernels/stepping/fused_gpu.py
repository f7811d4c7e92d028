"""The fused kernel of GPUs: Pallas, compiled by Triton.

A program is a block of threads. Each thread holds 4 neighbouring dims (16 bytes of
displacements, one load) of every row of its tile as float32 registers, so that a
displacement is loaded once for all rows, and no value ever moves between threads.

Sizes, for Hopper: a tile is 512 dims wide, 2,560 being five of them, and as high
as keeps the loop over steps within some 10 KiB of instructions, so that small
caches next to the schedulers can hold it: 8 rows where a step is cheap, 4 where a
format is rounded by hand, 2 where words are drawn. For bfloat16 the loop is 109
machine instructions for 32 elements, one of them the load; 56 registers let 9
blocks of 128 threads share a multiprocessor and hide the load behind each other.

To nearest bfloat16 the hardware rounds: one instruction rounds and packs two
values. Integers take four for each, on units of half the rate, which would bound
an H200 at 4.2e12 element-steps a second; this form is bound at 9.8e12 by the rate
at which instructions are issued (132 multiprocessors, 128 a clock, 1.98 GHz). The
cast's result is looked at as an integer at once, so there is no pair of casts
that a compiler could drop.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.experimental import pallas as pl
from jax.experimental.pallas import triton

from drift.kernels.formats import BFLOAT16, FLOAT32, Arithmetic
from drift.kernels.rounding import quantise, widen
from drift.kernels.stepping.step import jittered
from drift.kernels.threefry import threefry

WIDEST = 512
PER_THREAD = 4
WARP = 32


def height(arithmetic: Arithmetic) -> int:
    """Return the rows of a tile."""
    if arithmetic.rounding == "stochastic":
        return 2
    return 8 if arithmetic.state in (BFLOAT16, FLOAT32) else 4


def width(dims: int) -> int:
    """Return the dims of a tile: a power of two, as Triton wants, that keeps a warp busy."""
    return min(WIDEST, max(WARP * PER_THREAD, 1 << (dims - 1).bit_length()))


def call(
    rows: int, dims: int, block: int, arithmetic: Arithmetic, interpret: bool
) -> Callable[..., jax.Array]:
    """Return the kernel, to be called as `kernels.stepping.fused.fused` calls it."""
    high, wide, state = height(arithmetic), width(dims), arithmetic.state

    def kernel(
        count: Any,
        hidden: Any,
        keys: Any,
        displacements: Any,
        numbers: Any,
        strengths: Any,
        codes: Any,
        moved: Any,
    ) -> None:
        first, start = pl.program_id(0) * high, pl.program_id(1) * wide
        # Rows beyond the last are the last one again, moved alike and not stored.
        at = [jnp.minimum(first + k, rows - 1) for k in range(high)]
        dim = start + lax.iota(jnp.int32, wide)
        inside, span = dim < dims, pl.ds(start, wide)
        token = [numbers[row] for row in at] if arithmetic.rounding == "stochastic" else []
        strength = [strengths[row] for row in at] if arithmetic.jitter else []
        hidden_zero, number = hidden[0], dim.astype(jnp.uint32) + hidden[1]

        def load(ref: Any, row: Any) -> jax.Array:
            return triton.load(ref.at[row, span], mask=inside, other=np.zeros((), ref.dtype))

        def take(t: jax.Array, values: list[jax.Array]) -> list[jax.Array]:
            c = load(displacements, t)
            key = keys[2 * t], keys[2 * t + 1]
            after = []
            for k, x in enumerate(values):
                own = jittered(c, strength[k], hidden_zero) if strength else c
                random = threefry(key, (token[k], number))[0] if token else None
                after.append(_rounded(x + own, arithmetic, random))
            return after

        values = [widen(load(codes, row), state) for row in at]
        values = lax.fori_loop(0, count[0], take, values)
        for k, x in enumerate(values):
            code = quantise(x, state, "toward-zero").astype(state.storage)
            triton.store(moved.at[at[k], span], code, mask=inside & (first + k < rows))

    return pl.pallas_call(
        kernel,
        out_shape=jax.ShapeDtypeStruct((rows, dims), state.storage),
        # Rows first: programs that run side by side read the same displacements.
        grid=(pl.cdiv(rows, high), pl.cdiv(dims, wide)),
        compiler_params=triton.CompilerParams(num_warps=wide // (WARP * PER_THREAD), num_stages=1),
        interpret=interpret,
        name="fused_steps",
    )


def _rounded(values: jax.Array, arithmetic: Arithmetic, random: jax.Array | None) -> jax.Array:
    """Return float32 `values` rounded to the state format, by the hardware where it can."""
    if arithmetic.state == BFLOAT16 and arithmetic.rounding == "nearest":
        codes = lax.bitcast_convert_type(values.astype(jnp.bfloat16), jnp.uint16)
    else:
        codes = quantise(values, arithmetic.state, arithmetic.rounding, random)
    return widen(codes, arithmetic.state)
