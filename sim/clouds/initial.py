"""The cloud that a drift starts from, wherever it comes from: the one way to it.

drawn   from the normal distribution (sim.clouds.drawn)
rows    the rows of a checkpoint, all or a selection (sim.clouds.checkpoint_rows)
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from drift.sim.arrays.rows import ArrayRows
from drift.sim.clouds.centre import centre_of
from drift.sim.clouds.drawn import draw_cloud
from drift.sim.spec.drift import Drift


class InitialCloud(Protocol):
    """The codes of a cloud at step 0, and what a store says of them."""

    def codes(self, start: int, stop: int) -> np.ndarray:
        """Return codes of tokens start ... stop - 1, of the drift's format, to be read only."""

    def states(self, start: int, stop: int) -> np.ndarray:
        """Return codes of tokens start ... stop - 1 of the state format: what the steps move."""

    @property
    def centre(self) -> np.ndarray | None:
        """The vector around which the cloud is drawn, float64 (dims,); None where there is none."""

    @property
    def token_ids(self) -> np.ndarray | None:
        """The ids that tokens had before, int64 (tokens,); None for those of a drawn cloud."""

    @property
    def facts(self) -> dict[str, Any] | None:
        """The attribute `cloud` of a store; None for a drawn cloud."""


@dataclass(frozen=True)
class DrawnCloud:
    """The cloud that a drift with a sigma draws."""

    drift: Drift
    """the drift, which has a sigma"""
    centre: np.ndarray | None = None
    """float64 (dims,): the vector around which it is drawn; None for 0"""
    token_ids = None
    facts = None

    def codes(self, start: int, stop: int) -> np.ndarray:
        """Draw codes of tokens start ... stop - 1 as sim.clouds.drawn does."""
        return draw_cloud(self.drift, start, stop, self.centre)

    def states(self, start: int, stop: int) -> np.ndarray:
        """Return the codes, drawn, in the state format."""
        target, state = self.drift.target, self.drift.arithmetic.state
        codes = self.codes(start, stop)
        return codes if state == target else state.code(target.value(codes))


def starts_from(spec: Mapping[str, Any], facts: Mapping[str, Any] | None) -> str:
    """Return in words what the steps of a drift begin with, from its spec and its cloud's facts."""
    master, target = spec["master"] != "none", spec["format"]
    if facts is None:
        return f"values drawn in {target}{', as float32 masters' if master else ''}"
    source = facts["format"]
    rows = f"the rows, {source}"
    if master:
        exact = source != "float64"
        held = "as float32 masters; nothing is rounded"
        return f"{rows}, {held if exact else 'rounded once to float32 masters'}"
    return f"{rows}, {'as they are' if source == target else f'rounded once to {target}'}"


def same_rows(before: Mapping[str, Any], now: Mapping[str, Any] | None) -> bool:
    """Return whether the facts of two clouds are of the same rows; either may be an older store's.

    Older stores lack some of the facts; an array may be in a file of another name.
    """
    return now is not None and all(
        before[name] == now[name] for name in before.keys() & now.keys() - {"matrix", "note"}
    )


_ROWS = 4096
"""Tokens looked at at a time."""


def extremes(cloud: InitialCloud, drift: Drift) -> np.ndarray:
    """Return the smallest and the largest state of a cloud in each dimension, float64 (2, dims)."""
    target, tokens = drift.arithmetic.state, drift.tokens
    ends = [
        target.extremes(cloud.states(start, min(start + _ROWS, tokens)))
        for start in range(0, tokens, _ROWS)
    ]
    return target.value(target.extremes(np.concatenate(ends)))


def initial_cloud(drift: Drift) -> InitialCloud:
    """Return the initial cloud of `drift`. Raises BadInput where it can't be had."""
    if drift.origin is None:
        return DrawnCloud(drift, centre_of(drift))
    rows = drift.origin.path
    if isinstance(rows, ArrayRows) and not rows.available and rows.store is not None:
        from drift.sim.clouds.restored import RestoredCloud

        return RestoredCloud(drift, rows.store)
    # Late, since most clouds are drawn, and files of checkpoints take long to load.
    from drift.sim.clouds.checkpoint_rows import CheckpointCloud

    return CheckpointCloud(drift, drift.origin)
