"""A table of displacements as a spec has it: a text that carries the table along.

The text is the path of a file, or sha256:… of an array: the SHA-256 of its numbers as little-endian
float32, row after row. So a store that keeps no table still says which one it needs.
"""

import hashlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from drift.kernels.formats import SMALLEST_DISPLACEMENT
from drift.sim.array_text import DIGEST, unavailable
from drift.sim.displacements.files import TableRows, open_rows
from drift.sim.errors import BadInput, printable

MOST_KEPT = 64 << 20
"""Bytes of a table that stores keep, and that goes to other processes."""
_BLOCK_BYTES = 4 << 20


class Survey(NamedTuple):
    """The facts of a whole table, found in one pass."""

    total: np.ndarray
    """float64 (dims,): the sum of all displacements, added step by step"""
    reach: np.ndarray
    """float64 (dims,): the sum of their magnitudes"""
    sha256: str
    """the digest of the table as it is, in hexadecimal digits"""


class DisplacementTable(str):
    """The text of a table of displacements, float32 (steps, dims), which it carries along."""

    __slots__ = ("_rows", "_survey", "trusted")
    _rows: dict[str | None, TableRows]
    _survey: dict[str | None, Survey]
    trusted: bool
    """true where the spec is known to fit the table, which may be gone by now"""

    def __new__(
        cls, text: str, rows: TableRows | None = None, trusted: bool = False
    ) -> "DisplacementTable":
        """Return the table that `text` names, with its `rows` where they are known."""
        made = super().__new__(cls, text)
        made._rows = {} if rows is None else {None: rows}
        made._survey = {}
        made.trusted = trusted
        return made

    @classmethod
    def of(cls, given: Any) -> "DisplacementTable":
        """Return the table of an array of real numbers, (steps, dims); wider ones are rounded.

        Raises BadInput for arrays of another kind or shape, and for what is not finite.
        """
        rows = given if hasattr(given, "shape") else _listed(given)
        if len(rows.shape) != 2 or not all(rows.shape):
            raise BadInput(
                f"motion is an array of shape {tuple(rows.shape)}; it must be (steps, dims)"
            )
        size = 4 * int(rows.shape[0]) * int(rows.shape[1])
        if size <= MOST_KEPT:  # a copy: nobody else can change it
            rows = _float32(rows[:], "motion")
            rows.setflags(write=False)
        made = cls("", rows)
        return cls(DIGEST + made.survey(None).sha256, rows)

    @property
    def is_array(self) -> bool:
        """True where the text names no file."""
        return self.startswith(DIGEST)

    def rows(self, tensor: str | None) -> TableRows:
        """Return the rows, of the array `tensor` where a file holds several.

        Raises BadInput where they can't be had.
        """
        key = tensor if tensor in self._rows or None not in self._rows else None
        if key not in self._rows:
            if self.is_array:
                raise BadInput(unavailable("motion", self))
            self._rows[key] = open_rows(str(self), tensor)
        return self._rows[key]

    def blocks(self, tensor: str | None) -> Iterator[np.ndarray]:
        """Give all rows in blocks, float32 (rows, dims), as they are."""
        rows = self.rows(tensor)
        size = max(1, _BLOCK_BYTES // (4 * int(rows.shape[1])))
        for start in range(0, int(rows.shape[0]), size):
            yield self.block(tensor, start, min(start + size, int(rows.shape[0])))

    def block(self, tensor: str | None, start: int, stop: int) -> np.ndarray:
        """Return rows `start` ... `stop` - 1, float32; BadInput where they can't be read."""
        try:
            found = self.rows(tensor)[slice(start, stop)]
        except BadInput:
            raise
        except Exception as error:  # whatever a codec or a library raises
            raise BadInput(f"{self.named}: steps {start + 1} to {stop} can't be read") from error
        return _float32(found, self.named)

    def survey(self, tensor: str | None) -> Survey:
        """Return the facts of the whole table, which is read once.

        Raises BadInput for a displacement that is not finite, naming its step and dimension.
        """
        if tensor not in self._survey:
            digest, first = hashlib.sha256(), 1
            total = reach = np.zeros(int(self.rows(tensor).shape[1]))
            total, reach = total.copy(), reach.copy()
            for block in self.blocks(tensor):
                digest.update(block.astype("<f4", copy=False).tobytes())
                wrong = ~np.isfinite(block)
                if wrong.any():
                    step, dim = np.argwhere(wrong)[0]
                    raise BadInput(
                        f"{self.named} holds {block[step, dim]} at step {first + step},"
                        f" dim {dim}; displacements are finite"
                    )
                for row in without_small(block):
                    total += row
                    reach += np.abs(row)
                first += len(block)
            self._survey[tensor] = Survey(total, reach, digest.hexdigest())
        return self._survey[tensor]

    @property
    def named(self) -> str:
        """The table in an error: motion and the path, where there is one."""
        return f"motion {printable(self)}" if self and not self.is_array else "motion"

    def kept(self, tensor: str | None) -> np.ndarray | None:
        """Return the whole table, float32, where it is small enough for stores to keep."""
        rows = self.rows(tensor)
        if 4 * int(rows.shape[0]) * int(rows.shape[1]) > MOST_KEPT:
            return None
        return np.concatenate(list(self.blocks(tensor)))

    def __reduce__(self) -> Any:
        rows = self._rows.get(None)
        small = isinstance(rows, np.ndarray) and rows.nbytes <= MOST_KEPT
        return DisplacementTable, (str(self), np.array(rows) if small else None, self.trusted)


def without_small(block: np.ndarray) -> np.ndarray:
    """Return displacements, those too small for any device being +0."""
    small = np.abs(block) < SMALLEST_DISPLACEMENT
    return np.where(small, np.float32(0), block) if small.any() else block


def _listed(given: Any) -> np.ndarray:
    try:
        return np.asarray(given, np.float64)
    except (TypeError, ValueError) as error:
        raise BadInput(
            "motion is not an array of real numbers; it must be (steps, dims)"
        ) from error


def _float32(found: Any, name: str) -> np.ndarray:
    """Return an array of real numbers as float32, each rounded once. Raises BadInput for others."""
    if hasattr(found, "detach"):  # a tensor of PyTorch: of any format, on any device
        found = found.detach().cpu().double().numpy()
    array = np.asarray(found)
    if array.dtype.kind not in "fiu" and not array.dtype.name.startswith(("bfloat", "float")):
        raise BadInput(f"{name} is not an array of real numbers; it must hold displacements")
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(array, np.float32)
