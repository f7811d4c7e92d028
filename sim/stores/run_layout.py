"""The store of a run: what it holds, and how an empty one is made.

A store is a Zarr v3 group that plain xarray.open_zarr opens:

step, and every count      (record)           int64; radius, stalled, asked, done and moved float64
direction                  (dim)              float64, u as used
token_id                   (token)            int64, of a cloud that is a checkpoint's rows:
                                              which row of its tensor each token was
gradient_direction         (dim)              float64, of an optimizer: u of its gradient at first
centre                     (dim)              float64, of a cloud that is drawn around one
displacements              (displacement, dim) float32, of a table: its row for each step, where
                                              it is small; else the attribute `motion` has its
                                              path and digest
bits, snapshot_step        (snapshot, token, dim), (snapshot)
present                    (snapshot, token)  int8, where tokens leave: 1 or 0
populations                (black_hole)       of the last step, falling; made last

`bits` are codes as unsigned integers of the format's width (float4 in the low
bits of a byte), with the attribute `format`. Everything is preallocated with fill
values that no result has: -1, NaN, and in `bits` all ones, which is the code of a
NaN, or, in float4, of nothing. The shapes and chunks of the arrays depend on the
spec alone. The attribute `cloud` tells of a checkpoint's rows: the `matrix` and its
`format`, the `sha256` of their ids and of their codes as they are used, and how many
values were `zeroed`, being too small for a drift. Every chunk has a checksum, and so have
the attributes (sim.stores.integrity), which bind every array to its place in this store
(sim.stores.digests).

A record's step is written after its counts, so it alone says that the record is
there; all that were counted within about a second are written together. Chunks of records are
bound once all are there; until then the attribute `counted` has a checksum of the first of
them. The attribute `complete` turns true last of all.

Attributes are texts, numbers and lists; others are JSON texts (sim.stores.layouts). Metadata are
consolidated once a store is complete, so that xarray.open_zarr is quiet; of an unfinished one it
wants consolidated=False. In layout 1 attributes hold dictionaries, and nothing is consolidated.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import zarr
from zarr.codecs import BloscCodec, Crc32cCodec

from drift.kernels.formats import Compensated, Format
from drift.sim.spec.drift import Drift
from drift.sim.stores import arrays_at_once, integrity
from drift.sim.stores.digests import DIGESTS, bound_store
from drift.sim.stores.layouts import told

KIND = "drift run"
LAYOUT = 2
"""The version of what is described here."""

COUNTS = {
    "distinct": "occupied cells",
    "black_holes": "cells of two tokens or more",
    "black_hole_tokens": "tokens in black holes",
    "singletons": "cells of one token",
    "largest": "tokens in the fullest cell",
    "pairs": "coalesced pairs of tokens",
    "alive": "tokens that are counted",
    "radius": "mean of the tokens along the direction",
    "stalled": "share of coordinates the last step left where they were",
}
DISPLACEMENTS, GRADIENT_DIRECTION, CENTRE = "displacements", "gradient_direction", "centre"
MOTION_COUNTS = {
    "asked": "norm of the sum of the displacements since the last record",
    "done": "norm of the change of the tokens' mean since the last record",
    "moved": "share of coordinates the last step changed",
}
"""The counts that stores of before lack."""
ALL_COUNTS = {**COUNTS, **MOTION_COUNTS}
_MEANINGS = {
    DISPLACEMENTS: ("displacement", "displacement of each step"),
    GRADIENT_DIRECTION: ("dim", "unit vector that the gradient begins along"),
    "direction": ("dim", "unit vector of the drift"),
    CENTRE: ("dim", "centre of the cloud"),
    "token_id": ("token", "row of the tensor"),
    "snapshot_step": ("snapshot", "step it shows"),
}
ORDER = (*ALL_COUNTS, "populations", "bits", "present", "direction")
"""The arrays of a dataset in the order in which it shows them; coordinates stand apart."""
REAL = ("radius", "stalled", *MOTION_COUNTS)
_COORDINATES = ("step", "snapshot_step", "token_id")
_CHUNK_BYTES = 8 << 20
UNWRITTEN = float("-inf")
"""The fill value of a radius that may be NaN, and of a direction that is: where there is none."""

FIRST = {"kind": KIND, "layout": LAYOUT, "complete": False}
"""The attributes of a store that is to be begun (sim.stores.location)."""
LAST = "spec"
"""The attribute without which it was not."""


def fill(
    group: zarr.Group,
    drift: Drift,
    u: np.ndarray,
    token_ids: np.ndarray | None = None,
    motion: Mapping[str, np.ndarray] | None = None,
) -> dict[str, zarr.Array]:
    """Make a new group the empty store of `drift`, whose unit vector is `u`; return its arrays.

    `motion` has what else is kept of its motion: see `coordinates`.
    """
    records, snapshots = len(drift.record_steps), len(drift.snapshot_steps)
    known, arrays = coordinates(drift, u, token_ids, motion), dict[str, Mapping[str, Any]]()
    for name, text in {"step": "steps done", **ALL_COUNTS}.items():
        dtype, unwritten = (
            "float64" if name in REAL else "int64",
            _fill(u if name == "radius" else 0),
        )
        arrays[name] = small(dtype, {"record": records}, text, unwritten)
    arrays |= {name: coordinate(name, values) for name, values in known.items()}
    if snapshots:
        shape = {"snapshot": snapshots, "token": drift.tokens, "dim": drift.dims}
        arrays["bits"] = bits(shape, drift.target)
        if drift.survivors is not None:
            arrays["present"] = present(shape)
    made = arrays_at_once.create(group, arrays)
    arrays_at_once.write(..., [(made[name], values) for name, values in known.items()])
    there = " ".join(name for name in _COORDINATES if name in made)
    seal(group, made, coordinates=there, **{LAST: drift.as_json()})
    return made


def coordinates(
    drift: Drift,
    u: np.ndarray,
    token_ids: np.ndarray | None,
    motion: Mapping[str, np.ndarray] | None = None,
) -> dict[str, np.ndarray]:
    """Return the arrays that are known before anything is moved, by their names."""
    found = {"direction": u, **(motion or {})}
    if token_ids is not None:
        found["token_id"] = token_ids
    if drift.snapshot_steps:
        found["snapshot_step"] = np.array(drift.snapshot_steps)
    return found


def coordinate(name: str, values: np.ndarray) -> Mapping[str, Any]:
    """Return what one of them is made by."""
    dim, text = _MEANINGS[name]
    if name == DISPLACEMENTS:
        return table(values, text)
    dtype = "float64" if values.dtype.kind == "f" else "int64"
    return small(dtype, {dim: len(values)}, text, _fill(values))


def write_again(group: zarr.Group, name: str, values: np.ndarray) -> None:
    """Write one of them in the place of what may be left of it."""
    again = {name: (coordinate(name, values), values)}
    arrays_at_once.create_filled(group, again, overwrite=True)


def _fill(values: np.ndarray | int) -> float:
    """Return the fill value of an array that holds `values`, or what is measured along them."""
    return UNWRITTEN if np.isnan(values).any() else math.nan


def table(values: np.ndarray, text: str) -> Mapping[str, Any]:
    """Return what a table of displacements, float32 (steps, dims), is made by."""
    steps, dims = values.shape
    return {
        "shape": values.shape,
        "chunks": (max(1, min(steps, _CHUNK_BYTES // (4 * dims))), dims),
        "dtype": "float32",
        "fill_value": float("nan"),
        "dimension_names": ("displacement", "dim"),
        "attributes": {"long_name": text, "units": "1"},
        "compressors": [BloscCodec(cname="lz4", clevel=1, shuffle="shuffle"), Crc32cCodec()],
    }


def meaning_of(name: str) -> str:
    """Return what an array holds, its long name."""
    others = {
        "step": "steps done",
        "populations": "tokens in each black hole at the last step",
        "bits": "codes of the tokens",
        "present": "whether the token is present",
    }
    known = {name: text for name, (_, text) in _MEANINGS.items()}
    return {**known, **others, **ALL_COUNTS}[name]


def seal(group: zarr.Group, arrays: Mapping[str, zarr.Array], **attributes: Any) -> None:
    """Give a group that has all its `arrays` the last of the attributes that it begins with."""
    described = {name: integrity.described(array) for name, array in arrays.items()}
    known = {integrity.KNOWN: described, DIGESTS: bound_store(group).digests()}
    every = {**told.read(dict(group.attrs)), **attributes, **known}
    group.update_attributes(integrity.sealed(told.written(every)))


def small(dtype: str, dims: dict[str, int], text: str, fill: float = math.nan) -> Mapping[str, Any]:
    """Return what a small array of plain numbers, in one chunk, is made by.

    `fill` is that of real numbers.
    """
    return {
        "shape": tuple(dims.values()),
        "chunks": tuple(max(1, n) for n in dims.values()),
        "dtype": dtype,
        "fill_value": fill if dtype == "float64" else -1,
        "dimension_names": tuple(dims),
        "attributes": {"long_name": text, "units": "1"},
        "compressors": integrity.CHECKED,
    }


def rows_together(shape: tuple[int, int], held: Format | Compensated) -> int:
    """Rows in one chunk of the codes of a cloud, of `shape` (tokens, dims): all as many, nearly."""
    tokens, dims = shape
    most = max(1, _CHUNK_BYTES // (held.storage.itemsize * dims))
    return -(-tokens // -(-tokens // most))  # a short last chunk is padded before it is kept


def bits(dims: dict[str, int], held: Format | Compensated) -> Mapping[str, Any]:
    """Return what codes (…, token, dim) are made by: shuffled, lightly compressed, with a checksum.

    Of codes lz4 finds more to save bit by bit than byte by byte, and in half the time.
    """
    *outer, tokens, width = dims.values()
    rows = rows_together((tokens, width), held)
    return {
        "shape": (*outer, tokens, width),
        "chunks": (*(1 for _ in outer), rows, width),
        "dtype": held.storage,
        "fill_value": int(np.iinfo(held.storage).max),
        "dimension_names": tuple(dims),
        "attributes": {"long_name": "codes of the tokens", "format": held.name},
        "compressors": [BloscCodec(cname="lz4", clevel=1, shuffle="bitshuffle"), Crc32cCodec()],
    }


def present(dims: dict[str, int]) -> Mapping[str, Any]:
    """Return what tells which tokens of each snapshot are present is made by."""
    return {
        "shape": (dims["snapshot"], dims["token"]),
        "chunks": (1, dims["token"]),
        "dtype": "int8",
        "fill_value": -1,
        "dimension_names": ("snapshot", "token"),
        "attributes": {"long_name": "whether the token is present", "units": "1"},
        "compressors": integrity.CHECKED,
    }
