"""Sources of token vectors: a result, a store, a path, a checkpoint, a matrix or an array.

A source is opened only where something is asked of it. Those that are stored are known by their
location, so that the command line and Python share one way.
"""

import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from drift.sim.arrays.given import plain_array
from drift.sim.checkpoints.checkpoint import Checkpoint
from drift.sim.checkpoints.selection import select
from drift.sim.counting.cells import Counts
from drift.sim.errors import BadInput
from drift.sim.matrix import Matrix
from drift.sim.open_matrix import is_run, open_selection, tensor_or_step
from drift.sim.runs.ran import Ran
from drift.sim.runs.result import RunResult
from drift.sim.spec.drift import Drift
from drift.sim.spec.origin import EXPONENTS
from drift.sim.stores.locate import locate
from drift.sim.stores.location import StoreLocation
from drift.sim.stores.run_store import RunStore
from drift.sim.structures.structure import Structure

Selected = tuple[Matrix, dict[str, Any] | None]
"""A matrix, and how its tokens were selected, as in the JSON of `drift structure`."""


class CountedRun(Protocol):
    """A run as figures know it: a store, or a result in memory."""

    @property
    def address(self) -> object:
        """The name for people."""

    @property
    def attrs(self) -> dict[str, Any]:
        """The attributes, the spec among them."""

    @property
    def complete(self) -> bool:
        """True where it has come to its end."""

    @property
    def drift(self) -> Drift:
        """The drift that was run."""

    def records(self) -> list[Counts]:
        """Return its records, rising."""

    def read(self, name: str) -> np.ndarray:
        """Return one of its arrays."""


class TokenSource(ABC):
    """Token vectors, wherever they are."""

    location: StoreLocation | None = None
    """their place; None for those in memory"""

    def __str__(self) -> str:
        return self.name

    @property
    @abstractmethod
    def name(self) -> str:
        """The name for people."""

    @property
    @abstractmethod
    def is_run(self) -> bool:
        """True where it is a run, which has steps and no tensors."""

    @property
    @abstractmethod
    def run(self) -> CountedRun:
        """The run. Raises BadInput where there is none."""

    @abstractmethod
    def step(self, snapshot: int | None) -> int:
        """Return the step of a run's cloud. Raises BadInput where it is not there."""

    @abstractmethod
    def selection(
        self,
        tensor: str | None = None,
        snapshot: int | None = None,
        near: str | None = None,
        exponents: int | None = None,
    ) -> Selected:
        """Return the matrix that is meant. Raises BadInput as sim.open_matrix does."""


class StoredSource(TokenSource):
    """The source at a location: a run's store, or a checkpoint."""

    def __init__(self, location: StoreLocation):
        self.location: StoreLocation = location

    def __str__(self) -> str:
        return str(self.location)

    @property
    def name(self) -> str:
        """The last part of its place."""
        return self.location.name

    @property
    def is_run(self) -> bool:
        """True where it is a run, which has steps and no tensors."""
        return is_run(self.location)

    @property
    def run(self) -> CountedRun:
        """The run. Raises BadInput where there is none."""
        return RunStore(self.location)

    def step(self, snapshot: int | None) -> int:
        """Return the step of a run's cloud. Raises BadInput where it is not there."""
        found = tensor_or_step(self.location, None, snapshot)
        assert isinstance(found, int), "a run has steps"
        return found

    def selection(
        self,
        tensor: str | None = None,
        snapshot: int | None = None,
        near: str | None = None,
        exponents: int | None = None,
    ) -> Selected:
        """Return the matrix that is meant. Raises BadInput as sim.open_matrix does."""
        return open_selection(self.location, tensor, snapshot, near, exponents)


class MatrixSource(TokenSource):
    """A matrix in memory, or of a checkpoint that is open."""

    def __init__(self, matrix: Matrix, name: str = ""):
        self._matrix, self._name = matrix, name or matrix.label

    @property
    def name(self) -> str:
        """The name for people."""
        return self._name

    @property
    def is_run(self) -> bool:
        """False: it has no steps."""
        return False

    @property
    def run(self) -> CountedRun:
        """None is there: raises BadInput."""
        raise BadInput(f"{self._name} is a matrix by itself, and no run")

    def step(self, snapshot: int | None) -> int:
        """Raise BadInput: it has no steps."""
        raise BadInput(f"{self._name} is a matrix by itself, and has no steps")

    def selection(
        self,
        tensor: str | None = None,
        snapshot: int | None = None,
        near: str | None = None,
        exponents: int | None = None,
    ) -> Selected:
        """Return the matrix. Raises BadInput for what only a store or a file has."""
        for what, given in (("tensor", tensor), ("snapshot", snapshot)):
            if given is not None:
                raise BadInput(f"{what} is {given!r}, but {self._name} is a matrix by itself")
        return _near(self._matrix, near, exponents)


class ResultSource(TokenSource):
    """The result of a drift in memory."""

    def __init__(self, found: RunResult):
        self._found = found

    @property
    def name(self) -> str:
        """The name for people."""
        return "the result"

    @property
    def is_run(self) -> bool:
        """True: it has steps."""
        return True

    @property
    def run(self) -> CountedRun:
        """The run that it is."""
        return _MemoryRun(self._found)

    def step(self, snapshot: int | None) -> int:
        """Return the step of a cloud that it holds. Raises BadInput where it holds none of it."""
        step = self._found.drift.steps if snapshot is None else snapshot
        there = sorted({*self._found.snapshots, self._found.drift.steps})
        if step not in there:
            kept = ", ".join(map(str, there))
            raise BadInput(f"the result has no snapshot of step {step}; its snapshots are: {kept}")
        return step

    def selection(
        self,
        tensor: str | None = None,
        snapshot: int | None = None,
        near: str | None = None,
        exponents: int | None = None,
    ) -> Selected:
        """Return the matrix of a step. Raises BadInput for a tensor, which it does not have."""
        if tensor is not None:
            raise BadInput(f"tensor is {tensor!r}, but a result has snapshots and no tensors")
        step = self.step(snapshot)
        if step == self._found.drift.steps:
            return _near(self._found.matrix, near, exponents)
        if self._found.drift.survivors is not None and step != 0:
            raise BadInput("which tokens are present is known of the first and the last step alone")
        ids = self._found.token_ids
        whole = Matrix.whole(self._found.snapshots[step], self._found.drift.target, f"step {step}")
        whole = replace(whole, model=self._found.model)
        return _near(whole if ids is None else replace(whole, token_ids=ids), near, exponents)


class _MemoryRun:
    """A result in memory, with the names of a store."""

    address, complete = "the result", True

    def __init__(self, found: RunResult):
        self._found, self.drift = found, found.drift
        self.attrs: dict[str, Any] = found.as_json()

    def records(self) -> list[Counts]:
        return self._found.records

    def read(self, name: str) -> np.ndarray:
        if name == "snapshot_step":
            return np.array(list(self._found.snapshots))
        found: np.ndarray = getattr(self._found, name)
        return found


def _near(matrix: Matrix, near: str | None, exponents: int | None) -> Selected:
    if near is None:
        if exponents is not None:
            raise BadInput(f"exponents is {exponents} without near; --near names the token")
        return matrix, None
    within = EXPONENTS if exponents is None else exponents
    chosen = select(matrix, str(near), within)
    return chosen, {"near": near if near == "largest" else int(near), "exponents": within}


def source_of(given: Any, format_name: str | None = None) -> TokenSource:
    """Return the source that is meant. Raises BadInput for what is none.

    `format_name` is that of the codes of an array.
    """
    if isinstance(given, TokenSource):
        return given
    if isinstance(given, Ran):
        return StoredSource(given.store.address)
    if isinstance(given, RunResult):
        return ResultSource(given)
    if isinstance(given, RunStore):
        return StoredSource(given.address)
    if isinstance(given, Checkpoint):
        return MatrixSource(given.matrix())
    if isinstance(given, Structure):
        return MatrixSource(given.matrix)
    if isinstance(given, Matrix):
        return MatrixSource(given)
    if isinstance(given, str | os.PathLike | StoreLocation):
        return StoredSource(locate(given))
    if hasattr(given, "detach"):  # a tensor of PyTorch
        given = plain_array(given, "bits")
    if hasattr(given, "__array__") or isinstance(given, Sequence):
        return MatrixSource(Matrix.from_array(given, format_name))
    raise BadInput(
        f"a {type(given).__name__} is given; a result, a store, a path, a checkpoint or an array"
        " (tokens, dims) is accepted"
    )
