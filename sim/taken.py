"""A checkpoint's rows as the cloud of a drift.

Codes are taken as they stand in the file. Where the drift has another format they
are rounded to it, to nearest; and what is then too small for a drift, which must
never meet a float32 subnormal, becomes +0, as in a drawn cloud. -0 stays -0.
"""

import hashlib
from typing import Any

import numpy as np

from drift.sim import conversion
from drift.sim.errors import BadInput
from drift.sim.rows import Rows
from drift.sim.spec import Drift, Origin

_BLOCK_BYTES = 1 << 22


class Taken:
    """The cloud of a `drift` whose `origin` is a checkpoint.

    Every row is looked at once. Raises BadInput where rows can't be read or are not
    finite, for a value beyond the drift's format, and for rows that are not as many,
    or as long, as the drift says.
    """

    def __init__(self, drift: Drift, origin: Origin):
        self._rows, self._target = Rows.of(origin), drift.target
        self._matrix = self._rows.matrix
        self.token_ids = self._rows.token_ids
        if self._rows.shape != (drift.tokens, drift.dims):
            raise BadInput(
                f"tokens and dims are {drift.tokens} and {drift.dims}; those of"
                f" {self._matrix.label} are {self._rows.shape[0]} and {self._rows.shape[1]}"
            )
        self._smallest = int(self._target.code(np.array(drift.smallest_drawn)))
        self.facts = self._looked_at()
        self._some_are_small = self.facts["zeroed"] > 0

    def codes(self, start: int, stop: int) -> np.ndarray:
        """Codes of tokens start ... stop - 1, of the drift's format; not to be written to."""
        codes = self._rounded(start, stop)
        return _without(codes, self._small(codes)) if self._some_are_small else codes

    def _looked_at(self) -> dict[str, Any]:
        tokens, dims = self._rows.shape
        zeroed, digest = 0, hashlib.sha256(self.token_ids.astype("<i8").tobytes())
        rows = max(1, _BLOCK_BYTES // (self._target.storage.itemsize * dims))
        for start in range(0, tokens, rows):
            stop = min(start + rows, tokens)
            codes = self._rounded(start, stop)
            small = self._small(codes)
            zeroed += int(np.count_nonzero(small))
            used = _without(codes, small) if small.any() else codes
            digest.update(np.ascontiguousarray(used, used.dtype.newbyteorder("<")).data)
        about = {"matrix": self._matrix.label, "format": self._matrix.format.name}
        return {**about, "sha256": digest.hexdigest(), "zeroed": zeroed}

    def _small(self, codes: np.ndarray) -> np.ndarray:
        """Which of `codes` are too small, but not zero, bool."""
        magnitude = codes & self._target.storage.type(self._target.sign - 1)
        return (magnitude > 0) & (magnitude < self._smallest)

    def _rounded(self, start: int, stop: int) -> np.ndarray:
        codes, source, target = self._rows.codes(start, stop), self._matrix.format, self._target
        if source == target:
            return codes
        values = conversion.values(codes, source)
        beyond = np.argwhere(conversion.beyond(values, target))
        if len(beyond):
            row, dim = beyond[0]
            raise BadInput(
                f"{self._matrix.label} does not fit {target.name}: token"
                f" {self.token_ids[start + row]} has {values[row, dim]:.5g}, beyond its largest,"
                f" {target.largest:.5g}"
            )
        return conversion.nearest(values, target)


def _without(codes: np.ndarray, small: np.ndarray) -> np.ndarray:
    return np.where(small, codes.dtype.type(0), codes)
