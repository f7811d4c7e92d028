"""Stores on object storage: s3://BUCKET/KEY, a group whose objects' names begin with KEY/.

Endpoint, region and credentials are what AWS's own tools take: AWS_ENDPOINT_URL,
AWS_DEFAULT_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_PROFILE and their files. None of
them is part of an address.

reached     a bucket has answered: it is asked once, with little patience, before anything else

What goes wrong is BadInput where a store is looked for, opened or begun, and StorageError when
its arrays are read or written later; both of one line.
"""

import re
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from drift.sim.errors import BadInput, StorageError, printable
from drift.sim.stores.location import SCHEME, Item, Result, StoreLocation
from drift.sim.stores.objects.errors import as_storage_error

if TYPE_CHECKING:
    import zarr

PATIENCE = 20.0
"""Seconds in which a bucket has to answer first."""
PAGE = 1000
"""Names listed by one request, and deleted by another: the most that S3 knows."""


class Bucket:
    """The bucket of a name; those that begin with `key` are meant, others may be closed to us."""

    def __init__(self, name: str, key: str):
        self.name, self._key, self._label = name, key, f"{SCHEME}{name}/{key}"
        self._reached = False

    def reach(self) -> None:
        """Find out, once, whether it answers."""
        if self._reached:
            return
        with as_storage_error(self._label):
            import s3fs  # noqa: F401  # which zarr needs

            from drift.sim.stores.objects.client import client

            hasty = client(hasty=True)
            one = {"Bucket": self.name, "Prefix": self._key, "MaxKeys": 1}
            within(PATIENCE, lambda: hasty.list_objects_v2(**one))
        self._reached = True

    def client(self, hasty: bool = False) -> Any:
        """A botocore client, once the bucket is reached."""
        self.reach()
        from drift.sim.stores.objects.client import client

        return client(hasty)

    def first(self, prefix: str) -> str | None:
        """The first of the names that begin so."""
        client = self.client()
        with as_storage_error(self._label):
            found = client.list_objects_v2(Bucket=self.name, Prefix=prefix, MaxKeys=1)
        return next((str(each["Key"]) for each in found.get("Contents", ())), None)

    def delete(self, prefix: str, but: str) -> None:
        """Delete all objects whose names begin so, but one. Raises StorageError where one stays."""
        client = self.client()
        with as_storage_error(self._label):
            for page in client.get_paginator("list_objects_v2").paginate(
                Bucket=self.name, Prefix=prefix, PaginationConfig={"PageSize": PAGE}
            ):
                keys = [each["Key"] for each in page.get("Contents", ()) if each["Key"] != but]
                if not keys:
                    continue
                going = {"Objects": [{"Key": key} for key in keys], "Quiet": True}
                done = client.delete_objects(Bucket=self.name, Delete=going)
                for error in done.get("Errors", ()):
                    said = f"the storage says {printable(str(error.get('Code')))}"
                    raise StorageError(
                        self._label, f"{printable(error['Key'])} can't be deleted: {said}"
                    )


def within(seconds: float, ask: Callable[[], Any]) -> None:
    """Do `ask`, which may hang, for so long; raises what it raises, or TimeoutError."""
    raised: list[BaseException] = []

    def attempt() -> None:
        try:
            ask()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=attempt, daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise TimeoutError
    if raised:
        raise raised[0]


_BUCKET = r"[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]"
_KEY = r"[\w.=+~,-]+(/[\w.=+~,-]+)*"
"""No character that something on the way to the bucket takes for a pattern or an option."""
_ROOT = "zarr.json"
_AT_ONCE = 10
"""Requests that wait for their answers side by side."""


class S3Location(StoreLocation):
    """A name on object storage."""

    def __init__(self, bucket: str, key: str):
        self.bucket, self.key = Bucket(bucket, key), key

    @classmethod
    def named(cls, text: str) -> "S3Location":
        """The address that `text` is; BadInput, which never repeats what may be a secret."""
        bucket, _, key = text.removeprefix(SCHEME).rstrip("/").partition("/")
        if not re.fullmatch(_BUCKET, bucket):
            raise BadInput(f"{SCHEME}… names no bucket; {SCHEME}BUCKET/NAME is needed")
        if not key:
            raise BadInput(f"{SCHEME}{bucket} is a bucket; {SCHEME}{bucket}/NAME is needed")
        if not re.fullmatch(_KEY, key) or {".", ".."} & set(key.split("/")):
            accepted = "letters, digits and any of - _ . = + ~ , between single /"
            raise BadInput(f"{SCHEME}{bucket}/… is no name of a store; it may have {accepted}")
        return cls(bucket, key)

    def __str__(self) -> str:
        return f"{SCHEME}{self.bucket.name}/{self.key}"

    @property
    def name(self) -> str:
        """The last part of the key."""
        return self.key.rpartition("/")[2]

    def exists(self) -> bool:
        """Return whether an object has this name, or one that is below it."""
        with self._asking():
            return self._is(self.key) or self.bucket.first(f"{self.key}/") is not None

    def holds_group(self) -> bool:
        """Return whether the object is there that makes others a group."""
        with self._asking():
            return self._is(f"{self.key}/{_ROOT}")

    def group(self, writing: bool = False, wanted: str = "a drift store") -> "zarr.Group":
        """The group there; BadInput where there is none."""
        from drift.sim.stores import digests, integrity

        if not self.holds_group():
            instead = "no Zarr v3 group is there" if self.exists() else "there is nothing"
            raise BadInput(f"{self} is not {wanted}: {instead}")
        with (
            self._asking(),
            integrity.as_damaged(f"{self} is not {wanted}, or its zarr.json", BadInput),
        ):
            return digests.open_bound(self._store(), writing)

    @contextmanager
    def begin(self, attributes: dict[str, Any]) -> Iterator["zarr.Group"]:
        """The group itself, which first says what it is, and then loses what it had."""
        from drift.sim.stores import digests

        there = self.holds_group()
        with self._asking():
            if there:
                group = digests.open_bound(self._store(), writing=True)
                group.attrs.put(dict(attributes))
                self.bucket.delete(f"{self.key}/", but=f"{self.key}/{_ROOT}")
            else:
                group = digests.create_bound(self._store(), attributes)
            yield group

    def together(self, do: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
        """Side by side: each request waits for its answer."""
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return list(pool.map(do, items))

    def free_bytes(self) -> int | None:
        """There is no knowing."""
        return None

    def clean(self) -> None:
        """There is nothing: an object is there once it is whole."""

    def beside(self, what: str) -> "S3Location":
        """The name of another object."""
        parent = self.key.removesuffix(self.name)
        return S3Location(self.bucket.name, f"{parent}.{self.name}.drift-{what}")

    def _is(self, key: str) -> bool:
        # Of the names that begin so, the one that ends so comes first.
        return self.bucket.first(key) == key

    def _store(self) -> Any:
        self.bucket.reach()
        from drift.sim.stores.objects.client import ObjectStore

        return ObjectStore.below(f"{self.bucket.name}/{self.key}")

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Raise BadInput for what goes wrong in the block."""
        try:
            with as_storage_error(str(self)):
                yield
        except StorageError as error:
            raise BadInput(str(error)) from error
