"""Codes in a file, mapped into memory, which gives its pages back while it is read.

page    what the system reads of a file at least; a column of a matrix touches one in every row
touched bytes of pages that were read since all were given back

Mapped pages count as the process's memory until they are given back. They are then still the
system's to keep, and are mapped again where they are read again; so no view ever becomes wrong.
"""

import mmap
from pathlib import Path
from typing import Any

import numpy as np

_PAGE = mmap.PAGESIZE
_MOST_TOUCHED = 1 << 28
"""Bytes of pages that stay mapped, about."""


class MappedCodes(np.ndarray):
    """A matrix of codes in a file, read-only; what is taken from it is a plain array."""

    _mapping: mmap.mmap
    _touched = 0

    @classmethod
    def of(cls, file: Path, storage: np.dtype, start: int, shape: tuple[int, ...]) -> "MappedCodes":
        """Return the codes that begin at byte `start` of a file.

        Raises OSError or ValueError where they can't be mapped.
        """
        mapped = np.memmap(file, storage, mode="r", offset=start, shape=shape)
        found = mapped.view(cls)
        assert isinstance(mapped.base, mmap.mmap)
        found._mapping = mapped.base
        return found

    def __getitem__(self, key: Any) -> Any:
        """Return a view, or a copy where numpy makes one; narrow columns are copied in blocks."""
        found = self.view(np.ndarray)[key]
        rows, copied = (len(found) if found.ndim else 1), found.base is None
        each = max(_PAGE, found.nbytes // max(1, rows))
        if not copied:  # the rows follow each other, and short ones share a page
            each = min(each, self.strides[0])
        # Whoever asks for very much at once reads it in turn.
        if copied or rows * each <= _MOST_TOUCHED or found.nbytes > _MOST_TOUCHED:
            self._touch(rows * each)
            return found
        narrow, block = np.empty(found.shape, found.dtype), _MOST_TOUCHED // each
        for start in range(0, rows, block):
            self._touch(block * each)
            narrow[start : start + block] = found[start : start + block]
        return narrow

    def _touch(self, size: int) -> None:
        """Count bytes that are going to be read; first give all pages back where they are many."""
        self._touched += size
        if self._touched > _MOST_TOUCHED and hasattr(mmap, "MADV_DONTNEED"):
            self._mapping.madvise(mmap.MADV_DONTNEED)
            self._touched = size
