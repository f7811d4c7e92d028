"""Where contenders start from: one cloud, one drift, and what must come out."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from drift.experiments.bench.setting import Setting
from drift.kernels.formats import BFLOAT16
from drift.sim.clouds.direction import direction
from drift.sim.clouds.drawn import draw_cloud
from drift.sim.engines import reference
from drift.sim.spec.drift import Drift
from drift.sim.spec.schedule import displacements

SIGMA = 0.02
"""About the standard deviation of a trained embedding."""
_SAMPLE = 64
_DRAWN = 1024
"""Tokens drawn at a time."""


@dataclass
class Field:
    """The cloud's codes, uint16 (tokens, dims), and float32 displacements (steps, dims).

    The schedule is not constant, so that nobody may stop where nothing moves any more.
    """

    drift: Drift
    codes: np.ndarray
    displacements: np.ndarray
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
            self._expected[steps] = stepped(self.codes[tokens], self.displacements[:steps])
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
