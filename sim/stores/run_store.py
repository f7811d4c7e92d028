"""The store of a run: what it holds, how an empty one is made, how it is read and written.

A store is a Zarr v3 group that plain xarray.open_zarr opens:

step, and every count      (record)           int64; radius and stalled float64
direction                  (dim)              float64, u as used
token_id                   (token)            int64, of a cloud that is a checkpoint's rows:
                                              which row of its tensor each token was
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
the attributes and each array's own (sim.stores.integrity).

A record's step is written after its counts, so it alone says that the record is
there. The attribute `complete` turns true last of all.

Metadata are not consolidated, so xarray.open_zarr wants consolidated=False to be quiet: Zarr
v3 has no such thing yet, and a copy hides from zarr-python whatever is added or changed later.
"""

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import zarr
from zarr.codecs import BloscCodec, Crc32cCodec

from drift.kernels.formats import Format
from drift.sim.counting.cells import Counts
from drift.sim.errors import Damaged
from drift.sim.spec.drift import Drift
from drift.sim.spec.fields import DIGEST
from drift.sim.spec.vector import DirectionVector
from drift.sim.stores import integrity
from drift.sim.stores.location import AnyLocation
from drift.sim.stores.store import Store

KIND = "drift run"
LAYOUT = 1
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
_REAL = ("radius", "stalled")
_COORDINATES = ("step", "snapshot_step", "token_id")
_CHUNK_BYTES = 8 << 20


FIRST = {"kind": KIND, "layout": LAYOUT, "complete": False}
"""The attributes of a store that is to be begun (sim.stores.location)."""
LAST = "spec"
"""The attribute without which it was not."""


def fill(
    group: zarr.Group, drift: Drift, u: np.ndarray, token_ids: np.ndarray | None = None
) -> None:
    """Make a new group the empty store of `drift`, whose unit vector is `u`."""
    records, snapshots = len(drift.record_steps), len(drift.snapshot_steps)
    for name, text in {"step": "steps done", **COUNTS}.items():
        add(group, name, "float64" if name in _REAL else "int64", {"record": records}, text)
    add(group, "direction", "float64", {"dim": drift.dims}, "unit vector of the drift")[:] = u
    if token_ids is not None:
        ids = add(group, "token_id", "int64", {"token": drift.tokens}, "row of the tensor")
        ids[:] = token_ids
    if snapshots:
        shape = {"snapshot": snapshots, "token": drift.tokens, "dim": drift.dims}
        add_bits(group, shape, drift.target)
        if drift.survivors is not None:
            add_present(group, shape)
        steps = add(group, "snapshot_step", "int64", {"snapshot": snapshots}, "step it shows")
        steps[:] = drift.snapshot_steps
    seal(
        group,
        coordinates=" ".join(name for name in _COORDINATES if name in group),
        **{LAST: drift.as_json()},
    )


def seal(group: zarr.Group, **attributes: Any) -> None:
    """Give a group that has all its arrays the last of the attributes that it begins with."""
    known = {integrity.KNOWN: integrity.known(group)}
    group.update_attributes(integrity.sealed({**dict(group.attrs), **attributes, **known}))


def add(
    group: zarr.Group,
    name: str,
    dtype: str,
    dims: dict[str, int],
    text: str,
    overwrite: bool = False,
) -> zarr.Array:
    """Preallocate a small array of plain numbers, in one chunk."""
    return group.create_array(
        name,
        shape=tuple(dims.values()),
        chunks=tuple(max(1, n) for n in dims.values()),
        dtype=dtype,
        fill_value=float("nan") if dtype == "float64" else -1,
        dimension_names=tuple(dims),
        attributes={"long_name": text, "units": "1"},
        compressors=integrity.CHECKED,
        overwrite=overwrite,
    )


def rows_together(shape: tuple[int, int], held: Format) -> int:
    """Rows in one chunk of the codes of a cloud, of `shape` (tokens, dims)."""
    tokens, dims = shape
    return max(1, min(tokens, _CHUNK_BYTES // (held.storage.itemsize * dims)))


def add_bits(group: zarr.Group, dims: dict[str, int], held: Format) -> zarr.Array:
    """Preallocate codes (…, token, dim): shuffled, lightly compressed, with a checksum."""
    *outer, tokens, width = dims.values()
    rows = rows_together((tokens, width), held)
    return group.create_array(
        "bits",
        shape=(*outer, tokens, width),
        chunks=(*(1 for _ in outer), rows, width),
        dtype=held.storage,
        fill_value=int(np.iinfo(held.storage).max),
        dimension_names=tuple(dims),
        attributes={"long_name": "codes of the tokens", "format": held.name},
        compressors=[BloscCodec(cname="lz4", clevel=1, shuffle="shuffle"), Crc32cCodec()],
    )


def add_present(group: zarr.Group, dims: dict[str, int]) -> zarr.Array:
    """Preallocate which tokens of each snapshot are present."""
    return group.create_array(
        "present",
        shape=(dims["snapshot"], dims["token"]),
        chunks=(1, dims["token"]),
        dtype="int8",
        fill_value=-1,
        dimension_names=("snapshot", "token"),
        attributes={"long_name": "whether the token is present", "units": "1"},
        compressors=integrity.CHECKED,
    )


class RunStore(Store):
    """The store of a run, opened. Raises BadInput where there is none that can be read.

    >>> import drift
    >>> result = drift.run(drift.Drift(sigma=1e-6, tokens=100, dims=32), "results/small.zarr")
    >>> store = drift.RunStore("results/small.zarr")
    >>> store.complete, store.attrs["spec"]["radius"], store.records()[-1].distinct
    (True, 0.371, 27)
    >>> store.read("bits").shape, store.read("snapshot_step")
    ((2, 100, 32), array([  0, 100]))
    """

    kind, verb, wanted = KIND, "run", "a drift store"
    layout, last = LAYOUT, LAST

    def __init__(
        self, place: AnyLocation, writing: bool = False, still: Callable[[], None] = lambda: None
    ):
        super().__init__(place, writing)
        self.still = still
        """raises an OSError where it must not be written to any more"""
        self._known: dict[str, np.ndarray] = {}

    def asked(self) -> dict[str, Any]:
        """The spec; reads the records too, so that Damaged is raised before one is resumed."""
        self.records()
        spec: dict[str, Any] = self.attrs["spec"]
        return spec

    @property
    def drift(self) -> Drift:
        """The drift that is run; a direction that was given as an array is the store's own.

        Raises Damaged where that is another one than the spec names.
        """
        drift = Drift.from_json(self.attrs["spec"], str(self.address))
        if not drift.direction.startswith(DIGEST):
            return drift
        vector = DirectionVector.of_unit(self.read("direction"))
        if vector != drift.direction:
            raise Damaged(f"{self.address}: its direction is not the one that its spec names")
        return dataclasses.replace(drift, direction=vector)

    def read(self, name: str) -> np.ndarray:
        """One of the arrays, whole, in memory; the populations come last.

        Raises Damaged, as the others here do, where a chunk is damaged or missing.
        """
        return self.values(name)

    def records(self) -> list[Counts]:
        """The records that are there, rising."""
        columns = self._columns()
        done = np.flatnonzero(columns["step"] >= 0)
        return [Counts(**{name: columns[name][k].item() for name in columns}) for k in done]

    def write_record(self, index: int, counts: Counts) -> None:
        """Put a record in its place, the step last."""
        if not self._known:
            self._known = self._columns()

        def write(name: str) -> None:
            self._known[name][index] = getattr(counts, name)
            self.array(name)[:] = self._known[name]  # its only chunk, which needs no reading so

        self.address.together(write, COUNTS)
        write("step")

    def _columns(self) -> dict[str, np.ndarray]:
        """Steps first, since a record's counts are there before its step is."""
        steps = self.values("step", there=self.complete)
        read = partial(self.values, there=steps >= 0)
        counts = self.address.together(read, COUNTS)
        return {"step": steps, **dict(zip(COUNTS, counts, strict=True))}

    def finish(self, populations: np.ndarray, **attributes: Any) -> None:
        """Write what is known only at the end, and say that all is there."""
        shape = {"black_hole": len(populations)}
        array = add(
            self.group,
            "populations",
            "int64",
            shape,
            "tokens in each black hole at the last step",
            overwrite=True,
        )
        array[:] = populations
        known = {**self.attrs.get(integrity.KNOWN, {}), array.name: integrity.described(array)}
        self.update(**attributes, **{integrity.KNOWN: known})
        self.update(complete=True)
