"""The devices of one process that share a cloud, and programs compiled for them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax

from drift.sim.devices import compilation

compilation.watch()

_FOR_CPU: dict[str, bool | str | int] = {"xla_cpu_prefer_vector_width": 512}
"""Options of XLA for a CPU: with its widest vectors, half of which it else leaves out."""


@dataclass(frozen=True)
class Shards:
    """Devices of one kind, of this process."""

    devices: tuple[jax.Device, ...]
    """one or more, in the order of the dims they hold"""

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


def jitted(
    function: Callable[..., Any], platform: str, donate_argnums: tuple[int, ...] = ()
) -> Any:
    """Return `function` compiled as is best on the platform, and tracked (sim.devices).

    The arguments numbered `donate_argnums` are given away: results may be written over them.
    """
    options = _FOR_CPU if platform == "cpu" else None
    found = jax.jit(function, compiler_options=options, donate_argnums=donate_argnums)
    return compilation.tracked(found)
