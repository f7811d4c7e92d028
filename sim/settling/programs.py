"""Programs that devices run on what is carried of a cloud.

To count, several devices only add up fingerprints and compare notes on rows, some bytes for each;
all else stays where it is.

Arrays that are moved are given away: the new codes are written where the old ones were.
"""

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from drift.kernels.exact_sum_jax import parts_of
from drift.kernels.formats import Arithmetic, Compensated
from drift.kernels.stepping import carried
from drift.kernels.stepping.block import Moved, Path
from drift.kernels.stepping.carried import CarriedCodes, Carriers, StepsResult
from drift.kernels.stepping.step import Held, Steps, Tokens
from drift.sim.devices.shards import Shards
from drift.sim.settling.placing import AXIS, COLUMNS, DIMS, WHOLE, Placing

_CARRIED = CarriedCodes(COLUMNS, COLUMNS)
_CARRIERS = Carriers(Tokens(WHOLE, WHOLE, WHOLE), DIMS)
_STEPS = Steps(COLUMNS, WHOLE, WHOLE, WHOLE, WHOLE, WHOLE, WHOLE)


class Programs:
    """All that is done on the devices; nothing is compiled before it is used."""

    def __init__(self, shards: Shards, arithmetic: Arithmetic, path: Path, part_bits: int):
        self.placing = placing = Placing(shards)
        self.parts = parts_of(part_bits)
        """parts of a value's exact sum: kernels.exact_sum_jax"""
        axis = AXIS if len(shards) > 1 else None
        same: dict[str, Any] = {"arithmetic": arithmetic, "path": path, "axis": axis}
        moved = StepsResult(_CARRIED, DIMS)
        decay, noise = arithmetic.decay != "none", arithmetic.noise
        beside = _STEPS._replace(factors=WHOLE if decay else None, noise=WHOLE if noise else None)
        steps = _CARRIED, _CARRIERS, beside
        self.move = placing.compile(partial(carried.move, **same), steps, moved, 0)
        """as kernels.stepping.carried.move"""
        observed = *steps, COLUMNS, WHOLE
        self.observe = placing.compile(
            partial(carried.observe, **same, part_bits=part_bits), observed, moved, 0
        )
        """as kernels.stepping.carried.observe"""
        self.copy = placing.compile(_copy, (_CARRIED,), _CARRIED)
        """what is carried, once more"""
        self.cut = placing.compile(_cut, (COLUMNS, WHOLE, DIMS), COLUMNS)
        """some rows, int32, and dims, int32, of states; zeros for a dim that is not there"""
        self.place = placing.compile(_place, (COLUMNS, COLUMNS, WHOLE), COLUMNS, 0)
        """states with some rows in them, from an int32 on"""
        self.finish = placing.compile(_finish, (COLUMNS, WHOLE), _CARRIED, 0)
        """what is carried of a whole cloud, whose spare rows come after so many, int32"""
        self.pick = placing.compile(_pick, (COLUMNS, WHOLE), COLUMNS)
        """rows, int32 (n,), of states"""
        self.held = arithmetic.held
        """the states, as the host has them"""
        self._arithmetic = arithmetic

    def zeros(self, shape: tuple[int, int]) -> Moved:
        """Return states of zeros on the devices, which share the columns."""
        made = _zeros(shape, self._arithmetic.state.storage, self.placing.of(COLUMNS))
        return Held(made(), made()) if self._arithmetic.kahan else made()

    def put(self, states: np.ndarray, wide: Callable[[np.ndarray], np.ndarray]) -> Moved:
        """Put states (rows, dims) on the devices, made `wide` enough for them to share columns."""
        held, columns = self.held, self.placing.columns
        if not isinstance(held, Compensated):
            return columns(wide(states))
        return Held(*(columns(wide(each(states))) for each in (held.codes, held.compensations)))

    def get(self, states: Moved) -> np.ndarray:
        """Fetch states, in the storage type of those that are held."""
        got, held = jax.device_get(states), self.held
        return held.pair(*got) if isinstance(held, Compensated) else got


@cache
def programs(shards: Shards, arithmetic: Arithmetic, path: Path, part_bits: int) -> Programs:
    """Return the programs of an arithmetic on some devices, the same ones every time."""
    return Programs(shards, arithmetic, path, part_bits)


@cache
def _zeros(shape: tuple[int, int], kind: np.dtype, where: Any) -> Any:
    return jax.jit(partial(jnp.zeros, shape, kind), out_shardings=where)


def _copy(what: CarriedCodes) -> CarriedCodes:
    return jax.tree.map(jnp.copy, what)


def _cut(states: Moved, rows: jax.Array, dims: jax.Array) -> Moved:
    at = rows[:, None], dims[None, :]
    return jax.tree.map(lambda each: each.at[at].get(mode="fill", fill_value=0), states)


def _place(states: Moved, rows: Moved, first: jax.Array) -> Moved:
    put = partial(jax.lax.dynamic_update_slice_in_dim, start_index=first, axis=0)
    return jax.tree.map(put, states, rows)


def _finish(states: Moved, count: jax.Array) -> CarriedCodes:
    sample = jax.tree.map(lambda each: each[:1], states)

    def filled(each: jax.Array, first: jax.Array) -> jax.Array:
        spare = jnp.arange(len(each)) >= count
        return jnp.where(spare[:, None], first, each)

    return CarriedCodes(jax.tree.map(filled, states, sample), sample)


def _pick(states: Moved, rows: jax.Array) -> Moved:
    return jax.tree.map(lambda each: each[rows], states)
