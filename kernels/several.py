"""Several small clouds advanced in one call, one after another.

Each has its own displacements, keys, tokens and scale; shape, motion and the number
of steps are common. What is done to each is kernels.advance, so bits are the same.
"""

from functools import partial

import jax
from jax import lax

from kernels.advance import Advanced, Path, uncompiled
from kernels.step import Motion, Steps, Tokens


def several(
    codes: jax.Array,
    tokens: Tokens,
    steps: Steps,
    first: jax.Array,
    weights: jax.Array,
    scales: jax.Array,
    motion: Motion,
    path: Path,
    window: int,
) -> Advanced:
    """Take `steps.taken` steps, up to `window`, from step `first` of the block on; observe.

    codes     of the held format (clouds, tiles, tile rows, dims)
    tokens    (clouds, tiles, tile rows)
    steps     displacements (clouds, block, dims) and keys (clouds, block, 2), where
              `first` + `window` is at most the block's length
    first     int32
    weights   uint32 (2, dims), see kernels.fingerprint
    scales    float32 (clouds,), see kernels.fixed_point

    All of what comes back has the clouds as its first axis.
    """
    cut = partial(lax.dynamic_slice_in_dim, start_index=first, slice_size=window)

    def one(cloud: tuple) -> Advanced:
        codes, tokens, displacements, keys, scale = cloud
        mine = steps._replace(displacements=cut(displacements), keys=cut(keys))
        return uncompiled(codes, tokens, mine, weights, scale, motion, path)

    return lax.map(one, (codes, tokens, steps.displacements, steps.keys, scales))
