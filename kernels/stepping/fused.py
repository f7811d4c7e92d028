"""Many steps in one kernel, for GPUs and TPUs: load a tile once, move it, store it once.

tile      the codes that one program of the kernel holds in registers (on a TPU in
          vector registers) from its first step to its last: some rows of some dims
path      by which of its forms a kernel is taken, known when it is compiled

The plain form writes the cloud to memory after every step, so memory bounds it;
this one is bound by arithmetic. It takes the same steps with the same rounding
(kernels.stepping.step, kernels.rounding), so the bits are the same. Interpreted it runs
on a CPU, slowly, which is how it is tested.

Tiles are as wide as the registers want and need not fit: what of a tile lies
beyond the last row or dim is neither read nor stored.
"""

from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp

from drift.kernels.formats import Arithmetic
from drift.kernels.stepping.step import Steps, Tokens

Platform = Literal["gpu", "tpu"]

MOST_CODES = 1 << 30
"""The most codes of one call: within a kernel elements are numbered in int32."""


class Fused(NamedTuple):
    """The path of the fused kernel."""

    platform: Platform
    """gpu (the Triton form) or tpu (the Mosaic form)"""
    interpret: bool = False
    """true to interpret the kernel, on any device"""


def fused(
    codes: jax.Array,
    tokens: Tokens,
    steps: Steps,
    count: jax.Array,
    arithmetic: Arithmetic,
    path: Fused,
) -> jax.Array:
    """Return the `codes` after the first `count` of a block of steps; `steps.taken` is not read.

    codes     of the state format (rows, dims), at least one of each
    tokens    each (rows,)
    count     int32, 0 up to the block's length

    Raises whatever Pallas raises where the device's compiler will not take the
    kernel: sim.engines.fused_trial tries it beforehand.
    """
    rows, dims = codes.shape
    if rows * dims > MOST_CODES and rows > 1:
        halves = slice(None, rows // 2), slice(rows // 2, None)
        parts = [(codes[half], Tokens(*(column[half] for column in tokens))) for half in halves]
        return jnp.concatenate(
            [fused(part, those, steps, count, arithmetic, path) for part, those in parts]
        )
    # Pallas takes a while to import, and a CPU never needs it.
    if path.platform == "gpu":
        from drift.kernels.stepping.fused_gpu import call
    else:
        from drift.kernels.stepping.fused_tpu import call
    kernel = call(rows, dims, len(steps.displacements), arithmetic, path.interpret)
    # One-dimensional, since a TPU's scalar memory would pad each row to 128 words.
    # What no compiler may know of: the zero, and the number of the first dim.
    first_dim = jnp.uint32(0) if steps.first_dim is None else steps.first_dim
    hidden = jnp.stack([jnp.asarray(steps.zero), first_dim])
    scalars = count.reshape(1), hidden, steps.keys.reshape(-1)
    return kernel(*scalars, steps.displacements, tokens.number, tokens.strength, codes)


def fused_path(platform: str) -> Fused | None:
    """Return the path of a platform's fused kernel, None where it has none."""
    own: dict[str, Platform] = {"gpu": "gpu", "tpu": "tpu"}
    return Fused(own[platform]) if platform in own else None
