"""An array as the cloud of a drift: a text in the spec, which carries the array along.

The text is sha256:… of the array's codes, in its own format, as little-endian integers, row after
row. Drifts are equal where their texts are: an array and a file that hold the same are one cloud.
"""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from drift.sim.array_text import DIGEST, unavailable
from drift.sim.arrays.given import matrix_of
from drift.sim.errors import BadInput, printable
from drift.sim.mapped_array import mapped_array
from drift.sim.matrix import Matrix

SUFFIX = ".npy"


class ArrayRows(str):
    """The text of an array, (tokens, dims), which it carries along."""

    __slots__ = ("_file", "_matrix", "store")
    _matrix: Matrix | None
    _file: str | None
    """the file that holds it; None for one in memory"""
    store: Any
    """the address of the store of a run that began with it, where that is all that is known"""

    def __new__(
        cls,
        text: str,
        matrix: Matrix | None = None,
        file: str | None = None,
        store: Any = None,
    ) -> "ArrayRows":
        """Return the array of this text, with what is known of it."""
        made = super().__new__(cls, text)
        made._matrix, made._file, made.store = matrix, file, store
        return made

    @classmethod
    def of(cls, given: Any, name: str | None = None, called: str = "cloud") -> "ArrayRows":
        """Return the rows of an array, a copy, or of a .npy file, which is read as needed.

        `name` is the format of integer codes. Raises BadInput as sim.arrays.given does, and for a
        file that can't be read.
        """
        if isinstance(given, ArrayRows):
            return given
        if isinstance(given, str | os.PathLike):
            return cls._of_file(os.fspath(given), name)
        found = matrix_of(given, name, called)
        codes = found.codes.copy()
        codes.setflags(write=False)
        found = replace(found, codes=codes, label="array")
        return cls(digest(found), found)

    @classmethod
    def _of_file(cls, path: str, name: str | None) -> "ArrayRows":
        shown = printable(path)
        array = mapped_array(path, shown)
        if not isinstance(array, np.ndarray):
            raise BadInput(f"{shown} is not a readable .npy array")
        found = matrix_of(array, name, shown)
        return cls(digest(found), replace(found, label=printable(Path(path).name)), path)

    @property
    def matrix(self) -> Matrix:
        """The rows in their own format. Raises BadInput where they are not available."""
        if self._matrix is None:
            raise BadInput(missing(self))
        return self._matrix

    @property
    def source(self) -> str | None:
        """The name of the format of the rows; None where they are not at hand."""
        return None if self._matrix is None else self._matrix.format.name

    @property
    def available(self) -> bool:
        """True where the rows are at hand."""
        return self._matrix is not None

    def __reduce__(self) -> Any:
        if self._file is not None and self._matrix is not None:
            return _reopened, (str(self), self._file, self._matrix.format.name)
        return ArrayRows, (str(self), self._matrix, None, self.store)


def _reopened(text: str, path: str, name: str) -> ArrayRows:
    """Return the rows of a file in another process; they are checked when they are used."""
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    found = replace(matrix_of(array, name, path), label=printable(Path(path).name))
    return ArrayRows(text, found, path)


def digest(matrix: Matrix) -> str:
    """Return the text of a matrix, which is read once."""
    found = hashlib.sha256()
    for block in matrix.blocks():
        codes = np.ascontiguousarray(matrix.codes[block])
        found.update(np.ascontiguousarray(codes, codes.dtype.newbyteorder("<")).data)
    return DIGEST + found.hexdigest()


def is_array(path: str) -> bool:
    """Return whether the text of a cloud's origin stands for an array."""
    return path.startswith(DIGEST)


def is_file(path: Any) -> bool:
    """Return whether a path is of a .npy file; a directory of that name may be a checkpoint."""
    return str(path).endswith(SUFFIX) and not os.path.isdir(path)


def with_arrays(paths: Sequence[Any], formats: Sequence[str]) -> list[Any]:
    """Return `paths` with arrays and .npy files as the texts that carry them along.

    Codes have the format of a drift that has one of `formats` alone. Raises BadInput as ArrayRows.
    """
    named = formats[0] if len(formats) == 1 else None

    def one(path: Any) -> Any:
        single = isinstance(path, str | os.PathLike)
        return path if single and not is_file(path) else ArrayRows.of(path, named)

    return [one(path) for path in paths]


def missing(path: str) -> str:
    """Return the line for an array that is not at hand."""
    return (
        f"{unavailable('from', path)}; give it again, --from FILE.npy or cloud=array, or name a"
        " store whose first snapshot holds it: --spec STORE"
    )
