"""The setting of a bench: sizes, threads, rounds, machine and cloud."""

import os
import platform
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Self

import jax
import numpy as np

from drift.experiments.bench.rivals import CLoop, compiler_version
from drift.experiments.console.machine import processor, vectors, versions
from drift.kernels.formats import BFLOAT16
from drift.sim.clouds.direction import direction
from drift.sim.clouds.drawn import draw_cloud
from drift.sim.devices import device as devices
from drift.sim.devices import host_memory
from drift.sim.devices.shards import Shards
from drift.sim.engines import reference
from drift.sim.engines.choose import Engine
from drift.sim.engines.chunks import Chunks
from drift.sim.engines.simulation import Simulation
from drift.sim.errors import BadInput
from drift.sim.spec.drift import Drift
from drift.sim.spec.schedule import displacements

VOCABULARY = (151_936, 2_560)
"""Tokens and dims of the unembedding that the whole question comes from."""
DIARY = (2_212, 2_560)
"""Tokens within five exponents of its largest black hole, and dims: the shape of `drift run`."""

_SIZES = {
    "whole-job": DIARY,
    "step": (20_000, 2_560),
    "leap": VOCABULARY,
    "count": VOCABULARY,
    "neighbours": VOCABULARY,
    "sweep": (400, 256),
}
_QUICK = {
    "whole-job": (500, 256),
    "step": (2_000, 1_024),
    "leap": (2_000, 256),
    "count": (8_000, 256),
    "neighbours": (8_000, 256),
    "sweep": (100, 64),
}
GROUPS = tuple(_SIZES)

_COPIES = {
    "whole-job": 30,
    "step": 30,
    "leap": 6,
    "count": 8,
    "neighbours": 3,
    "sweep": 4_000,
}
"""Memory a group needs, in clouds of two bytes a value; rivals' float32 among them."""
_PACKAGES = ("bf16-drift", "jax", "jaxlib", "numpy", "ml-dtypes", "torch")
"""Packages whose versions matter for a measurement."""
FEWEST = 64
"""Tokens, and dims: enough for whole tiles in every thread of a rival."""


@dataclass(frozen=True)
class Setting:
    """One bench on one device."""

    device: jax.Device
    """device of the engines"""
    scratch: Path
    """an empty directory for what is built and written on the way"""
    quick: bool = False
    """True for small clouds and few rounds"""
    tokens: int | None = None
    """tokens of every cloud; None: those of each group"""
    dims: int | None = None
    """dimensions of every cloud, likewise"""

    @property
    def threads(self) -> int:
        """The usable cores: rivals run on the host, on as many threads as a CPU's engine."""
        return devices.cores()

    @cached_property
    def pool(self) -> ThreadPoolExecutor:
        """A pool of that many threads, for the rivals."""
        return ThreadPoolExecutor(self.threads)

    @cached_property
    def engine_pool(self) -> ThreadPoolExecutor:
        """The threads that feed the engine on this device."""
        return ThreadPoolExecutor(devices.threads(Shards.of(self.device)))

    def simulation(self, drift: Drift, engine: Engine) -> Simulation:
        """A drift at step 0, its cloud drawn, as `drift run` sets it up."""
        return Simulation(drift, self.chunks(drift), self.device, self.engine_pool, engine)

    def chunks(self, drift: Drift) -> Chunks:
        """The chunks in which the engine of this device has the cloud."""
        return Chunks.plan(drift.tokens, drift.dims, devices.threads(Shards.of(self.device)))

    @property
    def rounds(self) -> int:
        """Most rounds in which a contender is timed."""
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
                raise BadInput(f"{name} is {value}; a benchmark here needs {least} or more")
        free = host_memory.free_memory()
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


SIGMA = 0.02
"""About the standard deviation of a trained embedding."""
_SAMPLE = 64
_DRAWN = 1024
"""Tokens drawn at a time."""


@dataclass
class Start:
    """The cloud and the displacements of a case of stepping.

    The schedule is not constant, so that no contender may stop early where nothing moves.
    """

    drift: Drift
    """the drift itself"""
    codes: np.ndarray
    """codes at step 0, uint16 (tokens, dims)"""
    displacements: np.ndarray
    """displacements, float32 (steps, dims)"""
    _expected: dict[int, np.ndarray] = field(default_factory=dict)

    @classmethod
    def of(cls, setting: Setting, steps: int) -> Self:
        """The cloud, drawn, and a drift of so many steps."""
        tokens, dims = setting.size("step")
        drift = Drift(sigma=SIGMA, tokens=tokens, dims=dims, steps=steps, schedule="linear")
        u = direction(drift.direction, dims)
        return cls(drift, drawn(setting, drift), displacements(drift, u, 1, steps))

    def wrong(self, codes: np.ndarray, steps: int) -> str | None:
        """The first way in which `codes`, after `steps` steps, differ from the reference."""
        tokens = sample(len(self.codes))
        if steps not in self._expected:
            self._expected[steps] = reference_steps(self.codes[tokens], self.displacements[:steps])
        return difference(codes[tokens], self._expected[steps], tokens, steps)


def drawn(setting: Setting, drift: Drift) -> np.ndarray:
    """The codes of a drift's cloud, drawn by all threads."""
    codes = np.empty((drift.tokens, drift.dims), np.uint16)

    def one(start: int) -> None:
        stop = min(start + _DRAWN, drift.tokens)
        codes[start:stop] = draw_cloud(drift, start, stop)

    list(setting.pool.map(one, range(0, drift.tokens, _DRAWN)))
    return codes


def sample(tokens: int) -> np.ndarray:
    """Tokens whose every bit is compared with the reference, spread over the cloud."""
    return np.unique(np.linspace(0, tokens - 1, _SAMPLE).astype(int))


def reference_steps(codes: np.ndarray, displacements: Iterable[np.ndarray]) -> np.ndarray:
    """bfloat16 `codes` after the steps, by the reference."""
    for c in displacements:
        codes = reference.step(codes, c, BFLOAT16, "nearest")
    return codes


def difference(
    found: np.ndarray, expected: np.ndarray, tokens: np.ndarray, steps: int
) -> str | None:
    """The first bits in which the codes of `tokens` differ, in words; None where none do."""
    different = np.argwhere(found != expected)
    if not len(different):
        return None
    row, dim = different[0]
    return (
        f"after {steps} steps token {tokens[row]}, dim {dim} is {found[row, dim]:#06x}"
        f" instead of {expected[row, dim]:#06x}; {len(different) / found.size:.0%} differ"
    )


def machine(setting: Setting) -> dict[str, Any]:
    """Return the machine on a page: processor, memory, device, versions."""
    device = setting.device
    return {
        "processor": processor(),
        "vectors": vectors(),
        "cores": os.cpu_count(),
        "threads": setting.threads,
        "memory_gib": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "device": {"platform": device.platform, "kind": device.device_kind},
        "python": platform.python_version(),
        "compiler": compiler_version(),
        "versions": versions(_PACKAGES),
    }
