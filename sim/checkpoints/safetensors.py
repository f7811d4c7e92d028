"""The header of a safetensors file: the tensors that it holds, and their offsets.

header  8 bytes, little-endian: the length of the JSON that follows; the JSON has the dtype, the
        shape and the offsets of each tensor
data    all bytes after the header; the tensors fill it without gaps

As the format demands, a file is refused whose data has a gap, an overlap or bytes at its end that
belong to no tensor. Tensors of unknown dtypes are no reason to refuse others. No data is read.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from drift.sim.errors import BadInput, printable
from drift.sim.strict_json import MOST_BYTES, open_regular, parse

_BITS = {
    **dict.fromkeys(["C64", "F64", "I64", "U64"], 64),
    **dict.fromkeys(["F32", "I32", "U32"], 32),
    **dict.fromkeys(["BF16", "F16", "I16", "U16"], 16),
    **dict.fromkeys(["BOOL", "U8", "I8", "F8_E4M3", "F8_E5M2"], 8),
    **dict.fromkeys(["F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ"], 8),
    **dict.fromkeys(["F6_E2M3", "F6_E3M2"], 6),
    "F4": 4,
}
_LARGEST = 2**63 - 1
"""Largest dimension or offset that a file can have."""


@dataclass(frozen=True)
class Tensor:
    """A tensor as the header describes it."""

    name: str
    """its name in the file"""
    dtype: str
    """its type as safetensors names it: BF16, F8_E4M3, I64"""
    shape: tuple[int, ...]
    """its length in each dimension"""
    start: int
    """offset of its data from the beginning of the file, bytes"""
    size: int
    """length of its data, bytes"""


def read_header(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a file by name, in the order of its header.

    Raises BadInput for a file that is missing, cut short, or not as the format demands.
    """
    with open_regular(path) as file:
        file_bytes = file.seek(0, 2)
        file.seek(0)
        length = int.from_bytes(file.read(8), "little")
        if file_bytes < 8:
            raise BadInput(f"{path} has {file_bytes} bytes; a safetensors file has 8 or more")
        if length > min(file_bytes - 8, MOST_BYTES):
            most = f"the format allows {MOST_BYTES:,}"
            raise BadInput(
                f"{path} is not a safetensors file, or truncated: its header would have {length:,}"
                f" bytes; the file has {file_bytes:,}, {most}"
            )
        raw = file.read(length)
    if not raw.startswith(b"{"):
        raise BadInput(f"{path}: its header is not a JSON object, which starts with {{ at byte 8")
    header = parse(raw, f"{path}: its header")
    _check_metadata(path, header.pop("__metadata__", {}))
    tensors = {name: _tensor(path, name, header[name], 8 + length) for name in header}
    _check_offsets(path, list(tensors.values()), 8 + length, file_bytes)
    return tensors


def _check_metadata(path: Path, found: Any) -> None:
    if not (isinstance(found, dict) and all(isinstance(text, str) for text in found.values())):
        raise BadInput(f"{path}: its __metadata__ must be an object of texts")


def _tensor(path: Path, name: str, entry: Any, data_start: int) -> Tensor:
    """Return one entry of the header, with each field checked. Raises BadInput."""

    def refuse(what: str) -> NoReturn:
        raise BadInput(f"{path}: tensor {printable(repr(name))}: {what}")

    def field(key: str) -> Any:
        return entry.get(key) if isinstance(entry, dict) else None

    dtype, shape, offsets = field("dtype"), field("shape"), field("data_offsets")
    if not isinstance(dtype, str):
        refuse("its dtype is not a text")
    if not _naturals(shape):
        refuse("its shape is not a list of whole numbers from 0 on")
    if not _naturals(offsets) or len(offsets) != 2:
        refuse("its data_offsets are not two whole numbers from 0 on")
    begin, end = offsets
    if begin > end:
        refuse(f"its bytes begin at {begin} and end before, at {end}")
    size, shape = end - begin, tuple(shape)
    if dtype in _BITS and 8 * size != _BITS[dtype] * _elements(shape):
        refuse(f"shape {format_shape(shape)} of {dtype} does not fit its {size:,} bytes")
    return Tensor(name, dtype, shape, data_start + begin, size)


def _naturals(found: Any) -> bool:
    """Return whether `found` is a list of integers in 0 … _LARGEST; JSON's true is not one."""
    return isinstance(found, list) and all(type(n) is int and 0 <= n <= _LARGEST for n in found)


def _elements(shape: tuple[int, ...]) -> int:
    """Return the number of elements, or some number that exceeds any file."""
    count = 0 if 0 in shape else 1
    for length in shape:
        count *= length
        if count > 16 * _LARGEST:
            break
    return count


def _check_offsets(path: Path, tensors: list[Tensor], start: int, stop: int) -> None:
    """Raise BadInput unless the tensors fill the bytes from `start` to `stop`."""
    filled = start
    for tensor in sorted(tensors, key=lambda each: (each.start, each.size)):
        who, end = f"{path}: tensor {printable(repr(tensor.name))}", tensor.start + tensor.size
        if end > stop:
            raise BadInput(f"{who} ends at byte {end:,}, the file at {stop:,}; it is truncated")
        if tensor.start < filled:
            raise BadInput(f"{who} begins at byte {tensor.start:,}, inside the one before it")
        if tensor.start > filled:
            raise BadInput(f"{who} begins at byte {tensor.start:,}, after a gap from {filled:,}")
        filled = end
    if filled < stop:
        raise BadInput(
            f"{path}: the bytes from {filled:,} to the end at {stop:,} belong to no tensor"
        )


def format_shape(shape: tuple[int, ...]) -> str:
    """Return the text of a shape for messages."""
    return printable(str(list(shape[:9])), 60) if len(shape) < 9 else f"of {len(shape)} dimensions"
