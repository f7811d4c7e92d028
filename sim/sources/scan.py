"""Scans of checkpoints, given as such or by their paths."""

import os
from pathlib import Path
from typing import Any

from drift.sim.checkpoints.checkpoint import Checkpoint
from drift.sim.errors import BadInput
from drift.sim.results.page import ShownAsTable
from drift.sim.structures import scan as scans
from drift.sim.structures.scan import Scan

_COLUMNS = ("distinct", "black_holes", "black_hole_tokens", "zero_rows", "mean_rows")


class Scans(list[Scan], ShownAsTable):
    """The scans of a checkpoint's matrices, one behind another."""

    tied: bool | None = None
    """whether embedding and unembedding are one matrix; None where that is not known"""
    notes: list[str]
    """lines for people on what was passed over"""

    __repr__ = ShownAsTable.__repr__

    def as_json(self) -> dict[str, Any]:
        """Return what `drift scan --json` prints."""
        return {"tensors": [each.as_json() for each in self], "tied": self.tied}

    def title(self) -> str:
        """Return the matrices and their black holes in numbers."""
        said = [f"{each.name} with {len(each.black_holes):,} black holes" for each in self]
        return ", ".join(said)

    def head(self) -> list[str]:
        """Return what the table shows of each matrix."""
        return ["matrix", "rows × dims", *(name.replace("_", " ") for name in _COLUMNS)]

    def body(self) -> list[list[Any]]:
        """Return a row for each matrix."""
        told = [each.as_json() for each in self]
        return [
            [each["name"], " × ".join(f"{n:,}" for n in each["shape"]), *map(each.get, _COLUMNS)]
            for each in told
        ]

    def lines(self) -> dict[str, list[float | None]]:
        """Return the populations of the black holes of each matrix, falling."""
        return {
            f"populations in {each.name}": list(each.populations)
            for each in self
            if each.populations
        }


def scan(checkpoint: Checkpoint | str | os.PathLike[str], name: str | None = None) -> Scans:
    """Scan one tensor, or all matrices that have a row for each token, those alike once.

    `checkpoint` is one, or the path of one. Raises BadInput where one of its matrices cannot be
    read as a matrix (sim.checkpoints.weights).

        >>> import numpy as np, drift
        >>> from safetensors.numpy import save_file
        >>> rows = np.repeat(np.float16([[0.5, 1], [0.25, 2], [64, 64]]), [4, 2, 1], axis=0)
        >>> save_file({"lm_head.weight": rows}, "model.safetensors")
        >>> (found,) = drift.scan("model.safetensors")
        >>> found.name, found.distinct, [hole.tolist() for hole in found.black_holes]
        ('lm_head.weight', 3, [[0, 1, 2, 3], [4, 5]])
    """
    opened = checkpoint if isinstance(checkpoint, Checkpoint) else Checkpoint(Path(checkpoint))
    found = Scans(scans.scan(opened, name))
    found.tied = _tied(opened, name)
    found.notes = opened.notes
    return found


def _tied(checkpoint: Checkpoint, tensor: str | None) -> bool | None:
    """Return whether it is tied; None where a tensor was named, and others can't be read."""
    try:
        return checkpoint.tied
    except BadInput as error:
        if tensor is None:
            raise
        checkpoint.notes.append(f"whether it is tied is not known: {error}")
        return None
