"""From what a person gives to a trajectory: an array, one path, or checkpoints in order."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from drift.sim.errors import BadInput
from drift.sim.stores.locate import locate
from drift.sim.stores.location import LocalLocation, StoreLocation
from drift.sim.stores.run_layout import KIND
from drift.sim.trajectories import checkpoints
from drift.sim.trajectories.files import ACCEPTED, is_hdf5, is_zarr, kind_of, of_file
from drift.sim.trajectories.trajectory import ArrayTrajectory, Trajectory


def open_trajectory(
    given: Any, tensor: str | None = None, format_name: str | None = None
) -> Trajectory:
    """Return the trajectory that is meant: of an array, a path, or several paths.

    `tensor` names one of several, `format_name` the format of codes. Raises BadInput where there is
    none, or where matrices do not go together.
    """
    if isinstance(given, str | os.PathLike | StoreLocation):
        return _of_places([locate(given)], tensor, format_name)
    if isinstance(given, Sequence) and given:
        paths = [isinstance(each, str | os.PathLike | StoreLocation) for each in given]
        if all(paths):
            return _of_places([locate(each) for each in given], tensor, format_name)
        if any(paths):
            raise BadInput("paths and arrays are mixed; a trajectory is either")
        given = np.stack([_array(each) for each in given]) if _alike(given) else given
    if tensor is not None:
        raise BadInput(f"tensor is {tensor!r}, but an array was given")
    return _of_array(given, format_name)


def _alike(matrices: Sequence[Any]) -> bool:
    """Return whether several arrays have one shape and type. Raises BadInput where they differ."""
    shapes = [(np.shape(each), getattr(each, "dtype", None)) for each in matrices]
    for k, shape in enumerate(shapes):
        if shape != shapes[0]:
            one, other = (f"{kind} of shape {size}" for size, kind in (shape, shapes[0]))
            raise BadInput(f"matrix {k} is {one}, matrix 0 {other}; they must be alike")
    return True


def _of_array(given: Any, format_name: str | None) -> Trajectory:
    """Return the trajectory in an array of NumPy, PyTorch, JAX, zarr or h5py."""
    module = type(given).__module__.partition(".")[0]
    if module in ("zarr", "h5py"):
        told = getattr(given, "attrs", {}).get("format") if given.dtype.kind in "ui" else None
        return ArrayTrajectory(given, "the array", format_name or told)
    return ArrayTrajectory(_array(given), "the array", format_name)


def _array(given: Any) -> np.ndarray:
    """Return an array of NumPy, with the bits of the given one."""
    if hasattr(given, "detach"):  # a tensor of PyTorch, of which NumPy knows no bfloat16
        torch, tensor = sys.modules["torch"], given.detach().cpu().contiguous()
        name = str(tensor.dtype).removeprefix("torch.")
        whole = {1: "uint8", 2: "int16", 4: "int32"}.get(tensor.element_size())
        if name.startswith(("bfloat", "float8")) and whole:
            import ml_dtypes

            bits = tensor.view(getattr(torch, whole)).numpy()
            return bits.view(np.dtype(getattr(ml_dtypes, name)))
        return np.asarray(tensor.numpy())
    try:
        found = np.asarray(given)
    except ValueError as error:
        raise BadInput(f"the array is none of one shape; {ACCEPTED}") from error
    if found.dtype.kind in "OSU":
        raise BadInput(f"the array holds {found.dtype}; {ACCEPTED}")
    return found


def _of_places(
    places: list[StoreLocation], tensor: str | None, format_name: str | None
) -> Trajectory:
    """Return the trajectory at one place, or of checkpoints at several."""
    if len(places) == 1:
        found = _of_place(places[0], tensor, format_name)
        if found is not None:
            return found
    paths = [each.path if isinstance(each, LocalLocation) else each for each in places]
    local = [each for each in paths if isinstance(each, Path)]
    if len(places) == 1 and local:
        local = checkpoints.checkpoints_in(local[0])
        return checkpoints.of_checkpoints(local, tensor, format_name)
    for each in local:
        if (is_zarr(each) and kind_of(each) != KIND) or is_hdf5(each):
            raise BadInput(
                f"{each} is one of several sources; each must be a checkpoint, a .npy matrix or a"
                " run's store"
            )
    ordered: list[Any] = list(checkpoints.in_order(local)) if len(local) == len(paths) else paths
    some = [locate(each) if isinstance(each, Path) and is_zarr(each) else each for each in ordered]
    return checkpoints.of_checkpoints(some, tensor, format_name)


def _of_place(
    place: StoreLocation, tensor: str | None, format_name: str | None
) -> Trajectory | None:
    """Return the trajectory at one place; None where it is a trainer's directory."""
    found = checkpoints.of_run(place)
    if found is not None:
        if tensor is not None or format_name is not None:
            option = f"tensor is {tensor!r}" if tensor is not None else f"--as is {format_name}"
            raise BadInput(f"{option}, but {place} is a run, whose snapshots need neither")
        return found
    if not isinstance(place, LocalLocation):
        raise BadInput(f"{place} is not a run's store; others are read only from local paths")
    if not is_zarr(place.path) and checkpoints.checkpoints_in(place.path):
        return None
    return of_file(place.path, tensor, format_name)
