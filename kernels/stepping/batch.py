"""Several small clouds moved in one call, one after another.

Each has its own displacements, keys, tokens and scale; shape, arithmetic and the number
of steps are common. Each is moved by kernels.stepping.block, so bits are the same.
"""

from functools import partial

import jax
import jax.numpy as jnp
from jax import lax

from drift.kernels.formats import Arithmetic
from drift.kernels.stepping.block import BlockResult, Path, step_block_uncompiled
from drift.kernels.stepping.step import Steps, Tokens


def step_batch(
    codes: jax.Array,
    tokens: Tokens,
    steps: Steps,
    first: jax.Array,
    count: jax.Array,
    weights: jax.Array,
    scales: jax.Array,
    arithmetic: Arithmetic,
    path: Path,
    window: int,
) -> BlockResult:
    """Take `steps.taken` steps, up to `window`, from step `first` of the block on; observe.

    codes     of the state format (clouds, tiles, tile rows, dims)
    tokens    (clouds, tiles, tile rows)
    steps     displacements (clouds, block, dims) and keys (clouds, block, 2), where
              `first` + `window` is at most the block's length
    first     int32
    count     int32: how many clouds are moved; whatever comes back for the others is 0
    weights   uint32 (2, dims), see kernels.row_hash_jax
    scales    float32 (clouds,), see kernels.exact_sum

    All arrays that come back have the clouds as their first axis.
    """
    cut = partial(lax.dynamic_slice_in_dim, start_index=first, slice_size=window)
    clouds = codes, tokens, steps.displacements, steps.keys, scales

    def one(k: jax.Array) -> BlockResult:
        codes, tokens, displacements, keys, scale = jax.tree.map(
            lambda each: lax.dynamic_index_in_dim(each, k, keepdims=False), clouds
        )
        mine = steps._replace(displacements=cut(displacements), keys=cut(keys))
        return step_block_uncompiled(codes, tokens, mine, weights, scale, arithmetic, path)

    def also(k: jax.Array, found: BlockResult) -> BlockResult:
        return jax.tree.map(
            lambda every, mine: lax.dynamic_update_index_in_dim(every, mine, k, 0), found, one(k)
        )

    # A loop over the clouds that are there, and no vmap: slots beyond `count` cost nothing.
    nothing = jax.tree.map(
        lambda each: jnp.zeros((len(codes), *each.shape), each.dtype),
        jax.eval_shape(one, jnp.int32(0)),
    )
    return lax.fori_loop(0, count, also, nothing)
