"""Random words for stochastic rounding: Threefry-2x32-20, a counter generator.

J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel random numbers: as
easy as 1, 2, 3", SC 2011. Additions, rotations and XORs of 32-bit integers, so
every device computes the same words, in any order.
"""

import jax
import jax.numpy as jnp

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = 0x1BD11BDA
_GROUPS = 5
"""Groups of four rounds; a part of the key goes in after each group."""


def _rotate(x: jax.Array, by: int) -> jax.Array:
    return (x << jnp.uint32(by)) | (x >> jnp.uint32(32 - by))


def threefry(
    key: tuple[jax.Array, jax.Array], counter: tuple[jax.Array, jax.Array]
) -> tuple[jax.Array, jax.Array]:
    """Return the two words, uint32, of a key and a counter of two uint32 words each."""
    schedule = (*key, key[0] ^ key[1] ^ jnp.uint32(_PARITY))
    a, b = counter[0] + schedule[0], counter[1] + schedule[1]
    for group in range(_GROUPS):
        for by in _ROTATIONS[group % 2]:
            a = a + b
            b = _rotate(b, by) ^ a
        a = a + schedule[(group + 1) % 3]
        b = b + schedule[(group + 2) % 3] + jnp.uint32(group + 1)
    return a, b


def words(
    key: jax.Array, tokens: jax.Array, dims: int, first_dim: jax.Array | None = None
) -> jax.Array:
    """Return a word for each (token, dim), uint32 (rows, dims): the first of its counter's two.

    `key` (2,) uint32 stands for seed and step; `tokens` (rows,) uint32 are the
    tokens' numbers, and dims have theirs from `first_dim` uint32 on, from 0 where that is None.
    """
    # The second word is given up: to share it out, neighbours would have to be computed
    # together, which costs more than it saves.
    shape = (tokens.shape[0], dims)
    token = jnp.broadcast_to(tokens[:, None], shape)
    number = jnp.arange(dims, dtype=jnp.uint32)
    number = number if first_dim is None else number + first_dim
    dim = jnp.broadcast_to(number[None, :], shape)
    return threefry((key[0], key[1]), (token, dim))[0]
