"""Row fingerprints: 64 bits that narrow the search for equal rows.

Rows of one cell always have one fingerprint. Rows of different cells nearly
always differ, but nothing relies on that: counting compares the rows.

The fingerprint is two independent sums of code times odd random weight, modulo
2**32, which every device computes alike and in any order.
"""

import jax
import jax.numpy as jnp
import numpy as np

_KEY = 0x66696E6765727072
"""Fixed: fingerprints are scratch values and appear in no result."""


def weights(dims: int) -> np.ndarray:
    """Return odd uint32 weights, (2, dims)."""
    words = np.random.Philox(key=_KEY).random_raw(2 * dims)
    return (words.astype(np.uint32) | np.uint32(1)).reshape(2, dims)


def fingerprint(cells: jax.Array, weights: jax.Array) -> jax.Array:
    """Return fingerprints (rows, 2) uint32 of `cells`: uint32 codes (rows, dims), zeros merged."""
    lanes = [jnp.sum(cells * lane[None, :], axis=1, dtype=jnp.uint32) for lane in weights]
    return jnp.stack(lanes, axis=1)


def as_words(fingerprints: np.ndarray) -> np.ndarray:
    """Join the halves of `fingerprints` (rows, 2) uint32 into uint64 (rows,), on the host."""
    return np.left_shift(fingerprints[:, 0], 32, dtype=np.uint64) | fingerprints[:, 1]
