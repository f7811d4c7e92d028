"""The header of a safetensors file: the tensors that it holds, and their offsets.

header  8 bytes, little-endian: the length of the JSON that follows; the JSON has the dtype, the
        shape and the offsets of each tensor
data    all bytes after the header; the tensors fill it without gaps
values  of a header: the numbers, texts and lists in its JSON, at most, strings apart

The safetensors library decides which files are right; no data is read. Dtypes that it does not
know are no reason to refuse other tensors. Memory for a header is limited, and asked for, before
the library sees it: what it takes follows the number of values.
"""

import json
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drift.sim.devices.host_memory import check_memory, free_address_space, gib
from drift.sim.errors import BadInput, printable
from drift.sim.strict_json import MOST_BYTES, open_regular

MOST_VALUES = 4_000_000
"""More values are refused; 500,000 tensors have as many, and no model so many tensors."""
_PER_VALUE, _PER_BYTE = 240, 3
"""Bytes of memory for each value and each byte of a header, measured on the costliest ones."""


@dataclass(frozen=True, slots=True)
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

    Raises BadInput for a file that is missing, cut short, or not as the format demands, and where
    its header would need too much memory.
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
    _check_memory(path, raw, file_bytes)
    if refusal := _refusal(path, raw):
        raise BadInput(f"{path}: {_reason(refusal, raw, file_bytes)}")
    return {
        name: Tensor(name, entry["dtype"], tuple(entry["shape"]), 8 + length + begin, end - begin)
        for name, entry in _entries(raw)
        for begin, end in [entry["data_offsets"]]
    }


def _check_memory(path: Path, raw: bytes, file_bytes: int) -> None:
    """Raise BadInput where the header `raw` has too many values, or memory does not suffice."""
    values = sum(map(raw.count, b",[{"))
    if values > MOST_VALUES:
        raise BadInput(
            f"{path}: its header has about {values:,} values; up to {MOST_VALUES:,} are read, as"
            f" many as {MOST_VALUES // 8:,} tensors have"
        )
    check_memory(_PER_VALUE * values + _PER_BYTE * len(raw), f"{path}: its header")
    # The library maps the whole file, which takes no memory, but counts where a limit is set.
    space = free_address_space()
    if space is not None and file_bytes > space:
        raise BadInput(
            f"{path} needs {gib(file_bytes)} of address space; {gib(space)} are free (ulimit -v)"
        )


def _refusal(path: Path, raw: bytes) -> str | None:
    """Return why the library refuses a file whose header is `raw`; None where it reads it."""
    found = _refusal_of_library(path)
    if found is None or "unknown variant" not in found:
        return found
    known = set(re.findall(r"`(\w+)`", found.rpartition("expected one of")[2]))
    try:
        plain = json.dumps(_without_unknown(json.loads(raw), known)).encode()
        # The library reads files alone; a hole of the data's size takes no room on the disk.
        with tempfile.NamedTemporaryFile() as file:
            file.write(len(plain).to_bytes(8, "little") + plain)
            file.truncate(path.stat().st_size - len(raw) + len(plain))
            return _refusal_of_library(Path(file.name))
    except (ValueError, RecursionError, OSError):
        return found


def _refusal_of_library(path: Path) -> str | None:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy"):
            return None
    except (SafetensorError, OSError) as error:
        return str(error).removeprefix("Error while deserializing header: ")


def _without_unknown(header: Any, known: set[str]) -> dict[str, Any]:
    """Return the header with tensors of other dtypes than `known` as so many bytes."""

    def plain(entry: Any) -> Any:
        match entry:
            case {
                "dtype": str(dtype),
                "shape": [*shape],
                "data_offsets": [int(begin), int(end)],
            } if dtype not in known and all(type(n) is int and n >= 0 for n in shape):
                return entry | {"dtype": "U8", "shape": [end - begin]}
        return entry

    return {name: plain(entry) for name, entry in dict(header).items()}


def _reason(refusal: str, raw: bytes, file_bytes: int) -> str:
    """Return the library's refusal of a file for people."""
    if "file not fully covered" not in refusal:
        return f"the safetensors library refuses its header: {printable(refusal, 300)}"
    # The JSON is right then, and the tensors follow each other.
    ends = [entry["data_offsets"][1] for _, entry in _entries(raw)]
    end = 8 + len(raw) + max(ends, default=0)
    if end > file_bytes:
        return f"its tensors end at byte {end:,}, the file at {file_bytes:,}; it is truncated"
    return f"the bytes from {end:,} to the end at {file_bytes:,} belong to no tensor"


def _entries(raw: bytes) -> list[tuple[str, dict[str, Any]]]:
    """Return the name and the entry of each tensor of a header that the library has read."""
    return [(name, entry) for name, entry in json.loads(raw).items() if name != "__metadata__"]


def format_shape(shape: tuple[int, ...]) -> str:
    """Return the text of a shape for messages."""
    return printable(str(list(shape[:9])), 60) if len(shape) < 9 else f"of {len(shape)} dimensions"
