"""Zarr's store on this machine's file systems, which hands no small file to a thread.

That takes longer than to read or write one, and a store of ours is many small files.
"""

import uuid

from zarr.abc.buffer import Buffer, BufferPrototype
from zarr.abc.store import ByteRequest
from zarr.core.buffer import default_buffer_prototype
from zarr.storage import LocalStore

_SMALL = 1 << 16
"""Bytes of a file that is read and written where it is asked for."""


class LocalFiles(LocalStore):
    """Zarr's own store; small files are written as it does, beside and then renamed."""

    async def get(
        self,
        key: str,
        prototype: BufferPrototype | None = None,
        byte_range: ByteRequest | None = None,
    ) -> Buffer | None:
        """Read what is at a key."""
        path = self.root / key
        try:
            if byte_range is not None or path.stat().st_size > _SMALL:
                return await super().get(key, prototype, byte_range)
            found = path.read_bytes()
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            return None
        return (prototype or default_buffer_prototype()).buffer.from_bytes(found)

    async def set(self, key: str, value: Buffer) -> None:
        """Write it."""
        if self.read_only or len(value) > _SMALL:
            await super().set(key, value)
            return
        path = self.root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".{uuid.uuid4().hex}.partial")  # sim.stores.location cleans these
        try:
            with part.open("wb") as file:
                file.write(value.as_buffer_like())
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
