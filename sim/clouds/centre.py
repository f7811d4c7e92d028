"""The centre of a drawn cloud: the vector that a spec names, float64 (dims,).

random:NORM    a normal vector (sim.sampling.normal, from the CENTRE stream of the cloud's seed), of
               that length
FILE.npy       a real vector of length D
CHECKPOINT:ID  the values of a token's row in the unembedding, or the embedding where it is tied
sha256:…       a vector that was given as an array (sim.spec.centre)
"""

from pathlib import Path

import numpy as np

from drift.sim.array_text import DIGEST, unavailable
from drift.sim.clouds.direction import load_vector
from drift.sim.errors import BadInput, printable
from drift.sim.sampling.normal import draw_normal
from drift.sim.sampling.philox import Stream
from drift.sim.spec.centre import CentreVector, random_norm, row_of
from drift.sim.spec.drift import Drift
from drift.sim.spec.vector import unit


def centre_of(drift: Drift) -> np.ndarray | None:
    """Return the centre of the cloud of `drift`, float64 (dims,); None where it has none.

    Raises BadInput where it can't be had, is of another length, or lies outside the format.
    """
    if drift.centre is None:
        return None
    found, target = _vector(drift, drift.centre), drift.target
    farthest = int(np.argmax(np.abs(found)))
    if abs(found[farthest]) > target.largest:
        raise BadInput(
            f"centre is {printable(drift.centre)}; its value {found[farthest]:.6g} in dim"
            f" {farthest} is outside {target.name}, which ends at {target.largest:.6g}"
        )
    return found


def _vector(drift: Drift, name: str) -> np.ndarray:
    if isinstance(name, CentreVector):
        return name.values
    if name.startswith(DIGEST):
        raise BadInput(f"{unavailable('centre', name)}; the run's store has it: --spec STORE")
    if name.endswith(".npy"):
        return load_vector(name, drift.dims, "centre")
    norm = random_norm(name)
    if norm is not None:
        return norm * unit(draw_normal(drift.seed, Stream.CENTRE, drift.dims))
    row = row_of(name)
    assert row is not None, "a spec has no other centre"
    return _row(drift, *row)


def _row(drift: Drift, path: str, token: int) -> np.ndarray:
    from drift.sim.checkpoints.checkpoint import Checkpoint  # late: few centres are of one

    checkpoint, named = Checkpoint(Path(path)), f"centre is {printable(drift.centre or '')}"
    matrix = checkpoint.matrix(checkpoint.default())
    tokens, dims = matrix.codes.shape
    if token >= tokens:
        raise BadInput(f"{named}; the tokens there are 0 ... {tokens - 1}")
    if dims != drift.dims:
        raise BadInput(f"{named}, a row of {dims} dims; dims is {drift.dims}, and must be as many")
    codes = np.asarray(matrix.codes[token : token + 1])[0]
    if not np.all(matrix.format.finite(codes)):
        raise BadInput(f"{named}; it holds values that are not finite")
    return matrix.format.value(codes)
