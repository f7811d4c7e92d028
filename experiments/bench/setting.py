"""What a bench is to measure: sizes, threads, rounds, the device."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import jax

from drift.experiments.bench.c_loop import CLoop
from drift.sim.devices import device as devices
from drift.sim.engines.choose import Engine
from drift.sim.engines.chunks import Chunks
from drift.sim.engines.simulation import Simulation
from drift.sim.errors import BadInput
from drift.sim.spec.drift import Drift

VOCABULARY = (151_936, 2_560)
"""Tokens and dims of the unembedding that the whole question comes from."""

_SIZES = {
    "step": (20_000, 2_560),
    "leap": VOCABULARY,
    "count": VOCABULARY,
    "neighbours": VOCABULARY,
    "sweep": (400, 256),
}
_QUICK = {
    "step": (2_000, 1_024),
    "leap": (2_000, 256),
    "count": (8_000, 256),
    "neighbours": (8_000, 256),
    "sweep": (100, 64),
}
GROUPS = tuple(_SIZES)

_COPIES = {"step": 30, "leap": 6, "count": 8, "neighbours": 3, "sweep": 4_000}
"""Memory a group needs, in clouds of two bytes a value; step counts rivals' float32."""
FEWEST = 64
"""Tokens, and dims: enough for whole tiles in every thread of a rival."""


@dataclass(frozen=True)
class Setting:
    """One bench on one device."""

    device: jax.Device
    scratch: Path
    """an empty directory for what is built and written on the way"""
    quick: bool = False
    tokens: int | None = None
    dims: int | None = None

    @property
    def threads(self) -> int:
        """The usable cores: rivals run on the host, on as many threads as a CPU's engine."""
        return devices.worker_count(jax.devices("cpu")[0])

    @cached_property
    def pool(self) -> ThreadPoolExecutor:
        """As many threads, for the rivals."""
        return ThreadPoolExecutor(self.threads)

    @cached_property
    def engine_pool(self) -> ThreadPoolExecutor:
        """The threads that feed the engine on this device."""
        return ThreadPoolExecutor(devices.worker_count(self.device))

    def simulation(self, drift: Drift, engine: Engine) -> Simulation:
        """A drift at step 0, its cloud drawn, as `drift run` sets it up."""
        chunks = Chunks.plan(drift.tokens, drift.dims, devices.worker_count(self.device))
        return Simulation(drift, chunks, self.device, self.engine_pool, engine)

    @property
    def rounds(self) -> int:
        """How often each contender is timed, at most."""
        return 3 if self.quick else 5

    def size(self, group: str) -> tuple[int, int]:
        """Tokens and dims of the clouds of a group."""
        tokens, dims = (_QUICK if self.quick else _SIZES)[group]
        return self.tokens or tokens, self.dims or dims

    def steps(self, group: str) -> tuple[int, ...]:
        """The numbers of steps that a group is measured at, rising."""
        if group == "leap":
            return (100, 1_000) if self.quick else (1_000, 10_000, 100_000, 1_000_000)
        return (1, 10, 100) if self.quick else (1, 10, 100, 1_000)

    def check(self, groups: tuple[str, ...]) -> None:
        """Raise BadInput for what is too small to measure or does not fit into memory."""
        for name, value in (("tokens", self.tokens), ("dims", self.dims)):
            least = FEWEST * self.threads if name == "tokens" else FEWEST
            if value is not None and value < least:
                raise BadInput(f"{name} is {value}; a bench here needs {least} or more")
        free = devices.free_memory()
        for group in groups:
            tokens, dims = self.size(group)
            needed = 2 * tokens * dims * _COPIES[group]
            if needed > free:
                raise BadInput(
                    f"{group} with {tokens:,} tokens × {dims:,} dims needs {needed / 2**30:.1f} GiB"
                    f" of memory, {free / 2**30:.1f} are free; give fewer --tokens, or --quick"
                )


@cache
def c_loop(scratch: Path) -> CLoop:
    """The rival in C, built once; raises Missing."""
    return CLoop(scratch)
