"""The tensors of a checkpoint by name, in one file or in several.

shard   one of the safetensors files that share a checkpoint's tensors
index   the JSON file that names the shard of each tensor; shards are never searched for
        otherwise, since directories hold copies

Only files that hold a wanted tensor are opened. Pickles are never opened: they can run code.
"""

import difflib
from pathlib import Path
from typing import Any

import numpy as np

from drift.kernels.formats import BFLOAT16, FLOAT8_E4M3FN, FLOAT8_E5M2, FLOAT16, FLOAT32
from drift.sim.checkpoints.first_bytes import recognised
from drift.sim.checkpoints.safetensors import Tensor, format_shape, read_header
from drift.sim.errors import BadInput, printable
from drift.sim.matrix import Matrix
from drift.sim.strict_json import read_document

INDEX = "model.safetensors.index.json"
ACCEPTED = f"a .safetensors file, {INDEX}, or the directory of either is accepted"

FORMATS_BY_DTYPE = {
    "BF16": BFLOAT16,
    "F16": FLOAT16,
    "F32": FLOAT32,
    "F8_E4M3": FLOAT8_E4M3FN,
    "F8_E5M2": FLOAT8_E5M2,
}
_REFUSED = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".gguf", ".h5", ".msgpack", ".onnx", ".npz")
"""Suffixes of other checkpoints: pickles, and formats that are not read."""
_LISTED = 12
"""Most names that a message lists; of more, it lists those similar to the one asked for."""

_COMPARED = 2000
"""Most names that are compared for similarity, the shortest ones: layers have long names."""


class Weights:
    """The tensors at `path`: a file, an index, or a directory with one of them.

    Raises BadInput for anything else, and for an index that cannot be followed.
    """

    def __init__(self, path: Path):
        self.path = path
        self._headers: dict[Path, dict[str, Tensor]] = {}
        try:
            self.source = _source(path)
            """the file or the index that `path` stands for"""
        except OSError as error:
            raise BadInput(f"{path} can't be read: {error.strerror}") from error
        if self.source.suffix == ".json":
            self._files = _indexed(self.source)
        else:
            self._files = dict.fromkeys(self._header(self.source), self.source)

    @property
    def names(self) -> list[str]:
        """Names of all tensors, as the file or the index lists them."""
        return list(self._files)

    def tensor(self, name: str) -> Tensor:
        """Return the header's entry of a tensor. Raises BadInput where it is not there."""
        if name not in self._files:
            raise BadInput(
                f"{self.path} holds no tensor {printable(repr(name))}; {self.listed(name)}"
            )
        file = self._files[name]
        found = self._header(file).get(name)
        if found is None:
            raise BadInput(
                f"{file} lacks tensor {printable(repr(name))}, which {self.source} lists"
            )
        return found

    def matrix(self, name: str) -> Matrix:
        """Return a tensor as codes in its own format, read from the file as they are needed.

        Raises BadInput for a tensor that is empty, or not a matrix of a known format.
        """
        tensor = self.tensor(name)
        file = self._files[name]
        where = f"{file}: tensor {printable(repr(name))}"
        if tensor.dtype not in FORMATS_BY_DTYPE:
            known = ", ".join(FORMATS_BY_DTYPE)
            raise BadInput(
                f"{where} has dtype {printable(tensor.dtype)}; one of {known} is accepted"
            )
        if len(tensor.shape) != 2:
            raise BadInput(
                f"{where} has shape {format_shape(tensor.shape)}; a matrix has two dimensions"
            )
        if 0 in tensor.shape:
            raise BadInput(f"{where} is empty: its shape is {format_shape(tensor.shape)}")
        target = FORMATS_BY_DTYPE[tensor.dtype]
        little = target.storage.newbyteorder("<")
        try:
            codes = np.memmap(file, little, mode="r", offset=tensor.start, shape=tensor.shape)
        except (OSError, ValueError) as error:
            raise BadInput(f"{where} can't be mapped: {error}") from error
        return Matrix.whole(np.asarray(codes), target, f"{file.name}, {printable(name)}")

    def listed(self, like: str = "") -> str:
        """Return a list of names for messages: all, or those similar to `like` and a count."""
        names = self.names
        if len(names) > _LISTED:
            short = sorted(names, key=len)[:_COMPARED]
            near = difflib.get_close_matches(
                like[:100], [n for n in short if len(n) <= 100], 5, 0.3
            )
            some = ", ".join(printable(name) for name in near or names[:5])
            return f"it holds {len(names):,}, among them {some}"
        return f"it holds {', '.join(printable(name) for name in names) or 'none'}"

    def _header(self, file: Path) -> dict[str, Tensor]:
        if file not in self._headers:
            try:
                self._headers[file] = read_header(file)
            except BadInput as error:
                if found := recognised(file):
                    raise BadInput(f"{file} is {found}") from error
                raise
        return self._headers[file]


def _source(path: Path) -> Path:
    """Return the safetensors file or the index that `path` stands for. Raises BadInput."""
    if not path.is_dir():
        if path.suffix not in (".safetensors", ".json") and path.exists():
            what = recognised(path) or f"no safetensors file; {ACCEPTED}"
            raise BadInput(f"{path} is {what}")
        return path
    for name in (INDEX, "model.safetensors"):
        if (path / name).exists():
            return path / name
    found = sorted(path.glob("*.safetensors"))
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(printable(each.name) for each in found[:_LISTED])
        more = f" and {len(found) - _LISTED} more" if len(found) > _LISTED else ""
        raise BadInput(f"{path} holds {names}{more}, and no {INDEX}; name one of them")
    others = sorted(each.name for each in path.iterdir())
    refused = [name for name in others if Path(name).suffix in _REFUSED]
    if not refused:
        raise BadInput(f"{path} holds no safetensors file; {ACCEPTED}")
    what = recognised(path / refused[0])
    which = f"{printable(refused[0])}, which is {what}" if what else printable(refused[0])
    raise BadInput(f"{path} holds no safetensors file, but {which}")


def _indexed(index: Path) -> dict[str, Path]:
    """Return the file of each tensor that an index names. Raises BadInput."""
    document = read_document(index)
    files: Any = document.get("weight_map") if isinstance(document, dict) else None
    if not isinstance(files, dict):
        raise BadInput(f"{index} is no index of shards: it has no weight_map; {ACCEPTED}")
    for name, file in files.items():
        in_directory = isinstance(file, str) and Path(file).name == file and file.isprintable()
        if not in_directory or Path(file).suffix != ".safetensors":
            raise BadInput(
                f"{index}: tensor {printable(repr(name))} is said to be in {printable(repr(file))};"
                " a safetensors file in the same directory is accepted"
            )
    return {name: index.parent / file for name, file in files.items()}
