"""Token vectors from a run's store, from a checkpoint, or from a .npy file.

run         a Zarr group, which drift run wrote; of it, a snapshot's codes
checkpoint  anything else at a local path: safetensors files (sim.checkpoints.checkpoint)
kept        a snapshot the run's spec asks for; it is there once it is written, which
            an unfinished run has not done with all of them
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from drift.kernels.formats import FORMATS
from drift.sim.arrays.rows import ArrayRows, is_file
from drift.sim.checkpoints import hub, layouts
from drift.sim.devices.host_memory import check_memory
from drift.sim.errors import BadInput
from drift.sim.matrix import FLOAT64, Matrix
from drift.sim.spec.origin import EXPONENTS
from drift.sim.stores import integrity
from drift.sim.stores.locate import locate
from drift.sim.stores.location import AnyLocation, LocalLocation, StoreLocation

if TYPE_CHECKING:
    from drift.sim.stores.run_store import RunStore

_CHUNKS_TOGETHER = 8
"""Chunks of a store that are read at once: its library works on these side by side."""
_SHOWN = 12
"""Most steps that a message lists."""


def is_run(place: AnyLocation) -> bool:
    """Return whether a Zarr group is at `place`."""
    return locate(place).holds_group()


def open_matrix(
    location: AnyLocation, tensor: str | None = None, snapshot: int | None = None
) -> Matrix:
    """Return the matrix at `location`: of a run, in memory; of a checkpoint, in its file.

    `snapshot` is the step of the run whose present tokens are wanted, the last one
    kept by default; their ids are their places in the run, or, where it started from
    a checkpoint, those they had there. `tensor` names a matrix of the checkpoint. Raises
    BadInput where there is neither, for the one option where the other belongs, and
    for a snapshot that is not there or does not fit into memory.
    """
    at = locate(location)
    which = tensor_or_step(at, tensor, snapshot)
    if isinstance(which, int):
        return _snapshot(at, which)
    from drift.sim.checkpoints.checkpoint import Checkpoint

    assert isinstance(at, LocalLocation)
    if is_file(at.path):
        return _array(at.path)
    return Checkpoint(at.path).matrix(which)


def open_selection(
    location: AnyLocation,
    tensor: str | None = None,
    snapshot: int | None = None,
    near: str | None = None,
    exponents: int | None = None,
) -> tuple[Matrix, dict[str, Any] | None]:
    """Return the matrix there, or its rows near one token, and the selection as in the JSON.

    Raises BadInput for options that do not go together, and as `open_matrix` does.
    """
    from drift.sim.checkpoints.selection import select

    if exponents is not None and near is None:
        raise BadInput(f"exponents is {exponents} without near; --near names the token")
    matrix = open_matrix(location, tensor, snapshot)
    if near is None:
        return matrix, None
    within = EXPONENTS if exponents is None else exponents
    selected = select(matrix, near, within)  # which knows what `near` may be
    return selected, {"near": near if near == "largest" else int(near), "exponents": within}


def tensor_or_step(
    location: AnyLocation, tensor: str | None = None, snapshot: int | None = None
) -> str | int:
    """Return what `open_matrix` would open: a run's step, or a tensor's name.

    Raises BadInput as it does.
    """
    at = locate(location)
    if at.holds_group():
        if tensor is not None:
            raise BadInput(
                f"tensor is {tensor!r}, but {at} is a run, which has snapshots and no tensors"
            )
        return _step(at, snapshot)
    if not at.exists() and not (isinstance(at, LocalLocation) and hub.cached(at.path)):
        else_ = layouts.looked_for(at.path) if isinstance(at, LocalLocation) else ""
        raise BadInput(f"{at} does not exist; a run's store or a checkpoint is needed{else_}")
    if not isinstance(at, LocalLocation):
        raise BadInput(f"{at} is not a run's store; checkpoints are read only from local paths")
    if snapshot is not None:
        raise BadInput(
            f"snapshot is {snapshot}, but {at} is not a run;"
            " a checkpoint has tensors and no snapshots"
        )
    if is_file(at.path):
        if tensor is not None:
            raise BadInput(f"tensor is {tensor!r}, but {at} is an array, which is one matrix")
        return ""
    from drift.sim.checkpoints.checkpoint import Checkpoint

    return Checkpoint(at.path).default() if tensor is None else tensor


def _array(path: Path) -> Matrix:
    """Return the matrix of a .npy file, whose type tells the format."""
    found = ArrayRows.of(path).matrix
    if found.format == FLOAT64:
        raise BadInput(f"{path} holds float64; cells are those of a format: float32 or narrower")
    return found


def _step(location: StoreLocation, step: int | None) -> int:
    """Return the step, or that of the last snapshot kept; raise BadInput where it is not there."""
    from drift.sim.stores.run_store import (
        RunStore,  # which takes a second that a checkpoint does not need
    )

    store = RunStore(location)
    if not store.has("bits"):
        raise BadInput(f"{location} has no snapshots: it was run with --snapshots none")
    kept = [int(each) for each in store.read("snapshot_step")]
    there = [each for each in kept if _written(store, each)]
    step = kept[-1] if step is None else step
    if step not in there:
        raise BadInput(f"{location} has {_without(step, there, kept)}")
    return step


def _snapshot(location: StoreLocation, step: int) -> Matrix:
    from drift.sim.stores.run_store import RunStore

    store = RunStore(location)
    at = store.read("snapshot_step").tolist().index(step)
    tokens = np.arange(store.array("bits").shape[1])
    ids = store.read("token_id") if store.has("token_id") else tokens
    present = tokens
    if store.has("present"):
        present = np.flatnonzero(store.values("present", at) == 1)
    label = f"{location}, step {step}"
    codes = _codes(store, at, present, label)
    target = FORMATS[str(store.array("bits").attrs["format"])]
    origin = store.attrs["spec"].get("from") if store.has("token_id") else None
    model = None if origin is None else Path(origin)
    return Matrix(codes, target, label, ids[present], model=model)


def _written(store: "RunStore", step: int) -> bool:
    """Return whether a snapshot that is kept is there: it was written before its record."""
    if store.complete or (step == 0 and "initial" in store.attrs):
        return True
    return step in store.values("step", there=False)


def _without(step: int, there: list[int], kept: list[int]) -> str:
    """Return the words for a step whose snapshot is not there."""
    late = " yet: the run is not complete" if step in kept else ""
    shown = ", ".join(map(str, there[:_SHOWN])) or "none"
    more = f" and {len(there) - _SHOWN} more" if len(there) > _SHOWN else ""
    return f"no snapshot of step {step}{late}; its snapshots are of steps: {shown}{more}"


def _codes(store: "RunStore", at: int, tokens: np.ndarray, label: str) -> np.ndarray:
    """Read codes (len(tokens), dims) of a snapshot, a few chunks at a time; `tokens` rise."""
    array = store.array("bits")
    _, every, dims = array.shape
    check_memory(len(tokens) * dims * array.dtype.itemsize, label)
    codes = np.empty((len(tokens), dims), array.dtype)
    span = array.chunks[1] * _CHUNKS_TOGETHER
    for start in range(0, every, span):
        here = (at, slice(start, start + span))
        block = integrity.read(array, store.address, here)
        low, high = np.searchsorted(tokens, [start, start + span])
        codes[low:high] = block[tokens[low:high] - start]
        integrity.check(codes[low:high, :1], array, store.address, here)
    return codes
