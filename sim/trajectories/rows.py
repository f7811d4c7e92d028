"""The tokens of a trajectory that are looked at.

selection  first:stop (as Python's ranges: without the last), ids 3,7,9, a .npy file of ids or of
           booleans, a boolean tensor FILE.safetensors or FILE.safetensors:NAME; with ! before it,
           all others
near       the tokens around one, at the last sample (sim.checkpoints.selection)

Ids are those of the trajectory. Both together select what is in both.
"""

import re
from pathlib import Path
from typing import Any

import numpy as np

from drift.sim.checkpoints.safetensors import format_shape
from drift.sim.checkpoints.selection import selected
from drift.sim.checkpoints.weights import Weights
from drift.sim.errors import BadInput, printable
from drift.sim.matrix import Matrix
from drift.sim.trajectories.files import open_npy
from drift.sim.trajectories.trajectory import Trajectory

_FILE = re.compile(r"(?P<path>.+\.safetensors)(?::(?P<name>.+))?")
_MEANT = "first:stop, ids with commas, a .npy file or a boolean tensor are accepted"


def rows_of(
    trajectory: Trajectory, rows: Any, near: str | None, exponents: int, last: int
) -> np.ndarray:
    """Return the selected rows, int64, rising; `last` is the sample at which `near` is meant.

    `rows` is a text, or an array of ids or booleans, or None for all. Raises BadInput where
    nothing is selected, and for what is no selection.
    """
    ids = trajectory.token_ids
    which = np.ones(len(ids), bool) if rows is None else _mask(rows, ids, trajectory.label)
    if near is not None:
        codes = trajectory.read(range(last, last + 1), slice(0, trajectory.tokens))[0]
        present = trajectory.present(last)
        here = np.arange(len(ids)) if present is None else np.flatnonzero(present)
        matrix = Matrix(codes[here], trajectory.target, trajectory.label, ids[here])
        around = np.zeros(len(ids), bool)
        around[here[selected(matrix, near, exponents)]] = True
        which &= around
    if not which.any():
        what = " and ".join(
            f"{name} {printable(str(each), 60)}"
            for name, each in (("rows", rows), ("near", near))
            if each is not None
        )
        raise BadInput(f"{what} selects none of the {len(ids):,} tokens of {trajectory.label}")
    return np.flatnonzero(which)


def _mask(rows: Any, ids: np.ndarray, label: str) -> np.ndarray:
    """Return whether each token is selected."""
    if not isinstance(rows, str):
        return _of_array(rows, ids, "rows", label)
    text = rows.strip()
    if text.startswith("!"):
        return ~_mask(text[1:], ids, label)
    if text.endswith(".npy"):
        return _of_array(open_npy(Path(text)), ids, f"rows {text}", label)
    if found := _FILE.fullmatch(text):
        return _of_tensor(Path(found["path"]), found["name"], ids, label)
    if ":" in text:
        return _of_range(text, ids)
    try:
        numbers = [int(part) for part in text.split(",")]
    except ValueError as error:
        raise BadInput(f"rows is {printable(repr(rows))}; {_MEANT}") from error
    if any(abs(number) >= 2**63 for number in numbers):
        raise BadInput(f"rows is {printable(repr(rows))}; {_MEANT}")
    return _of_ids(np.array(numbers), ids, "rows", label)


def _of_range(text: str, ids: np.ndarray) -> np.ndarray:
    parts = [part.strip() for part in text.split(":")]
    if len(parts) != 2 or not all(part.isascii() and part.isdecimal() for part in parts if part):
        raise BadInput(f"rows is {printable(repr(text))}; {_MEANT}")
    first = int(parts[0]) if parts[0] else 0
    stop = int(parts[1]) if parts[1] else int(ids[-1]) + 1
    if first >= stop:
        raise BadInput(f"rows is {printable(repr(text))}, which is empty; the stop is not included")
    return (ids >= min(first, 2**62)) & (ids < min(stop, 2**62))


_KINDS = {"BOOL": "u1", "U8": "u1", "I64": "<i8", "I32": "<i4"}
"""Types of tensors of booleans, of a byte each, and of ids."""


def _of_tensor(path: Path, name: str | None, ids: np.ndarray, label: str) -> np.ndarray:
    weights = Weights(path)
    meant = [each.name for each in weights.tensors() if each.dtype in _KINDS]
    if name is None:
        if len(meant) != 1:
            what = "several tensors that may be meant" if meant else "no tensor of booleans or ids"
            raise BadInput(f"{path} holds {what}; {weights.listed()}; {path}:NAME names one")
        name = meant[0]
    tensor = weights.tensor(name)
    if tensor.dtype not in _KINDS or len(tensor.shape) != 1:
        raise BadInput(
            f"{path}: tensor {printable(repr(name))} is {printable(tensor.dtype)} of shape"
            f" {format_shape(tensor.shape)}; a boolean for each token, or ids, are needed"
        )
    kind = np.dtype(_KINDS[tensor.dtype])
    found = np.asarray(weights.mapped(tensor, kind)) if 0 not in tensor.shape else np.zeros(0, kind)
    return _of_array(found != 0 if kind.itemsize == 1 else found, ids, f"rows {path}", label)


def _of_array(given: Any, ids: np.ndarray, what: str, label: str) -> np.ndarray:
    if hasattr(given, "detach"):  # a tensor of PyTorch
        given = given.detach().cpu().numpy()
    if isinstance(given, slice | range):
        given = np.arange(int(ids[-1]) + 1)[given] if isinstance(given, slice) else np.array(given)
    found = np.asarray(given)
    if found.ndim != 1 or found.dtype.kind not in "bui":
        raise BadInput(
            f"{what} is {found.dtype} of shape {list(found.shape)}; a boolean for each token, or"
            " ids, are needed"
        )
    if found.dtype.kind != "b":
        return _of_ids(found, ids, what, label)
    if len(found) != len(ids):
        raise BadInput(f"{what} has {len(found):,} booleans; {label} has {len(ids):,} tokens")
    return np.array(found)


def _of_ids(numbers: np.ndarray, ids: np.ndarray, what: str, label: str) -> np.ndarray:
    missing = numbers[~np.isin(numbers, ids)]
    if len(missing):
        raise BadInput(
            f"{what} names token {int(missing[0])}, which {label} does not have; its ids are"
            f" {ids[0]} ... {ids[-1]}"
        )
    return np.isin(ids, numbers)
