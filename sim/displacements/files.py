"""The rows of a file of displacements, an array (steps, dims) of float32, a block at a time.

.npy          the array itself
.safetensors  one of its tensors
Zarr          an array, or one in a group: a directory that ends in .zarr, or a path within it
.h5, .hdf5    one of the file's data sets; needs the extra hdf5

Narrower floating-point numbers are taken too: every one of them is a float32 exactly.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from drift.sim.displacements.paths import SUFFIXES
from drift.sim.errors import BadInput, printable, printable_name
from drift.sim.mapped_array import mapped_array

_LISTED = 5
"""Names that a line shows."""


class TableRows(Protocol):
    """An array of displacements, of which some rows can be had."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the whole: (steps, dims)."""

    @property
    def dtype(self) -> Any:
        """The type of its numbers."""

    def __getitem__(self, rows: slice) -> Any:
        """Return some of its rows."""


def open_rows(path: str, tensor: str | None) -> TableRows:
    """Open a file; `tensor` names one of its arrays where it holds several.

    Raises BadInput, in a line, for what is missing, can't be read, or holds no displacements.
    """
    name = f"motion {printable(path)}"
    parts = Path(path).parts
    last = next(k for k, part in enumerate(parts) if part.endswith(SUFFIXES))
    if not Path(*parts[: last + 1]).exists():
        raise BadInput(f"{name}: there is no such file")
    kind = next(suffix for suffix in SUFFIXES if parts[last].endswith(suffix))
    if kind == ".npy" and tensor is not None:
        raise BadInput(
            f"motion_tensor is {printable(tensor)} with {name}; a .npy file holds one array"
        )
    rows = _OPENERS[kind](path, tensor, name)
    check_rows(rows, name)
    return rows


def check_rows(rows: TableRows, name: str) -> None:
    """Raise BadInput, which begins with `name`, for an array that is no table of displacements."""
    kind = np.dtype(rows.dtype)
    floating = kind.kind == "f" or kind.name.startswith(("bfloat", "float"))
    if not floating or kind.itemsize > 4:
        raise BadInput(f"{name}: it holds {kind.name}; it must hold float32")
    if len(rows.shape) != 2 or not all(rows.shape):
        raise BadInput(f"{name}: its shape is {tuple(rows.shape)}; it must be (steps, dims)")


def _npy(path: str, tensor: str | None, name: str) -> TableRows:
    found = mapped_array(path, f"{name}: it")
    if not isinstance(found, np.ndarray):
        raise BadInput(f"{name}: it is not a readable .npy array")
    return found


class _TensorRows:
    """The rows of a tensor of a safetensors file."""

    def __init__(self, whole: Any):
        self._whole, self.shape = whole, tuple(whole.get_shape())
        kinds = {"F32": "float32", "F16": "float16", "F64": "float64"}
        found = whole.get_dtype()
        self.dtype = np.dtype(kinds.get(found, "int64"))
        self.told = None if found in kinds else found

    def __getitem__(self, rows: slice) -> Any:
        return self._whole[rows]


def _safetensors(path: str, tensor: str | None, name: str) -> TableRows:
    from safetensors import SafetensorError, safe_open

    try:
        file = safe_open(path, "numpy")
        chosen = _chosen(dict.fromkeys(file.keys()), tensor, name)
        found = _TensorRows(file.get_slice(chosen))
    except (SafetensorError, OSError) as error:
        raise BadInput(f"{name}: it is not a readable safetensors file") from error
    if found.told is not None:
        raise BadInput(f"{name}: {printable_name(chosen)} holds {found.told}; it must hold F32")
    return found


def _zarr(path: str, tensor: str | None, name: str) -> TableRows:
    import zarr

    try:
        found = zarr.open(path, mode="r")
        if isinstance(found, zarr.Group):
            arrays = dict(found.arrays())
            found = arrays[_chosen(arrays, tensor, name)]
        elif tensor is not None:
            raise BadInput(
                f"motion_tensor is {printable(tensor)} with {name}, which is an array itself"
            )
    except BadInput:
        raise
    except Exception as error:  # whatever a codec or a store raises
        raise BadInput(f"{name}: it is not a readable Zarr array") from error
    return found


def _hdf5(path: str, tensor: str | None, name: str) -> TableRows:
    try:
        import h5py
    except ImportError as error:
        raise BadInput(
            f"{name}: it needs the extra hdf5: pip install 'bf16-drift[hdf5]'"
        ) from error
    arrays: dict[str, Any] = {}

    def found(key: str, each: Any) -> None:
        if isinstance(each, h5py.Dataset):
            arrays[key] = each

    try:
        h5py.File(path, "r").visititems(found)
    except OSError as error:
        raise BadInput(f"{name}: it is not a readable HDF5 file") from error
    return arrays[_chosen(arrays, tensor, name)]


def _chosen(names: Mapping[str, Any], tensor: str | None, where: str) -> str:
    """Return the name of the array that is meant. Raises BadInput where it is not clear."""
    listed = ", ".join(map(printable_name, list(names)[:_LISTED]))
    listed += ", …" if len(names) > _LISTED else ""
    if tensor is None:
        if len(names) == 1:
            return next(iter(names))
        holds = f"it holds {listed}; --motion-tensor names one" if names else "it holds no array"
        raise BadInput(f"{where}: {holds}")
    if tensor not in names:
        raise BadInput(f"{where}: it holds {listed or 'no array'}, not {printable_name(tensor)}")
    return tensor


_OPENERS: dict[str, Callable[[str, str | None, str], TableRows]] = {
    ".npy": _npy,
    ".safetensors": _safetensors,
    ".zarr": _zarr,
    ".h5": _hdf5,
    ".hdf5": _hdf5,
}
