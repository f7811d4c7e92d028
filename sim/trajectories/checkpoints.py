"""Trajectories of several sources: checkpoints in order, and the snapshots of a run.

A checkpoint is a safetensors file, an index, a directory, or a .npy matrix; a run's store stands
for its last snapshot. All headers are read before the first matrix is.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from drift.sim.checkpoints.checkpoint import Checkpoint
from drift.sim.checkpoints.layouts import by_number
from drift.sim.errors import BadInput, printable_name
from drift.sim.matrix import Matrix
from drift.sim.open_matrix import is_run, open_matrix
from drift.sim.stores.location import LocalLocation, StoreLocation
from drift.sim.stores.run_layout import KIND
from drift.sim.stores.run_store import RunStore
from drift.sim.trajectories.files import kind_of, matrix_codes, open_npy
from drift.sim.trajectories.trajectory import Trajectory, codes_of, format_of


class MatrixTrajectory(Trajectory):
    """A trajectory of matrices, opened anew whenever they are read.

    Raises BadInput where one of them has another shape, format or tokens than the first.
    """

    def __init__(self, opened: Sequence[Callable[[], Matrix]], label: str):
        first = opened[0]()
        tokens, dims = first.codes.shape
        super().__init__(label, first.format, (len(opened), tokens, dims))
        self.token_ids = first.token_ids
        self._opened = opened
        self.notes += [first.note] if first.note else []
        for each in opened[1:]:
            _check_alike(first, each())

    def read(self, samples: range, rows: slice) -> np.ndarray:
        """Return the codes of one sample, in its file."""
        found = [np.asarray(self._opened[k]().codes[rows]) for k in samples]
        codes = found[0][None] if len(found) == 1 else np.stack(found)
        return codes_of(codes, self.target, self.label)


def _check_alike(first: Matrix, other: Matrix) -> None:
    """Raise BadInput where a matrix does not go with the first one."""
    for what, of_first, of_other in (
        ("format", first.format.name, other.format.name),
        *zip(("tokens", "dims"), first.codes.shape, other.codes.shape, strict=True),
    ):
        if of_first != of_other:
            raise BadInput(
                f"{what} is {of_first} in {first.label}, {of_other} in {other.label}; it must be"
                " the same in all"
            )
    if not np.array_equal(first.token_ids, other.token_ids):
        raise BadInput(f"{first.label} and {other.label} hold different tokens; one set is needed")


def in_order(paths: Sequence[Path]) -> list[Path]:
    """Return checkpoints by their numbers, where nothing but numbers tells them apart."""
    alike = {re.sub(r"\d+", "0", each.as_posix().rstrip("/")) for each in paths}
    if len(alike) > 1:
        return list(paths)
    return sorted(paths, key=lambda each: [by_number(Path(part)) for part in each.parts])


def checkpoints_in(path: Path) -> list[Path]:
    """Return the numbered checkpoints of a trainer in a directory, by number; none elsewhere."""
    if not path.is_dir() or next(path.glob("*.safetensors*"), None):
        return []
    inside = [each for each in path.iterdir() if re.fullmatch(r".*\d+", each.name)]
    held = [each for each in inside if each.is_dir() and next(each.glob("*.safetensors*"), None)]
    return in_order(sorted(held, key=by_number)) if len(held) > 1 else []


def of_checkpoints(
    places: Sequence[StoreLocation | Path], tensor: str | None, format_name: str | None
) -> MatrixTrajectory:
    """Return the trajectory of checkpoints in order. Raises BadInput where they do not fit."""
    first, notes = places[0], list[str]()
    name = tensor
    if tensor is None and isinstance(first, Path) and first.suffix != ".npy":
        checkpoint = Checkpoint(first)
        name = checkpoint.default()
        notes = checkpoint.notes
    opened = [_opener(each, name, format_name) for each in places]
    label = f"{places[0]} … {places[-1]}, {len(places)} checkpoints"
    found = MatrixTrajectory(opened, label)
    found.notes += notes
    return found


def _opener(
    place: StoreLocation | Path, tensor: str | None, format_name: str | None
) -> Callable[[], Matrix]:
    """Return what opens the matrix of one checkpoint."""

    def opened() -> Matrix:
        if not isinstance(place, Path):
            return open_matrix(place, None)
        if place.suffix == ".npy":
            return _npy_matrix(place, format_name)
        checkpoint = Checkpoint(place)
        assert tensor is not None, "the first checkpoint has a default"
        label = f"{place}, {printable_name(tensor)}"
        if coded := matrix_codes(checkpoint.weights, tensor, format_name, label):
            return Matrix.whole(*coded, label)
        found = replace(checkpoint.matrix(tensor), label=label)
        if format_name is not None and found.format.name != format_name:
            target = format_of(found.format.dtype, format_name, label)
            return replace(found, format=target)
        return found

    return opened


def _npy_matrix(path: Path, format_name: str | None) -> Matrix:
    array = open_npy(path)
    if array.ndim != 2 or not array.size:
        raise BadInput(f"{path} has shape {list(array.shape)}; a matrix (tokens, dims) is needed")
    target = format_of(array.dtype, format_name, str(path))
    codes = codes_of(np.ascontiguousarray(array), target, str(path))
    return Matrix.whole(codes, target, str(path))


class SnapshotTrajectory(Trajectory):
    """The snapshots of a run, each at its step; tokens that have left are not present.

    Raises BadInput where the run has fewer than two that are written.
    """

    def __init__(self, place: StoreLocation):
        store = RunStore(place)
        if not store.has("bits"):
            raise BadInput(f"{place} has no snapshots: it was run with --snapshots none")
        steps = store.drift.snapshot_steps
        there = [each for each in steps if each in store.snapshots()]
        _, tokens, dims = store.array("bits").shape
        target = store.drift.target
        super().__init__(f"{place}, snapshots", target, (len(there), tokens, dims))
        self._place = place
        self.steps = np.array(there)
        self._ids = store.read("token_id") if store.has("token_id") else np.arange(tokens)
        self.token_ids = self._ids
        self._leave = store.has("present")
        self._present: dict[int, np.ndarray] = {}

    def read(self, samples: range, rows: slice) -> np.ndarray:
        """Return the codes of snapshots; rows of tokens that have left are zeros."""
        found = np.zeros((len(samples), self.tokens, self.dims), self.target.storage)
        self._present.clear()
        for at, k in enumerate(samples):
            matrix = open_matrix(self._place, snapshot=int(self.steps[k]))
            here = np.searchsorted(self._ids, matrix.token_ids)
            found[at, here] = matrix.codes
            if self._leave:
                self._present[k] = np.isin(self._ids, matrix.token_ids)
        return found[:, rows]

    def present(self, sample: int) -> np.ndarray | None:
        """Return who is present at a sample that was read last."""
        return self._present.get(sample)


def of_run(place: StoreLocation) -> Trajectory | None:
    """Return the trajectory of a run's snapshots; None where no run's store is.

    Raises BadInput where something else is on object storage.
    """
    local = isinstance(place, LocalLocation)
    held = kind_of(place.path) == KIND if isinstance(place, LocalLocation) else is_run(place)
    if not held:
        return None
    if local or place.group().attrs.get("kind") == KIND:
        return SnapshotTrajectory(place)
    raise BadInput(f"{place} is not a run's store; others are read only from local paths")
