"""A copy of the metadata of all arrays in those of their group, which xarray.open_zarr looks for.

Zarr v3 has no such thing yet, but zarr-python reads and writes it, and without it xarray warns.
It is written once a store is complete, in the order in which a dataset shows variables. A copy
would hide what is added or changed later: but whoever opens a store here ignores it, and any later
change of an attribute writes the group's metadata without it (sim.stores.digests.open_bound).
"""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import zarr
from zarr.abc.store import Store
from zarr.core.buffer import default_buffer_prototype
from zarr.core.sync import sync

_METADATA = "zarr.json"


def consolidate(group: zarr.Group, order: Sequence[str]) -> None:
    """Write the copy; arrays of the names in `order` come first, then the others by name."""
    sync(_consolidate(group.store, order))


async def _consolidate(store: Store, order: Sequence[str]) -> None:
    names = sorted([name async for name in store.list_dir("") if name != _METADATA])
    said, *found = await asyncio.gather(
        _json_at(store, _METADATA), *(_json_at(store, f"{name}/{_METADATA}") for name in names)
    )
    assert said is not None, "a store has it"
    arrays = {
        name: each
        for name, each in zip(names, found, strict=True)
        if each and each["node_type"] == "array"
    }
    first = [name for name in order if name in arrays]
    ordered = [*first, *(name for name in arrays if name not in first)]
    said["consolidated_metadata"] = {
        "kind": "inline",
        "must_understand": False,
        "metadata": {name: arrays[name] for name in ordered},
    }
    buffer = default_buffer_prototype().buffer
    await store.set(_METADATA, buffer.from_bytes(json.dumps(said, indent=2).encode()))


async def _json_at(store: Store, key: str) -> dict[str, Any] | None:
    found = await store.get(key, prototype=default_buffer_prototype())
    return None if found is None else json.loads(found.to_bytes())
