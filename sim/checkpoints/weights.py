"""The tensors of a checkpoint by name, in one file or in several.

Only files that hold a wanted tensor are opened. Pickles are never opened: they can run code.
"""

import difflib
import math
from contextlib import suppress
from pathlib import Path
from typing import cast

import numpy as np

from drift.kernels.formats import BFLOAT16, FLOAT8_E4M3FN, FLOAT8_E5M2, FLOAT16, FLOAT32, Format
from drift.sim.checkpoints import layouts
from drift.sim.checkpoints.first_bytes import recognised
from drift.sim.checkpoints.mapped import MappedCodes
from drift.sim.checkpoints.quantised import form
from drift.sim.checkpoints.safetensors import Tensor, format_shape, read_header
from drift.sim.checkpoints.scales import (
    SCALE_DTYPES,
    Blocks,
    ScaledCodes,
    corrections_beside,
    names_beside,
)
from drift.sim.devices.host_memory import check_memory
from drift.sim.errors import BadInput, printable, printable_name
from drift.sim.matrix import Matrix

FORMATS_BY_DTYPE = {
    "BF16": BFLOAT16,
    "F16": FLOAT16,
    "F32": FLOAT32,
    "F8_E4M3": FLOAT8_E4M3FN,
    "F8_E5M2": FLOAT8_E5M2,
}
_KNOWN = ", ".join(FORMATS_BY_DTYPE)
_PER_ROW, _PER_DIM = 128, 256
"""Bytes of memory that any look at a matrix takes for each row and each dimension."""
_LISTED = 12
"""Most names that a message lists; of more, it lists those similar to the one asked for."""

_COMPARED = 2000
"""Most names that are compared for similarity, the shortest ones: layers have long names."""


class Weights:
    """The tensors at `path`: a file, an index, a directory with one of them, or a hub's id.

    Raises BadInput for anything else, and for an index that cannot be followed.
    """

    def __init__(self, path: Path):
        self.path = path
        self.notes: list[str] = []
        """lines for people on files that were passed over"""
        self._headers: dict[Path, dict[str, Tensor]] = {}
        try:
            self.source = layouts.source(path, self.notes)
            """the file or the index that `path` stands for"""
        except OSError as error:
            raise BadInput(f"{path} can't be read: {error.strerror}") from error
        if self.source.suffix == ".json":
            self._files = layouts.shards(self.source)
        else:
            self._files = dict.fromkeys(self._header(self.source), self.source)

    @property
    def names(self) -> list[str]:
        """Names of all tensors, as the file or the index lists them."""
        return list(self._files)

    def tensors(self) -> list[Tensor]:
        """Return the header's entries of all tensors, those left out whose file can't be read."""
        found: list[Tensor] = []
        for file in dict.fromkeys(self._files.values()):
            with suppress(BadInput):
                header = self._header(file)
                found += [header[name] for name in header if self._files.get(name) == file]
        return found

    def tensor(self, name: str) -> Tensor:
        """Return the header's entry of a tensor. Raises BadInput where it is not there."""
        if name not in self._files:
            what = form(name, "", self._files)
            raise BadInput(
                f"{self.path} holds no tensor {printable(repr(name))}"
                f"{what and f', but {what}'}; {self.listed(name)}"
            )
        file, which = self._files[name], printable(repr(name))
        if file != self.source and not file.exists():
            given = "" if self.path in (self.source, file.parent) else f", as {self.path} means it,"
            raise BadInput(
                f"{file}: there is no such file, but {self.source}{given} lists it for {which}"
                f"{layouts.beside(set(self._files.values()))}"
            )
        found = self._header(file).get(name)
        if found is None:
            raise BadInput(f"{file} lacks tensor {which}, which {self.source} lists")
        return found

    def matrix(self, name: str) -> Matrix:
        """Return a tensor as codes in its own format, read from the file as they are needed.

        Raises BadInput for a tensor that is empty, or not a matrix of a known format.
        """
        tensor = self.tensor(name)
        file = self._files[name]
        where = f"{file}: tensor {printable(repr(name))}"
        odd = tensor.dtype not in FORMATS_BY_DTYPE or len(tensor.shape) != 2
        if odd and (what := form(name, tensor.dtype, self._files)):
            raise BadInput(f"{where} holds {what}; rows of {_KNOWN} are accepted")
        if tensor.dtype not in FORMATS_BY_DTYPE:
            raise BadInput(
                f"{where} has dtype {printable(tensor.dtype)}; one of {_KNOWN} is accepted"
            )
        if len(tensor.shape) != 2:
            raise BadInput(
                f"{where} has shape {format_shape(tensor.shape)}; a matrix has two dimensions"
            )
        if 0 in tensor.shape:
            raise BadInput(f"{where} is empty: its shape is {format_shape(tensor.shape)}")
        check_memory(_PER_ROW * tensor.shape[0] + _PER_DIM * tensor.shape[1], where)
        target = FORMATS_BY_DTYPE[tensor.dtype]
        codes = self.mapped(tensor, target.storage.newbyteorder("<"))
        model = printable_name(layouts.model_name(self.path, file))
        label = f"{model}, {printable_name(name)}"
        if target.width > 8 or not (beside := names_beside(name, self._files)):
            return Matrix.whole(codes, target, label)
        try:
            scaled, which = self._scaled(codes, target, name, beside)
        except BadInput as error:
            note = f"{label}: codes alone are compared: {error}"
            return Matrix.whole(codes, target, label, note)
        note = (
            f"{label}: rows are compared by values, code times scale in float32;"
            f" {printable_name(beside[0])} has a scale for {which}"
        )
        return Matrix.whole(scaled, FLOAT32, label, note)

    def mapped(
        self, tensor: Tensor, kind: np.dtype, shape: tuple[int, ...] | None = None
    ) -> np.ndarray:
        """Return the data of a tensor, read from the file as it is needed; in another `shape`.

        Raises BadInput where it can't be mapped.
        """
        file = self._files[tensor.name]
        try:
            return MappedCodes.of(file, kind, tensor.start, shape or tensor.shape)
        except (OSError, ValueError) as error:
            which = printable(repr(tensor.name))
            raise BadInput(f"{file}: tensor {which} can't be mapped: {error}") from error

    def _scaled(
        self, codes: np.ndarray, target: Format, name: str, beside: list[str]
    ) -> tuple[np.ndarray, str]:
        """Return the values of codes whose scales are `beside`, and which of them have a scale.

        Raises BadInput where that is not clear.
        """
        beside = beside + corrections_beside(name, self._files)
        if len(beside) > 1:
            several = ", ".join(map(printable_name, beside))
            raise BadInput(f"how {several} go together is not known")
        scale = self.tensor(beside[0])
        which = printable_name(scale.name)
        blocks = Blocks.of((codes.shape[0], codes.shape[1]), scale.shape)
        if scale.dtype not in SCALE_DTYPES:
            raise BadInput(f"{which} has dtype {printable(scale.dtype)}")
        if blocks is None:
            shapes = f"{format_shape(scale.shape)} beside codes of {format_shape(codes.shape)}"
            raise BadInput(f"{which} has shape {shapes}")
        check_memory(4 * math.prod(scale.shape), f"{self._files[scale.name]}: {which}")
        scales = self.mapped(scale, SCALE_DTYPES[scale.dtype]).astype(np.float32)
        scaled = ScaledCodes(codes, target, scales, blocks)
        return cast(np.ndarray, scaled), blocks.text((codes.shape[0], codes.shape[1]))

    def listed(self, like: str = "") -> str:
        """Return a list of names for messages: all, or those similar to `like` and a count."""
        names = self.names
        if len(names) > _LISTED:
            short = sorted(names, key=len)[:_COMPARED]
            near = difflib.get_close_matches(
                like[:100], [n for n in short if len(n) <= 100], 5, 0.3
            )
            some = ", ".join(printable_name(name) for name in near or names[:5])
            return f"it holds {len(names):,}, among them {some}"
        return f"it holds {', '.join(printable_name(name) for name in names) or 'no tensors'}"

    def _header(self, file: Path) -> dict[str, Tensor]:
        if file not in self._headers:
            try:
                self._headers[file] = read_header(file)
            except BadInput as error:
                if found := recognised(file):
                    raise BadInput(f"{file} is {found}") from error
                raise
        return self._headers[file]
