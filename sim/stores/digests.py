"""Digests of all that a store holds, by which each file or object is bound to its place there.

digest  of a chunk: the checksum that it ends with, which tells whether it is whole, but not
        whether it belongs here: it may be another store's, or another array's. Of the
        metadata of an array, which say how its chunks become numbers: a checksum of them all
sealed  digests that stand in the attributes of a store, by the keys of what they are of
        ("pairs/c/0", "pairs/zarr.json"). Stores of older versions have none

What is read must have the digest with which this process wrote it, or else the one that is
sealed. There may be none yet: of what was written since the attributes were.
"""

import zlib
from typing import Any

import zarr
from zarr.abc.buffer import Buffer, BufferPrototype
from zarr.abc.store import ByteRequest, Store
from zarr.storage import WrapperStore

DIGESTS = "digests"
"""The attribute that holds them."""
_METADATA = "zarr.json"
_CHECKSUM_BYTES = 4


class Misplaced(Exception):
    """An error: one thing was written, and another is read in its place."""

    def __str__(self) -> str:
        return "it is not the one that drift wrote there"


class BoundStore(WrapperStore[Store]):
    """zarr's store, which keeps digests, and compares them. Raises Misplaced where they differ."""

    def __init__(self, store: Store):
        super().__init__(store)
        self.sealed: dict[str, str] = {}
        self.written: dict[str, str | None] = {}
        """by this process; None for what it has removed, or is about to write"""
        self.read: dict[str, str] = {}
        """of what this process has read"""
        self.complete = False
        """True where an array that is sealed has no chunk beside those that are"""

    async def get(
        self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        """Read what is at a key."""
        found = await super().get(key, prototype, byte_range)
        if found is not None and byte_range is None and key != _METADATA:
            digest = _digest(key, found)
            known = self.written[key] if key in self.written else self.sealed.get(key)
            closed = self.complete and f"{key.partition('/')[0]}/{_METADATA}" in self.sealed
            if digest != known and (known is not None or closed):
                raise Misplaced
            self.read[key] = digest
        return found

    async def set(self, key: str, value: Buffer) -> None:
        """Write it."""
        await super().set(key, value)
        self.written[key] = _digest(key, value)

    async def set_if_not_exists(self, key: str, value: Buffer) -> None:
        """Write it where nothing is: there is one writer alone, which need not ask for its own."""
        if not self.written.get(key) and not await self.exists(key):
            await self.set(key, value)

    async def delete(self, key: str) -> None:
        """Remove it."""
        self.forget(key)
        await super().delete(key)

    async def delete_dir(self, prefix: str) -> None:
        """Remove all that is below a name."""
        self.forget(f"{prefix}/")
        await super().delete_dir(prefix)

    def forget(self, *names: str) -> bool:
        """Take what is at keys, or below names that end with /, for unknown.

        Returns whether any of it was sealed.
        """
        known = {*self.sealed, *self.read, *self.written}
        below = tuple(name for name in names if name.endswith("/"))
        going = {key for key in known if key.startswith(below)} | known.intersection(names)
        self.written |= dict.fromkeys(going)
        return not self.sealed.keys().isdisjoint(going)

    def digests(self) -> dict[str, str]:
        """Return all that are known, by their keys."""
        known = {**self.read, **self.sealed, **self.written}
        return {key: found for key, found in sorted(known.items()) if found and key != _METADATA}


def open_bound(store: Store, writing: bool) -> zarr.Group:
    """Open the group in a store; of its arrays no copies of metadata in its own are believed."""
    mode: Any = "r+" if writing else "r"
    return zarr.open_group(BoundStore(store), mode=mode, zarr_format=3, use_consolidated=False)


def create_bound(store: Store, attributes: dict[str, Any]) -> zarr.Group:
    """Make a group in a store that is empty."""
    return zarr.create_group(BoundStore(store), zarr_format=3, attributes=dict(attributes))


def bound_store(group: zarr.Group) -> BoundStore:
    """Return the store that a group of ours is in."""
    store: Any = group.store
    assert isinstance(store, BoundStore), "sim.stores.location opens no other"
    return store


def _digest(key: str, found: Buffer) -> str:
    if key.endswith(_METADATA):
        return f"{zlib.crc32(found.to_bytes()):08x}"
    return found[-_CHECKSUM_BYTES:].to_bytes().hex()
