"""The fused kernel of TPUs: Pallas, compiled by Mosaic.

A tile is 32 rows, which fill whole registers whether codes have 8, 16 or 32 bits, of
512 dims: 16 of the 64 vector registers, which leaves room for what a rounding needs.
Where a step needs more, by hand to a small format or drawing words, it is half that.
A block's displacements for those dims stay in vector memory (2 MiB for 1,024 of them)
while all rows go by. Rounding is by integers throughout.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.experimental import pallas as pl
from jax.experimental.pallas import tpu

from drift.kernels.formats import BFLOAT16, FLOAT32, Arithmetic
from drift.kernels.rounding import quantise, widen
from drift.kernels.stepping.step import jittered
from drift.kernels.threefry import threefry

HIGH = 32


def width(arithmetic: Arithmetic) -> int:
    """Return the dims of a tile."""
    cheap = arithmetic.state in (BFLOAT16, FLOAT32) and arithmetic.rounding != "stochastic"
    return 512 if cheap else 256


def call(
    rows: int, dims: int, block: int, arithmetic: Arithmetic, interpret: bool
) -> Callable[..., jax.Array]:
    """Return the kernel, to be called as `kernels.stepping.fused.fused` calls it."""
    high, wide, state = min(rows, HIGH), min(dims, width(arithmetic)), arithmetic.state

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
        shape = (high, wide)
        dim = pl.program_id(0) * wide + lax.broadcasted_iota(jnp.int32, shape, 1)
        number = dim.astype(jnp.uint32) + hidden[1]
        counter = jnp.broadcast_to(numbers[...], shape), number

        def take(t: jax.Array, values: jax.Array) -> jax.Array:
            c, random = displacements[pl.ds(t, 1), :], None
            if arithmetic.jitter:
                c = jittered(c, strengths[...], hidden[0])
            if arithmetic.rounding == "stochastic":
                random = threefry((keys[2 * t], keys[2 * t + 1]), counter)[0]
            return widen(quantise(values + c, state, arithmetic.rounding, random), state)

        values = lax.fori_loop(0, count[0], take, widen(codes[...], state))
        moved[...] = quantise(values, state, "toward-zero").astype(state.storage)

    scalar = pl.BlockSpec(memory_space=tpu.SMEM)
    column = pl.BlockSpec((high, 1), lambda j, i: (i, 0))
    tile = pl.BlockSpec((high, wide), lambda j, i: (i, j))
    run = pl.pallas_call(
        kernel,
        out_shape=jax.ShapeDtypeStruct((rows, dims), state.storage),
        # Dims outside: their displacements are fetched once.
        grid=(pl.cdiv(dims, wide), pl.cdiv(rows, high)),
        in_specs=[
            *(scalar, scalar, scalar),
            pl.BlockSpec((block, wide), lambda j, i: (0, j)),
            *(column, column, tile),
        ],
        out_specs=tile,
        interpret=interpret,
        name="fused_steps",
    )

    def as_columns(*operands: Any) -> jax.Array:
        *first, numbers, strengths, codes = operands
        return run(*first, numbers[:, None], strengths[:, None], codes)

    return as_columns
