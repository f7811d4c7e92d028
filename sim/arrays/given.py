"""Any array as a matrix of codes: of NumPy, ml_dtypes, PyTorch on a CPU or JAX, or of a .npy file.

values  floating-point numbers of 64 bits or fewer; their type tells the format
codes   integers that are bit patterns of a format, which has to be named; also the raw bytes that
        NumPy writes for types of ml_dtypes
"""

from importlib import import_module
from typing import Any

import numpy as np

from drift.kernels.formats import FORMATS, Format
from drift.sim.errors import BadInput, printable
from drift.sim.matrix import FLOAT64, Matrix

_BY_TYPE = {each.dtype: each for each in (*FORMATS.values(), FLOAT64)}
_ACCEPTED = "floating-point numbers of 64 bits or fewer, or integer codes with their format"


def matrix_of(given: Any, name: str | None, called: str) -> Matrix:
    """Return any array (tokens, dims) as a matrix, in the format of its values.

    `name` is the format of integer codes, None where it is not known; `called` names the array in
    errors. Raises BadInput for an array of another rank, an empty one, one that holds no numbers,
    and codes that the format does not have.
    """
    array = plain_array(given, called)
    if array.ndim != 2 or not array.size:
        raise BadInput(
            f"{called} has shape {array.shape}; it must be (tokens, dims), 1 or more each"
        )
    kind = array.dtype.newbyteorder("=")
    if kind in _BY_TYPE:
        source = _BY_TYPE[kind]
        codes = np.ascontiguousarray(array, kind).view(source.storage)
    elif _is_float(kind):  # another float8 or float6 of ml_dtypes, of which each value is a float32
        source = FORMATS["float32"]
        codes = array.astype(np.float32).view(source.storage)
    else:
        source, codes = _codes(array, name, called)
    if source.width < 8 and int(codes.max()) >> source.width:
        raise BadInput(
            f"{called} holds {int(codes.max())}; codes of {source.name} are below {2 * source.sign}"
        )
    return Matrix.whole(codes, source, called)


def _is_float(kind: np.dtype) -> bool:
    # Types of ml_dtypes are of NumPy's kind V, or f where they are older.
    return kind.name.startswith(("bfloat", "float")) and kind.itemsize <= 4


def _codes(array: np.ndarray, name: str | None, called: str) -> tuple[Format, np.ndarray]:
    """Return the format of integer codes, and the codes in its storage type."""
    kind, raw = array.dtype, array.dtype.kind == "V" and array.dtype.names is None
    if kind.kind not in "iu" and not raw:
        raise BadInput(f"{called} holds {printable(kind.name)}; it must hold {_ACCEPTED}")
    what = f"raw values of {kind.itemsize} bytes" if raw else f"{kind.name} codes"
    if name is None:
        raise BadInput(f"{called} holds {what} without a format; format names it")
    if name not in FORMATS:
        raise BadInput(f"format is {printable(repr(name))}; it must be one of {', '.join(FORMATS)}")
    source = FORMATS[name]
    if kind.itemsize == source.storage.itemsize:
        native = array if raw else array.astype(kind.newbyteorder("="), copy=False)
        return source, np.ascontiguousarray(native).view(source.storage)
    low, high = (0, 1 << 64) if raw else (int(array.min()), int(array.max()))
    if low < 0 or high >= 2 * source.sign:
        raise BadInput(
            f"{called} holds {what} of {low} ... {high}; codes of {name} are {source.storage},"
            f" below {2 * source.sign}"
            if not raw
            else f"{called} holds {what}; codes of {name} have {source.storage.itemsize}"
        )
    return source, array.astype(source.storage)


def plain_array(given: Any, called: str) -> np.ndarray:
    """Return any array as NumPy's, of its own type; BadInput for what is none."""
    try:
        if hasattr(given, "detach"):
            return _of_tensor(given)
        array = np.asarray(given)
    except Exception as error:  # whatever a library raises
        raise BadInput(f"{called} can't be read as an array; it must hold {_ACCEPTED}") from error
    if isinstance(given, np.ma.MaskedArray) and np.ma.is_masked(given):
        raise BadInput(f"{called} has masked values; it must hold {_ACCEPTED}")
    if isinstance(given, list | tuple) and array.dtype.kind in "iu":
        return array.astype(np.float64)  # numbers as a person writes them, no codes
    return array


def _of_tensor(given: Any) -> np.ndarray:
    """Return a tensor of PyTorch: of any type, also those that NumPy lacks."""
    tensor = given.detach().cpu()
    name = str(tensor.dtype).removeprefix("torch.")
    lacking = FORMATS.get(name)
    if lacking is not None and not hasattr(np, name):
        torch = import_module("torch")
        kind = torch.int16 if lacking.width == 16 else torch.uint8
        bits: np.ndarray = tensor.contiguous().view(kind).numpy()
        return bits.view(lacking.dtype)
    if name.startswith("float8"):
        tensor = tensor.float()
    found: np.ndarray = tensor.numpy()
    return found
