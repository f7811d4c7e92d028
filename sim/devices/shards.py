"""The devices of one process that share a cloud, and how they share it.

A chunk is one array (tiles, tile rows, dims), split over its tiles: each device
holds as many. Columns of the tokens are split likewise; displacements, keys and weights
are whole on each. Tokens never meet while they move, so no device waits for
another, and the counts of the devices' own rows are added on the host.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property, partial
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from drift.kernels.formats import Arithmetic
from drift.kernels.stepping.block import BlockResult, Path, step_block_uncompiled
from drift.sim.devices import compilation

compilation.watch()
_TOKENS = PartitionSpec("tokens")
_WHOLE = PartitionSpec()

StepBlock = Callable[..., BlockResult]
"""kernels.stepping.block.step_block for one arithmetic and path. The limbs of several devices,
(devices * LIMBS, dims), stand one below another in their order."""

_FOR_CPU: dict[str, bool | str | int] = {"xla_cpu_prefer_vector_width": 512}
"""Options of XLA for a CPU: with its widest vectors, half of which it else leaves out."""


@dataclass(frozen=True)
class Shards:
    """Devices of one kind, of this process."""

    devices: tuple[jax.Device, ...]
    """one or more, in the order of the tokens they hold"""

    @classmethod
    def of(cls, on: "jax.Device | Shards") -> "Shards":
        """Return `on` as shards, also where it is one device alone."""
        return on if isinstance(on, Shards) else cls((on,))

    def __len__(self) -> int:
        return len(self.devices)

    @property
    def platform(self) -> str:
        """The platform of the devices: cpu, gpu or tpu."""
        return self.devices[0].platform

    @property
    def kind(self) -> str:
        """The devices' kind, as JAX calls it."""
        return str(self.devices[0].device_kind)

    @property
    def on_host(self) -> bool:
        """True where the host can read the devices' memory in place."""
        return self.platform == "cpu"

    @cached_property
    def mesh(self) -> Mesh:
        """The mesh of the devices in the order of the tokens they hold."""
        return Mesh(np.array(self.devices), ("tokens",))

    def whole(self, array: np.ndarray | np.generic) -> jax.Array:
        """Put an array whole on every device."""
        where = self.devices[0] if len(self) == 1 else NamedSharding(self.mesh, _WHOLE)
        return jax.device_put(array, where)

    def split(self, array: np.ndarray) -> jax.Array:
        """Put an array on the devices, which share its first axis evenly."""
        where = self.devices[0] if len(self) == 1 else NamedSharding(self.mesh, _TOKENS)
        return jax.device_put(array, where)

    def pieces(self, array: jax.Array) -> list[jax.Array]:
        """Return the part of each device of an array made by `split`, in order; copy nothing."""
        if len(self) == 1:
            return [array]
        held = {shard.device: shard.data for shard in array.addressable_shards}
        return [held[device] for device in self.devices]

    def compile_step_block(self, arithmetic: Arithmetic, path: Path) -> StepBlock:
        """Compile kernels.stepping.block.step_block, which each device runs on its own rows."""
        return _compiled(self, arithmetic, path)


@cache
def _compiled(shards: Shards, arithmetic: Arithmetic, path: Path) -> StepBlock:
    local = partial(step_block_uncompiled, arithmetic=arithmetic, path=path)
    if len(shards) > 1:
        local = jax.shard_map(
            local,
            mesh=shards.mesh,
            in_specs=(_TOKENS, _TOKENS, _WHOLE, _WHOLE, _WHOLE),
            out_specs=_TOKENS,
            check_vma=False,  # nothing is the same on all devices but what came so
        )
    return jitted(local, shards.platform)


def jitted(
    function: Callable[..., Any], platform: str, donate_argnums: tuple[int, ...] = ()
) -> Any:
    """Return `function` compiled as is best on the platform, and tracked (sim.devices).

    The arguments numbered `donate_argnums` are given away: results may be written over them.
    """
    options = _FOR_CPU if platform == "cpu" else None
    found = jax.jit(function, compiler_options=options, donate_argnums=donate_argnums)
    return compilation.tracked(found)
