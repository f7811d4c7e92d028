"""Where contenders start from: one cloud, one drift, and what must come out."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from experiments.bench_setting import Setting
from kernels.formats import BFLOAT16
from sim import reference
from sim.schedule import displacements
from sim.simulation import Simulation
from sim.spec import Drift

SIGMA = 0.02
"""About the standard deviation of a trained embedding."""
_SAMPLE = 64


@dataclass
class Field:
    """The cloud's codes, uint16 (tokens, dims), and float32 displacements (steps, dims)."""

    simulation: Simulation
    codes: np.ndarray
    displacements: np.ndarray
    exponent: int = 0
    """of the grid that sums are taken on; any that holds the values does"""
    _expected: dict[int, np.ndarray] = field(default_factory=dict)

    @classmethod
    def of(cls, setting: Setting, group: str, steps: int) -> Self:
        """The cloud of a group, drawn, and the drift of so many steps."""
        tokens, dims = setting.size(group)
        drift = Drift(sigma=SIGMA, tokens=tokens, dims=dims, steps=steps, snapshots="none")
        simulation = setting.simulation(drift)
        start = next(simulation.states([0])).rows.span(0, tokens)
        codes = np.ascontiguousarray(start, np.uint16)
        return cls(simulation, codes, displacements(drift, simulation.u, 1, steps))

    def fill(self, start: int, stop: int) -> np.ndarray:
        """What an engine takes its cloud from."""
        return self.codes[start:stop]

    def wrong(self, codes: np.ndarray, steps: int) -> str | None:
        """The first way in which `codes`, after `steps` steps, differ from the reference."""
        tokens = sample(len(self.codes))
        if steps not in self._expected:
            self._expected[steps] = stepped(self.codes[tokens], self.displacements[:steps])
        return difference(codes[tokens], self._expected[steps], tokens, steps)


def sample(tokens: int) -> np.ndarray:
    """Tokens whose every bit is compared with the reference, spread over the cloud."""
    return np.unique(np.linspace(0, tokens - 1, _SAMPLE).astype(int))


def stepped(codes: np.ndarray, displacements: Iterable[np.ndarray]) -> np.ndarray:
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
