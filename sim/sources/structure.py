"""The structure of whatever holds token vectors."""

from typing import Any

from drift.sim.results.notebook import NotebookBar
from drift.sim.sources.source import source_of
from drift.sim.structures.structure import Structure, structure_of


def structure(
    source: Any,
    format: str | None = None,  # noqa: A002 - the option
    *,
    tensor: str | None = None,
    snapshot: int | None = None,
    near: str | int | None = None,
    exponents: int | None = None,
) -> Structure:
    """Find the black holes, the components and the distances of a cloud.

    `source` is a result, a run's store, a checkpoint, a path, or an array (tokens, dims): codes of
    `format`, by default bfloat16, in unsigned integers of its width (float4 in the low bits of a
    byte), as stores hold them; or values in an array type that is a format's, of NumPy or
    ml_dtypes. `tensor` names a matrix of a checkpoint, `snapshot` a step of a run; `near` and
    `exponents` select tokens around one. Rows that are not finite are in no cell. Raises BadInput
    for anything else, and where more pairs of cells are adjacent than a graph can hold.

        >>> import numpy as np, drift
        >>> bits = np.array([[0x3F80, 0], [0x3F80, 0x8000], [0x3F81, 0], [0x4000, 0]], np.uint16)
        >>> found = drift.structure(bits)
        >>> found.cells, found.pairs_at_distance
        (3, {1: 1, 127: 1, 128: 1})
        >>> found.black_holes  # 0x8000 is -0
        [BlackHole(tokens=2, token_ids=[0, 1], norm=1)]
        >>> [(each.nodes, each.tokens, each.core) for each in found.components]
        [(2, 3, 2)]
    """
    around = None if near is None else str(near)
    matrix, _ = source_of(source, format).selection(tensor, snapshot, around, exponents)
    with NotebookBar("neighbours of cells") as bar:
        return structure_of(matrix, bar)
