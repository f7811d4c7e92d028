"""Clients of object storage: s3fs for zarr, botocore for the rest.

settings    the environment's AWS variables; a client is kept for each that were met
hasty       how a bucket is first asked: whether it answers has to be known soon
patient     how it is asked later, when work would be lost

s3fs works in zarr's own event loop, and is closed there before Python ends.
"""

import asyncio
import atexit
import os
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from zarr.abc.buffer import Buffer, BufferPrototype
from zarr.abc.store import ByteRequest
from zarr.buffer import default_buffer_prototype
from zarr.storage import FsspecStore

from drift.sim.errors import StorageError
from drift.sim.stores.location import SCHEME
from drift.sim.stores.objects.errors import as_storage_error

_HASTY = {"connect_timeout": 5, "read_timeout": 8, "total_max_attempts": 2}
_PATIENT = {"connect_timeout": 5, "read_timeout": 15, "total_max_attempts": 4}
_BODIES = 2
"""Attempts of s3fs to get an object whose bytes stopped coming."""
_clients: dict[tuple[Any, ...], Any] = {}
_file_systems: dict[tuple[Any, ...], Any] = {}
_closing: set[int] = set()


def client(hasty: bool = False) -> Any:
    """A botocore client, which any number of threads may use.

    Raises StorageError where a variable of the environment is not what it must be.
    """
    key = (hasty, *_settings())
    if key not in _clients:
        from botocore.config import Config
        from botocore.session import Session

        try:
            _clients[key] = Session().create_client("s3", config=Config(**_config(hasty)))
        except ValueError as error:  # which repeats a value: it may hold a password
            raise StorageError(
                "object storage",
                "one of AWS's variables is not what it must be: AWS_ENDPOINT_URL a URL,"
                " AWS_DEFAULT_REGION a region, AWS_MAX_ATTEMPTS a number",
            ) from error
    return _clients[key]


class ObjectStore(FsspecStore):
    """zarr's own store, but what goes wrong is StorageError."""

    @classmethod
    def below(cls, path: str) -> "ObjectStore":
        """The store of the objects whose names begin with `path`/, BUCKET/KEY/."""
        key = _settings()
        if key not in _file_systems:
            from s3fs import S3FileSystem

            _file_systems[key] = S3FileSystem(
                asynchronous=True,
                skip_instance_cache=True,
                use_listings_cache=False,
                max_concurrency=1,  # objects are small, and more would first ask how small
                config_kwargs=_config(hasty=False),
            )
            _file_systems[key].retries = _BODIES
        return cls(_file_systems[key], path=path)

    async def _open(self) -> None:
        if id(self.fs) not in _closing:
            _closing.add(id(self.fs))
            atexit.register(_close, self.fs, asyncio.get_running_loop())
        await super()._open()

    async def get(
        self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        """Read an object."""
        with as_storage_error(self._label):
            return await super().get(key, prototype, byte_range)

    async def set(self, key: str, value: Buffer, byte_range: tuple[int, int] | None = None) -> None:
        """Write an object."""
        with as_storage_error(self._label):
            await super().set(key, value, byte_range)

    async def exists(self, key: str) -> bool:
        """Return whether an object is there; it is a small one, which zarr asks for."""
        return await self.get(key, default_buffer_prototype()) is not None

    async def delete(self, key: str) -> None:
        """Delete an object."""
        with as_storage_error(self._label):
            await super().delete(key)

    async def delete_dir(self, prefix: str) -> None:
        """Delete the objects below a name."""
        with as_storage_error(self._label):
            await super().delete_dir(prefix)

    async def list_dir(self, prefix: str) -> AsyncIterator[str]:
        """Return what is one level below a name."""
        with as_storage_error(self._label):
            async for name in super().list_dir(prefix):
                yield name

    @property
    def _label(self) -> str:
        return SCHEME + self.path


def _settings() -> tuple[tuple[str, str], ...]:
    return tuple(sorted(each for each in os.environ.items() if each[0].startswith("AWS_")))


def _config(hasty: bool) -> dict[str, Any]:
    timeouts: dict[str, Any] = dict(_HASTY if hasty else _PATIENT)
    attempts = timeouts.pop("total_max_attempts")
    return {**timeouts, "retries": {"mode": "standard", "total_max_attempts": attempts}}


def _close(file_system: Any, loop: asyncio.AbstractEventLoop) -> None:
    async def close() -> None:
        session = await file_system.set_session()
        await session.close()

    if loop.is_running():
        with suppress(Exception):
            asyncio.run_coroutine_threadsafe(close(), loop).result(timeout=1)
