"""A checkpoint's rows as the cloud of a drift.

origin  which rows: a checkpoint, its tensor, and the selection of rows near a token

Codes are taken as they stand in the file and are read as they are needed. Where the drift has
another format they are rounded to it, to nearest; float32 masters start from the rows' own values
instead. What is then too small for a drift, which must never meet a float32 subnormal, becomes +0,
as in a drawn cloud. -0 stays -0.
"""

import hashlib
import os
from pathlib import Path
from typing import Any

import numpy as np

from drift.sim import matrix
from drift.sim.arrays.rows import ArrayRows, is_array, is_file, missing
from drift.sim.checkpoints.checkpoint import Checkpoint
from drift.sim.checkpoints.selection import selected
from drift.sim.errors import BadInput
from drift.sim.matrix import Matrix
from drift.sim.spec.drift import Drift
from drift.sim.spec.fields import shown
from drift.sim.spec.given_cloud import default_format
from drift.sim.spec.origin import EXPONENTS, Origin


def matrix_of(origin: Origin) -> Matrix:
    """Return the matrix that an origin names. Raises BadInput where it can't be had."""
    if not is_array(origin.path):
        return Checkpoint(Path(origin.path)).matrix(origin.tensor)
    if not isinstance(origin.path, ArrayRows):
        raise BadInput(missing(origin.path))
    return origin.path.matrix


class CheckpointRows:
    """The finite rows of `matrix` that `which` names, int64, rising; None for all.

    Raises BadInput where all are meant and some are not finite.
    """

    def __init__(self, matrix: Matrix, which: np.ndarray | None = None):
        self.matrix, self._which = matrix, which
        self.token_ids = matrix.token_ids if which is None else matrix.token_ids[which]
        """int64 (tokens,): the ids of the rows in the checkpoint"""
        if which is None:
            matrix.check_finite()

    @classmethod
    def of(cls, origin: Origin) -> "CheckpointRows":
        """Return the rows that an origin names. Raises BadInput where they can't be had."""
        matrix = matrix_of(origin)
        if origin.near is None or origin.exponents is None:
            return cls(matrix)
        return cls(matrix, selected(matrix, origin.near, origin.exponents))

    @property
    def shape(self) -> tuple[int, int]:
        """The shape of the cloud: (tokens, dims)."""
        return len(self.token_ids), self.matrix.codes.shape[1]

    def codes(self, start: int, stop: int) -> np.ndarray:
        """Return codes of tokens start ... stop - 1, in the matrix's own format."""
        some = slice(start, stop) if self._which is None else self._which[start:stop]
        return self.matrix.codes[some]


_BLOCK_BYTES = 1 << 22


class CheckpointCloud:
    """The cloud of a `drift` whose `origin` is a checkpoint.

    Every row is read once. Raises BadInput where rows can't be read or are not
    finite, for a value beyond the drift's format, and for rows that are not as many,
    or as long, as the drift says.
    """

    def __init__(self, drift: Drift, origin: Origin):
        self._rows, self._target = CheckpointRows.of(origin), drift.target
        self._matrix, self._state = self._rows.matrix, drift.arithmetic.state
        # Masters keep what the format would round away; other states are the codes themselves.
        self._keeps = self._state != self._target and self._matrix.format != self._target
        self.token_ids, self.centre = self._rows.token_ids, None
        if self._rows.shape != (drift.tokens, drift.dims):
            raise BadInput(
                f"tokens and dims are {drift.tokens} and {drift.dims}; in"
                f" {self._matrix.label} they are {self._rows.shape[0]} and {self._rows.shape[1]}"
            )
        self._held = self._state if self._keeps else self._target
        self._smallest = int(self._held.code(np.array(drift.smallest_drawn)))
        self.facts = self._survey()
        # Few checkpoints have such values; the codes of the others are used without a copy.
        self._some_are_small = self.facts["zeroed"] > 0

    def codes(self, start: int, stop: int) -> np.ndarray:
        """Return codes of tokens start ... stop - 1, of the drift's format, to be read only."""
        held = self._without_small(start, stop)
        return matrix.rounded_once(held, self._held, self._target)

    def states(self, start: int, stop: int) -> np.ndarray:
        """Return codes of tokens start ... stop - 1, of the state format, to be read only."""
        return matrix.rounded_once(self._without_small(start, stop), self._held, self._state)

    def _without_small(self, start: int, stop: int) -> np.ndarray:
        codes = self._rounded(start, stop)
        return _without(codes, self._small(codes)) if self._some_are_small else codes

    def _survey(self) -> dict[str, Any]:
        tokens, dims = self._rows.shape
        zeroed = changed = 0
        digest = hashlib.sha256(self.token_ids.astype("<i8").tobytes())
        rows = max(1, _BLOCK_BYTES // (self._held.storage.itemsize * dims))
        for start in range(0, tokens, rows):
            stop = min(start + rows, tokens)
            codes = self._rounded(start, stop)
            if self._matrix.format != self._target:
                changed += self._check(start, stop, codes)
            small = self._small(codes)
            zeroed += int(np.count_nonzero(small))
            used = _without(codes, small) if small.any() else codes
            # In one byte order, so that the digest is the same on every machine.
            digest.update(np.ascontiguousarray(used, used.dtype.newbyteorder("<")).data)
        about = {"matrix": self._matrix.label, "format": self._matrix.format.name}
        noted = {"note": self._matrix.note} if self._matrix.note else {}
        rounded = {} if self._matrix.format == self._held else {"rounded": changed}
        return {**about, "sha256": digest.hexdigest(), "zeroed": zeroed, **rounded, **noted}

    def _check(self, start: int, stop: int, held: np.ndarray) -> int:
        """Return how many values of some rows were changed by rounding them to `held`.

        Raises BadInput for a value beyond the drift's format.
        """
        codes, source, target = self._rows.codes(start, stop), self._matrix.format, self._target
        exact = source == matrix.FLOAT64
        values = codes.view(np.float64) if exact else matrix.values(codes, source)
        beyond = np.argwhere(matrix.beyond(values, target))
        if len(beyond):
            row, dim = beyond[0]
            raise BadInput(
                f"{self._matrix.label} does not fit {target.name}: token"
                f" {self.token_ids[start + row]} has {values[row, dim]:.5g}, beyond its largest,"
                f" {target.largest:.5g}"
            )
        return int(np.count_nonzero(matrix.values(held, self._held) != values))

    def _small(self, codes: np.ndarray) -> np.ndarray:
        """Return whether each of `codes` is too small, but not zero, bool."""
        magnitude = codes & self._held.storage.type(self._held.sign - 1)
        return (magnitude > 0) & (magnitude < self._smallest)

    def _rounded(self, start: int, stop: int) -> np.ndarray:
        """Return the codes of some rows in the format in which they are held from step 0 on."""
        return matrix.rounded_once(self._rows.codes(start, stop), self._matrix.format, self._held)


def _without(codes: np.ndarray, small: np.ndarray) -> np.ndarray:
    return np.where(small, codes.dtype.type(0), codes)


def from_checkpoint(
    path: Any,
    tensor: str | None = None,
    near: str | int | None = None,
    exponents: int | None = None,
    **rest: Any,
) -> Drift:
    """Return the drift of a checkpoint's rows: `rest` are fields of Drift, but not of its cloud.

    `path` may also be an array, or a .npy file, as drift.Drift(cloud=…) takes them.
    `tensor` is by default the unembedding, or the embedding where there is no other;
    `near` and `exponents` select as sim.checkpoints.selection says, 5 exponents by default. The
    `format` of `rest` is by default that of the tensor. Raises BadInput where the
    checkpoint can't be read as asked for.

        >>> import numpy as np, drift
        >>> from safetensors.numpy import save_file
        >>> rows = np.repeat(np.float16([[0.5, 1], [0.25, 2], [64, 64]]), [4, 2, 1], axis=0)
        >>> save_file({"lm_head.weight": rows}, "model.safetensors")
        >>> d = drift.from_checkpoint("model.safetensors", near="largest", direction="centroid")
        >>> d.tokens, d.dims, d.format
        (6, 2, 'float16')
    """
    for name in ("sigma", "tokens", "dims"):
        if rest.get(name) is not None:
            raise BadInput(
                f"{name} is {shown(rest[name])} with --from; it is for a drawn cloud alone"
            )
        rest.pop(name, None)
    if near is not None and exponents is None:
        exponents = EXPONENTS
    near = None if near is None else str(near)
    if hasattr(path, "shape") or isinstance(path, ArrayRows) or is_file(path):
        rows = ArrayRows.of(path, rest.get("format"))
        kind = rows.matrix.format.name
        if tensor not in (None, kind):
            raise BadInput(f"tensor is {shown(tensor)} with an array, which is one matrix")
        origin = Origin(path=rows, tensor=kind, near=near, exponents=exponents)
        usual = default_format(kind)
    else:
        checkpoint = Checkpoint(Path(path))
        tensor = checkpoint.default() if tensor is None else tensor
        origin = Origin(path=os.fspath(path), tensor=tensor, near=near, exponents=exponents)
        usual = checkpoint.matrix(tensor).format.name
    matrix = matrix_of(origin)
    # All rows may be many: they are read once it is known that they fit into memory.
    tokens, dims = matrix.codes.shape if near is None else CheckpointRows.of(origin).shape
    target = rest.pop("format", None) or usual
    return Drift(origin=origin, tokens=tokens, dims=dims, format=target, **rest)
