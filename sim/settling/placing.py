"""The places of arrays on devices that share a cloud: each has all rows, in dims of its own."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from drift.sim.devices.shards import Shards, jitted

AXIS = "dims"
"""The name of the devices, where they are several, to the programs that they run."""
_spec: Any = PartitionSpec
"""Specs stand in records in the place of their arrays."""
WHOLE, DIMS, COLUMNS = _spec(), _spec(AXIS), _spec(None, AXIS)
"""Arrays that every device has whole; vectors, and matrices, of which each has its own dims."""


@dataclass(frozen=True)
class Placing:
    """The places of arrays on the devices that share the dimensions of a cloud."""

    shards: Shards
    """these devices"""

    def whole(self, array: Any) -> Any:
        """Put arrays whole on every device."""
        return self._put(array, WHOLE)

    def columns(self, array: np.ndarray) -> jax.Array:
        """Put a matrix on the devices, which share its columns evenly."""
        return self._put(array, COLUMNS)

    def entries(self, array: np.ndarray) -> jax.Array:
        """Put a vector on the devices, which share it evenly."""
        return self._put(array, DIMS)

    def of(self, spec: PartitionSpec) -> Any:
        """Return where arrays of a spec are, as JAX says it."""
        if len(self.shards) == 1:
            return jax.sharding.SingleDeviceSharding(self.shards.devices[0])
        return NamedSharding(self._mesh, spec)

    @property
    def _mesh(self) -> Mesh:
        return Mesh(np.array(self.shards.devices), (AXIS,))

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

    def repeat(self, rows: np.ndarray, count: int) -> jax.Array:
        """Return `count` rows, all that there are and then the last one again and again."""
        if self.shards.on_host:  # what is not sent need not be compiled
            return self.columns(np.pad(rows, ((0, count - len(rows)), (0, 0)), "edge"))
        return _repeating(count, self)(self.columns(rows))


@cache
def _repeating(count: int, placing: Placing) -> Any:
    def repeat(rows: jax.Array) -> jax.Array:
        return rows[jnp.minimum(jnp.arange(count), len(rows) - 1)]

    return placing.compile(repeat, (COLUMNS,), COLUMNS)
