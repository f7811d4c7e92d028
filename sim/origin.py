"""Drifts that start from a checkpoint's rows."""

from pathlib import Path
from typing import Any

from drift.sim.checkpoint import Checkpoint
from drift.sim.errors import BadInput
from drift.sim.rows import Rows
from drift.sim.spec import Drift, Origin

EXPONENTS = 5
"""How far exponents of the selected may be from those of `near`, where nobody says."""


def from_checkpoint(
    path: Path | str,
    tensor: str | None = None,
    near: str | int | None = None,
    exponents: int | None = None,
    **rest: Any,
) -> Drift:
    """The drift of a checkpoint's rows: `rest` are fields of Drift, but not of its cloud.

    `tensor` is by default the unembedding, or the embedding where there is no other;
    `near` and `exponents` select as sim.selection says, 5 exponents by default. The
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
            raise BadInput(f"{name} is {rest[name]:g} with --from; it is for a drawn cloud alone")
        rest.pop(name, None)
    if near is not None and exponents is None:
        exponents = EXPONENTS
    checkpoint = Checkpoint(Path(path))
    origin = Origin(
        path=str(path),
        tensor=checkpoint.default() if tensor is None else tensor,
        near=None if near is None else str(near),
        exponents=exponents,
    )
    rows = Rows.of(origin)
    tokens, dims = rows.shape
    target = rest.pop("format", None) or rows.matrix.format.name
    return Drift(origin=origin, tokens=tokens, dims=dims, format=target, **rest)
