"""Trajectories in one file: .npy, safetensors, zarr, HDF5; what else it may be is named.

Nothing that can run code is ever opened: a pickle is refused by its first bytes.
"""

import math
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from drift.kernels.formats import Format
from drift.sim.checkpoints.first_bytes import recognised
from drift.sim.checkpoints.mapped import MappedCodes
from drift.sim.checkpoints.safetensors import format_shape
from drift.sim.checkpoints.weights import FORMATS_BY_DTYPE, Weights
from drift.sim.errors import BadInput, printable, printable_name
from drift.sim.strict_json import open_regular, read_document
from drift.sim.trajectories.trajectory import (
    ArrayTrajectory,
    MappedTrajectory,
    Trajectory,
    format_of,
)

_HDF5 = (".h5", ".hdf5", ".hdf", ".he5")
_CODES = {f"{kind}{8 * n}": np.dtype(f"<{kind.lower()}{n}") for n in (1, 2, 4) for kind in "UI"}
"""Types of tensors that may hold codes."""
TRAINING = "drift training"
"""The attribute `kind` of the store of a training, whose samples are numbered by its `step`."""
_LISTED = 12
"""Most names that a message lists."""
ACCEPTED = (
    "a trajectory is a .safetensors, .npy, zarr or HDF5 array (steps, tokens, dims), a run's store,"
    " or checkpoints in order"
)


def is_zarr(path: Path) -> bool:
    """Return whether a zarr array or group is at a path, of version 3 or 2."""
    return any((path / name).is_file() for name in ("zarr.json", ".zarray", ".zgroup"))


def kind_of(path: Path) -> str | None:
    """Return what a zarr group's attribute `kind` says, as drift's stores do; None elsewhere.

    Raises BadInput where its zarr.json can't be read.
    """
    if not (path / "zarr.json").is_file():
        return None
    told = read_document(path / "zarr.json")
    attributes = told.get("attributes") if isinstance(told, dict) else None
    kind = attributes.get("kind") if isinstance(attributes, dict) else None
    return kind if isinstance(kind, str) and told.get("node_type") == "group" else None


def is_hdf5(path: Path) -> bool:
    """Return whether a file is HDF5, by its name or its first bytes."""
    if path.suffix.lower() in _HDF5:
        return True
    if not path.is_file():
        return False
    with open_regular(path) as file:
        return file.read(8) == b"\x89HDF\r\n\x1a\n"


def of_file(path: Path, tensor: str | None, format_name: str | None) -> Trajectory:
    """Return the trajectory in a file, or in a zarr array or group.

    Raises BadInput where none is there, or where several may be meant.
    """
    if is_zarr(path):
        return _in_zarr(path, tensor, format_name)
    if path.suffix == ".npy":
        if tensor is not None:
            raise BadInput(f"tensor is {printable(repr(tensor))}, but {path} is one array")
        array = open_npy(path)
        return _mapped_npy(path, array, format_name)
    if is_hdf5(path):
        return _in_hdf5(path, tensor, format_name)
    if path.suffix == ".npz":
        raise BadInput(f"{path} is a NumPy archive of several arrays; np.save one of them as .npy")
    return _in_safetensors(path, tensor, format_name)


def open_npy(path: Path) -> np.ndarray:
    """Return the array in a .npy file, mapped. Raises BadInput where there is none."""
    open_regular(path).close()
    try:
        found = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        if any(word in str(error) for word in ("pickle", "Object arrays", "Python objects")):
            raise BadInput(
                f"{path} holds Python objects, which may run code; {ACCEPTED}"
            ) from error
        kind = recognised(path)
        what = kind if kind and not kind.startswith("a NumPy") else "no whole .npy array"
        raise BadInput(f"{path} is {what}; {ACCEPTED}") from error
    if not isinstance(found, np.ndarray):
        found.close()
        raise BadInput(f"{path} is a NumPy archive of several arrays; np.save one of them as .npy")
    return found


def _mapped_npy(path: Path, array: np.ndarray, format_name: str | None) -> Trajectory:
    whole = ArrayTrajectory(array, str(path), format_name)
    if not (isinstance(array, np.memmap) and array.flags.c_contiguous):
        return whole
    flat = (whole.samples, whole.tokens * whole.dims)
    swapped = array.dtype.kind != "V" and not array.dtype.isnative
    kind = whole.target.storage.newbyteorder("S" if swapped else "=")
    codes = MappedCodes.of(path, kind, array.offset, flat)
    shape = (whole.samples, whole.tokens, whole.dims)
    return MappedTrajectory(codes, str(path), whole.target, shape)


def _in_safetensors(path: Path, tensor: str | None, format_name: str | None) -> Trajectory:
    weights = Weights(path)
    if tensor is None:
        solid = [each.name for each in weights.tensors() if len(each.shape) == 3]
        tensor = _only(solid, str(path), "3-D tensor", weights.listed())
    found = weights.tensor(tensor)
    label = f"{path}, {printable_name(tensor)}"
    if len(found.shape) != 3:
        raise BadInput(
            f"{label} has shape {format_shape(found.shape)}; a trajectory has three dimensions"
            " (steps, tokens, dims), or is a list of checkpoints"
        )
    kind = _kind_of(found.dtype, label)
    target = format_of(kind, format_name, label)
    if 0 in found.shape:
        raise BadInput(f"{label} is empty: its shape is {format_shape(found.shape)}")
    shape = found.shape[0], found.shape[1], found.shape[2]
    flat = shape[0], math.prod(shape[1:])
    codes = weights.mapped(found, target.storage.newbyteorder("<"), flat)
    made = MappedTrajectory(codes, label, target, shape)
    made.notes += weights.notes
    return made


def _kind_of(dtype: str, label: str) -> np.dtype:
    """Return the NumPy type of a tensor's values, by the name that safetensors gives it."""
    if dtype in _CODES:
        return _CODES[dtype]
    if dtype not in FORMATS_BY_DTYPE:
        known = ", ".join([*FORMATS_BY_DTYPE, *_CODES])
        raise BadInput(f"{label} has dtype {printable(dtype)}; one of {known} is accepted")
    return FORMATS_BY_DTYPE[dtype].dtype


def matrix_codes(
    weights: Weights, tensor: str, format_name: str | None, label: str
) -> tuple[np.ndarray, Format] | None:
    """Return codes of a 2-D tensor of integers, and their format; None for other tensors.

    Raises BadInput where the format is not named.
    """
    found = weights.tensor(tensor)
    if found.dtype not in _CODES or len(found.shape) != 2 or 0 in found.shape:
        return None
    target = format_of(_CODES[found.dtype], format_name, label)
    return weights.mapped(found, target.storage.newbyteorder("<")), target


def _in_zarr(path: Path, tensor: str | None, format_name: str | None) -> Trajectory:
    import zarr

    opened = _opened(path, lambda: zarr.open(str(path), mode="r"))
    kind, arrays = None, dict[str, Any]()
    if isinstance(opened, zarr.Group):
        if (kind := kind_of(path)) in ("drift sweep", "drift track"):
            what = f"the store of a {kind[6:]}, which holds no clouds"
            raise BadInput(f"{path} is {what}; {ACCEPTED}")
        arrays = _opened(path, lambda: dict(opened.arrays()))
        if tensor is None:
            solid = [name for name, each in arrays.items() if len(each.shape) == 3]
            tensor = _only(solid, str(path), "3-D array", _held(list(arrays)))
        within = tensor
        found = arrays.get(within) or _opened(path, lambda: opened.get(within))
        if not isinstance(found, zarr.Array):
            raise BadInput(
                f"{path} holds no array {printable(repr(tensor))}; {_held(list(arrays))}"
            )
        label, opened = f"{path}, {printable_name(tensor)}", found
    elif tensor is not None:
        raise BadInput(f"tensor is {printable(repr(tensor))}, but {path} is one array")
    else:
        label = str(path)
    assert isinstance(opened, zarr.Array), "it is an array or a group"
    made = ArrayTrajectory(opened, label, format_name or _told(opened.attrs, opened.dtype))
    if kind == TRAINING:
        made.steps = _opened(path, lambda: np.asarray(arrays["step"][:]))
    return made


def _in_hdf5(path: Path, tensor: str | None, format_name: str | None) -> Trajectory:
    try:
        import h5py
    except ImportError as error:
        raise BadInput(f"{path} is HDF5, which needs the extra bf16-drift[hdf5]") from error
    open_regular(path).close()
    file = _opened(path, lambda: h5py.File(path, "r"))
    arrays: dict[str, Any] = {}

    def visit(name: str, found: Any) -> None:
        if isinstance(found, h5py.Dataset):
            arrays[name] = found

    _opened(path, lambda: file.visititems(visit))
    if tensor is None:
        solid = [name for name, each in arrays.items() if len(each.shape or ()) == 3]
        tensor = _only(solid, str(path), "3-D dataset", _held(list(arrays)))
    name = tensor.strip("/")
    if name not in arrays:
        raise BadInput(f"{path} holds no dataset {printable(repr(tensor))}; {_held(list(arrays))}")
    label = f"{path}, {printable_name(name)}"
    dtype = _opened(path, lambda: arrays[name].dtype)
    return ArrayTrajectory(arrays[name], label, format_name or _told(arrays[name].attrs, dtype))


def _told(attributes: Any, dtype: Any) -> str | None:
    """Return the format that an array of integers names in its attributes, as drift's own do."""
    with suppress(Exception):  # attributes of any kind, by any writer
        told = attributes.get("format")
        if np.dtype(dtype).kind in "ui" and isinstance(told, str):
            return told
    return None


def _opened(path: Path, do: Callable[[], Any]) -> Any:
    """Return what a library makes of a file; what goes wrong is a BadInput of one line."""
    try:
        return do()
    except (BadInput, MemoryError):
        raise
    except Exception as error:
        why = printable(" ".join(str(error).split()), 200) or type(error).__name__
        raise BadInput(f"{path} can't be read: {why}") from error


def _only(names: list[str], where: str, what: str, held: str) -> str:
    """Return the only name; BadInput where there are none or several."""
    if len(names) == 1:
        return names[0]
    if not names:
        raise BadInput(f"{where} holds no {what} (steps, tokens, dims); {held}")
    listed = ", ".join(map(printable_name, names[:_LISTED]))
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    raise BadInput(f"{where} holds several {what}s: {listed}{more}; --tensor names one")


def _held(names: list[str]) -> str:
    listed = ", ".join(map(printable_name, names[:_LISTED])) or "no arrays"
    return f"it holds {listed}{f' and {len(names) - _LISTED} more' if len(names) > _LISTED else ''}"
