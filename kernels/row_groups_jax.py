"""Rows that may be equal, found on a device by their fingerprints, and told apart there.

leader  of a row: the first row that has its fingerprint. Most often that row is equal to it;
        fingerprints alone never decide, so each row is compared with its leader
label   of a row, int32: its leader, and in the two lowest bits what the comparison said
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

_CELL, _STATE = 2, 1
MOST_ROWS = 1 << 29
"""Rows that labels can number."""


def leaders(prints: jax.Array) -> jax.Array:
    """Return the leader of each row, int32 (rows,), by fingerprints (rows, 2) uint32."""
    index = lax.iota(jnp.int32, len(prints))
    # Two sorts of one word each, the second stable: of the sorts of a GPU the one for a single
    # key and a single value is by far the fastest.
    _, order = lax.sort((prints[:, 1], index), num_keys=1, is_stable=True)
    first, order = lax.sort((prints[order, 0], order), num_keys=1, is_stable=True)
    second = prints[order, 1]
    differs = (first[1:] != first[:-1]) | (second[1:] != second[:-1])
    starts = jnp.where(jnp.concatenate([jnp.ones(1, bool), differs]), index, 0)
    # Equal rows stand in a row's order, so the first of a group is the smallest.
    leader = order[lax.cummax(starts)]
    return jnp.zeros_like(index).at[order].set(leader, unique_indices=True)


def labels(leader: jax.Array, same_cell: jax.Array, same_state: jax.Array) -> jax.Array:
    """Return the labels, int32 (rows,), of rows with these leaders, int32.

    `same_cell` and `same_state`, bool (rows,), tell what each shares with its leader.
    """
    told = _CELL * same_cell.astype(jnp.int32) + _STATE * same_state.astype(jnp.int32)
    return (leader << 2) + told


def read_labels(found: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return leaders, int64, and what rows share with them: a cell, a state; bool."""
    return (found >> 2).astype(np.int64), (found & _CELL) != 0, (found & _STATE) != 0
