"""Comparisons of whatever holds token vectors: checkpoints, runs, results, arrays."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from drift.kernels.formats import FORMATS
from drift.sim.checkpoints.checkpoint import Checkpoint
from drift.sim.errors import BadInput, printable_name
from drift.sim.matrix import Matrix
from drift.sim.open_matrix import tensor_or_step
from drift.sim.sources.source import TokenSource, source_of
from drift.sim.stores.location import LocalLocation
from drift.sim.structures import compare as comparison
from drift.sim.structures.compare import Comparison


class MatrixPair(NamedTuple):
    """Two matrices that are to be compared."""

    one: Matrix
    """A, rounded where that was asked for"""
    other: Matrix
    """B, likewise"""
    names: tuple[str | int | None, str | int | None]
    """of each, the tensor or the step that it is; None of an array"""
    formats: tuple[str, str]
    """names of the formats before anything was rounded"""


def pair_of(
    a: Any,
    b: Any,
    tensor: str | None = None,
    snapshot: int | Sequence[int] | None = None,
    format_name: str | None = None,
) -> MatrixPair:
    """Return the matrices that are meant. Raises BadInput where there are none of them.

    `tensor` is a name for both or two names, A,B; `snapshot` one step for both, or one for each.
    """
    steps: tuple[int | None, ...] = (None,)
    if snapshot is not None:
        steps = (snapshot,) if isinstance(snapshot, int) else tuple(snapshot)
    if len(steps) > 2:
        raise BadInput(f"snapshot names {len(steps)} steps; one for both or one for each is needed")
    if format_name is not None and format_name not in FORMATS:
        raise BadInput(f"format is {format_name!r}; it must be one of {', '.join(FORMATS)}")
    one, other = source_of(a), source_of(b)
    runs = one.is_run, other.is_run
    tensors = tensors_of(tensor)
    if tensors[0] != tensors[1] and any(runs):
        raise BadInput(f"tensor is {tensor!r}; a name for each is for two checkpoints")
    if tensor is None and not any(runs):
        tensors = _paired(one, other)
    # Of a run and a checkpoint, each gets the option that is its own.
    found = [
        _opened(
            source,
            name if all(runs) or not source.is_run else None,
            step if source.is_run or not any(runs) else None,
        )
        for source, name, step in zip((one, other), tensors, (steps[0], steps[-1]), strict=True)
    ]
    (name_a, matrix_a), (name_b, matrix_b) = found
    formats = matrix_a.format.name, matrix_b.format.name
    if format_name is not None:
        matrix_a, matrix_b = (each.rounded(FORMATS[format_name]) for each in (matrix_a, matrix_b))
    return MatrixPair(matrix_a, matrix_b, (name_a, name_b), formats)


def _opened(
    source: TokenSource, tensor: str | None, step: int | None
) -> tuple[str | int | None, Matrix]:
    """Return the matrix of a source, and the tensor or step that it is."""
    if source.location is None:
        return None, source.selection(tensor, step)[0]
    name = tensor_or_step(source.location, tensor, step)
    matrix = source.selection(tensor, step)[0]
    if isinstance(name, str):  # files of one name are in many places
        matrix = replace(matrix, label=f"{source}, {printable_name(name)}")
    return name, matrix


def _paired(a: TokenSource, b: TokenSource) -> tuple[str | None, str | None]:
    """Return the names of matrices that belong together, where one side is an adapter."""
    places = a.location, b.location
    if not all(isinstance(each, LocalLocation) and each.exists() for each in places):
        return None, None  # said where they are opened
    one, other = (Checkpoint(each.path) for each in places if isinstance(each, LocalLocation))
    return one.pair_with(other) if one.adapted or other.adapted else (None, None)


def tensors_of(named: str | None) -> tuple[str | None, str | None]:
    """Return the names for both sides; BadInput for more than two, or an empty one of two."""
    names = [None] if named is None else named.split(",")
    if len(names) > 2 or (len(names) == 2 and "" in names):
        raise BadInput(f"tensor is {named!r}; one name for both or one for each is needed")
    return names[0], names[-1]


def compare(
    a: Any,
    b: Any,
    *,
    tensor: str | None = None,
    snapshot: int | Sequence[int] | None = None,
    format: str | None = None,  # noqa: A002 - the option
) -> Comparison:
    """Compare two matrices of token vectors bit by bit, and follow their black holes.

    `a` and `b` are results, runs' stores, checkpoints, paths or arrays (tokens, dims), whose rows
    are paired by token id. `tensor` names a matrix of checkpoints, "A,B" one for each; `snapshot`
    is a step of runs, or one for each; `format` rounds what is in another one first. Raises
    BadInput where there is nothing of the kind, where formats or dims differ, and where it would
    need too much memory.

        >>> import numpy as np, drift
        >>> rows = np.float16([[0.5, 1], [0.25, 2], [64, 64]])
        >>> found = drift.compare(rows, rows[[0, 0, 2]])
        >>> found.identical_rows, found.largest_distance, found.lineage_events[0].what
        (2, 1024, 'born')
    """
    pair = pair_of(a, b, tensor, snapshot, format)
    return comparison.compare(pair.one, pair.other)
