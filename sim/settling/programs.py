"""Programs that devices run on what is carried of a cloud, and where its arrays are put.

Several devices share the dimensions: each has all rows, in dimensions of its own. To count they
only add up fingerprints and compare notes on rows, some bytes for each; all else stays where it is.

Arrays that are moved are given away: the new codes are written where the old ones were.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from drift.kernels.formats import Arithmetic, Compensated
from drift.kernels.stepping import carried
from drift.kernels.stepping.block import Moved, Path
from drift.kernels.stepping.carried import CarriedCodes, Carriers, StepsResult
from drift.kernels.stepping.step import Held, Steps, Tokens
from drift.sim.devices.shards import Shards, jitted

_AXIS = "dims"
_spec: Any = PartitionSpec
"""Specs stand in records in the place of their arrays."""
_WHOLE, _DIMS, _COLUMNS = _spec(), _spec(_AXIS), _spec(None, _AXIS)

_CARRIED = CarriedCodes(_COLUMNS, _COLUMNS)
_CARRIERS = Carriers(Tokens(_WHOLE, _WHOLE, _WHOLE), _DIMS)
_STEPS = Steps(_COLUMNS, _WHOLE, _WHOLE, _WHOLE, _WHOLE, _WHOLE, _WHOLE)


@dataclass(frozen=True)
class Placing:
    """The places of arrays on the devices that share the dimensions of a cloud."""

    shards: Shards
    """these devices"""

    def whole(self, array: Any) -> Any:
        """Put arrays whole on every device."""
        return self._put(array, _WHOLE)

    def columns(self, array: np.ndarray) -> jax.Array:
        """Put a matrix on the devices, which share its columns evenly."""
        return self._put(array, _COLUMNS)

    def entries(self, array: np.ndarray) -> jax.Array:
        """Put a vector on the devices, which share it evenly."""
        return self._put(array, _DIMS)

    def of(self, spec: PartitionSpec) -> Any:
        """Return where arrays of a spec are, as JAX says it."""
        if len(self.shards) == 1:
            return jax.sharding.SingleDeviceSharding(self.shards.devices[0])
        return NamedSharding(self._mesh, spec)

    @property
    def _mesh(self) -> Mesh:
        return Mesh(np.array(self.shards.devices), (_AXIS,))

    def _put(self, array: Any, spec: PartitionSpec) -> Any:
        return jax.device_put(array, self.of(spec))

    def compile(
        self, local: Callable[..., Any], takes: tuple, gives: Any, given_away: int | None = None
    ) -> Any:
        """Compile what each device does with its own part; `takes` and `gives` are specs.

        The argument numbered `given_away` is written over.
        """
        if len(self.shards) > 1:
            local = jax.shard_map(
                local,
                mesh=self._mesh,
                in_specs=takes,
                out_specs=gives,
                check_vma=False,  # counts are alike on all devices, which nothing can tell
            )
        donated = () if given_away is None else (given_away,)
        return jitted(local, self.shards.platform, donate_argnums=donated)


class Programs:
    """All that is done on the devices; nothing is compiled before it is used."""

    def __init__(self, shards: Shards, arithmetic: Arithmetic, path: Path):
        self.placing = placing = Placing(shards)
        axis = _AXIS if len(shards) > 1 else None
        same: dict[str, Any] = {"arithmetic": arithmetic, "path": path, "axis": axis}
        moved = StepsResult(_CARRIED, _DIMS)
        decay, noise = arithmetic.decay != "none", arithmetic.noise
        beside = _STEPS._replace(factors=_WHOLE if decay else None, noise=_WHOLE if noise else None)
        steps = _CARRIED, _CARRIERS, beside
        self.move = placing.compile(partial(carried.move, **same), steps, moved, 0)
        """as kernels.stepping.carried.move"""
        observed = *steps, _COLUMNS, _WHOLE
        self.observe = placing.compile(partial(carried.observe, **same), observed, moved, 0)
        """as kernels.stepping.carried.observe"""
        self.copy = placing.compile(_copy, (_CARRIED,), _CARRIED)
        """what is carried, once more"""
        self.cut = placing.compile(_cut, (_COLUMNS, _WHOLE, _DIMS), _COLUMNS)
        """some rows, int32, and dims, int32, of states; zeros for a dim that is not there"""
        self.place = placing.compile(_place, (_COLUMNS, _COLUMNS, _WHOLE), _COLUMNS, 0)
        """states with some rows in them, from an int32 on"""
        self.finish = placing.compile(_finish, (_COLUMNS, _WHOLE), _CARRIED, 0)
        """what is carried of a whole cloud, whose spare rows come after so many, int32"""
        self.pick = placing.compile(_pick, (_COLUMNS, _WHOLE), _COLUMNS)
        """rows, int32 (n,), of states"""
        self.held = arithmetic.held
        """the states, as the host has them"""
        self._arithmetic = arithmetic

    def zeros(self, shape: tuple[int, int]) -> Moved:
        """Return states of zeros on the devices, which share the columns."""
        made = _zeros(shape, self._arithmetic.state.storage, self.placing.of(_COLUMNS))
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

    def repeat(self, rows: np.ndarray, count: int) -> jax.Array:
        """Return `count` rows, all that there are and then the last one again and again."""
        return _repeating(count, self.placing)(self.placing.columns(rows))


@cache
def programs(shards: Shards, arithmetic: Arithmetic, path: Path) -> Programs:
    """Return the programs of an arithmetic on some devices, the same ones every time."""
    return Programs(shards, arithmetic, path)


@cache
def _zeros(shape: tuple[int, int], kind: np.dtype, where: Any) -> Any:
    return jax.jit(partial(jnp.zeros, shape, kind), out_shardings=where)


@cache
def _repeating(count: int, placing: Placing) -> Any:
    def repeat(rows: jax.Array) -> jax.Array:
        return rows[jnp.minimum(jnp.arange(count), len(rows) - 1)]

    return placing.compile(repeat, (_COLUMNS,), _COLUMNS)


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
