"""The results of drifts: in memory, of drift.simulate, or in a store, of drift.run.

Both have the same names, which are those of the JSON and of stores. Two results are equal where
the same was asked and the same was found, however and wherever it was done.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from drift.sim import matrix
from drift.sim.counting.cells import Counts
from drift.sim.engines.choose import Engine
from drift.sim.matrix import Matrix
from drift.sim.results.equality import same
from drift.sim.results.frames import pandas_for
from drift.sim.results.page import ShownAsTable
from drift.sim.spec.drift import Drift
from drift.sim.spec.motion_rules import kind_of
from drift.sim.stores.run_store import SHOWN
from drift.sim.structures.black_holes import BlackHole, black_holes

_HOLES = 12
"""Most populations in the line below a table."""


@dataclass(frozen=True, eq=False, repr=False)
class RunResult(ShownAsTable):
    """A drift and what was counted of it."""

    drift: Drift
    """the drift itself"""
    engine: Engine
    """the one that moved it: step or leap"""
    initial: Counts
    """at step 0"""
    final: Counts
    """after the last step"""
    populations: np.ndarray
    """int64 (black holes,), falling: tokens in each after the last step"""
    records: list[Counts]
    """at the steps that the drift records, rising"""
    direction: np.ndarray
    """float64 (dims,): the unit vector u, as used"""
    token_ids: np.ndarray | None
    """int64 (tokens,): of a checkpoint's rows, which of its tensor; None of a drawn cloud"""

    if TYPE_CHECKING:  # fields of the one result, properties of the other

        @property
        def bits(self) -> np.ndarray:
            """Codes after the last step, (tokens, dims)."""

        @property
        def present(self) -> np.ndarray:
            """True for tokens that are there after the last step, bool (tokens,)."""

        @property
        def snapshots(self) -> Mapping[int, np.ndarray]:
            """The codes that the drift keeps, by step."""

    @property
    def codes(self) -> np.ndarray:
        """Codes after the last step, (tokens, dims), unsigned; another name of `bits`."""
        return self.bits

    @property
    def values(self) -> np.ndarray:
        """Values after the last step, float32 (tokens, dims), exact."""
        return matrix.values(self.bits, self.drift.target)

    @property
    def matrix(self) -> Matrix:
        """The tokens that are present after the last step, with their ids."""
        ids = np.arange(self.drift.tokens) if self.token_ids is None else self.token_ids
        rows = np.flatnonzero(self.present)
        label = f"step {self.drift.steps}"
        found = Matrix(self.bits, self.drift.target, label, ids, model=self.model)
        return found.select_rows(rows)

    @property
    def model(self) -> Path | None:
        """The checkpoint whose rows were the cloud; None where it was drawn, or an array."""
        return None if self.drift.origin is None else self.drift.origin.model

    @cached_property
    def black_holes(self) -> list[BlackHole]:
        """The black holes after the last step with their token ids, most tokens first."""
        return black_holes(self.matrix)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RunResult):
            return NotImplemented
        if self is other:
            return True
        if self.drift.as_json() != other.drift.as_json():
            return False
        names = ("initial", "final", "records", "populations", "direction", "token_ids")
        if not all(same(getattr(self, name), getattr(other, name)) for name in names):
            return False
        both = self.drift.snapshot_steps
        return all(same(self.snapshots[step], other.snapshots[step]) for step in both)

    def __hash__(self) -> int:
        return hash((self.drift.sigma, self.drift.steps, self.drift.seed, self.final))

    def as_json(self) -> dict[str, Any]:
        """Return plain JSON values: those of `drift run --json` that are known."""
        return {
            "spec": self.drift.as_json(),
            "engine": self.engine,
            "initial": self.initial.as_json(),
            "final": {**self.final.as_json(), "populations": self.populations.tolist()},
            "records": [counts.as_json() for counts in self.records],
        }

    def to_pandas(self) -> Any:
        """Return the records as a DataFrame, one row for each step.

        Raises BadInput where pandas is not installed.
        """
        pandas = pandas_for("to_pandas")
        frame = pandas.DataFrame([counts.as_json() for counts in self.records])
        return frame.set_index("step")

    def title(self) -> str:
        """Return the shape of the cloud and its drift."""
        return f"{_title(self.drift)}: {self.final.distinct:,} of {self.final.alive:,} distinct"

    def head(self) -> list[str]:
        """Return the counts that the table shows."""
        return [name.replace("_", " ") for name in SHOWN]

    def body(self) -> list[list[Any]]:
        """Return these counts at every record, the last step among them."""
        found = {counts.step: counts for counts in (self.initial, *self.records, self.final)}
        return [[getattr(found[step], name) for name in SHOWN] for step in sorted(found)]

    def lines(self) -> dict[str, list[float | None]]:
        """Return the distinct cells over the records."""
        return {"distinct cells": [counts.distinct for counts in self.records]}

    def last_line(self) -> str:
        """Return the largest populations."""
        if not len(self.populations):
            return "no black holes"
        shown = " ".join(f"{n:,}" for n in self.populations[:_HOLES].tolist())
        more = len(self.populations) - _HOLES
        return f"black holes by population: {shown}" + (f" … and {more:,} more" * (more > 0))


def _title(drift: Drift) -> str:
    """Return a drift in a few words."""
    sigma = "rows of a checkpoint" if drift.sigma is None else f"σ = {drift.sigma:g}"
    kind = kind_of(drift.motion)
    far = f"R = {drift.radius:g}" if kind == "straight" else kind
    shape = f"{drift.tokens:,} tokens × {drift.dims:,} dims in {drift.format}"
    return f"{shape}, {sigma}, {far}, X = {drift.steps:,}"
