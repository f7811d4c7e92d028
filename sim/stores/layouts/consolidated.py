"""A copy of the metadata of all arrays in those of their group, which xarray.open_zarr looks for.

Zarr v3 has no such thing yet, but zarr-python reads and writes it, and without it xarray warns.
It is written once a store is complete, in the order in which a dataset shows variables. A copy
would hide what is added or changed later: but whoever opens a store here ignores it, and any later
change of an attribute writes the group's metadata without it (sim.stores.digests.open_bound).
"""

import json
from collections.abc import Sequence
from typing import Any

import zarr
from zarr.core.buffer import default_buffer_prototype
from zarr.core.sync import sync

_METADATA = "zarr.json"


def consolidate(group: zarr.Group, order: Sequence[str]) -> None:
    """Write the copy; arrays of the names in `order` come first, then the others by name."""
    store = group.store
    names = sorted(group.array_keys())
    first = [name for name in order if name in names]
    ordered = [*first, *(name for name in names if name not in first)]
    said = _json_at(store, _METADATA)
    said["consolidated_metadata"] = {
        "kind": "inline",
        "must_understand": False,
        "metadata": {name: _json_at(store, f"{name}/{_METADATA}") for name in ordered},
    }
    buffer = default_buffer_prototype().buffer
    sync(store.set(_METADATA, buffer.from_bytes(json.dumps(said, indent=2).encode())))


def _json_at(store: Any, key: str) -> dict[str, Any]:
    found = sync(store.get(key, prototype=default_buffer_prototype()))
    assert found is not None, "a store has it"
    document: dict[str, Any] = json.loads(found.to_bytes())
    return document
