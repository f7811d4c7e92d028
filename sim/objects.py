"""Stores on object storage: s3://BUCKET/KEY, a group whose objects' names begin with KEY/.

Endpoint, region and credentials are what AWS's own tools take: AWS_ENDPOINT_URL,
AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_PROFILE and their files. None of them is
ever part of an address.

reached     an address whose bucket has answered: asked once, with little patience, before
            anything else; what goes wrong then is BadInput. Later, more patience is had
            (sim.remote), and what goes wrong is an OSError
"""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sim.errors import BadInput
from sim.places import SCHEME, Address
from sim.trouble import Trouble, told

if TYPE_CHECKING:
    import zarr

_BUCKET = r"[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]"
_KEY = r"[\w.=+~,-]+(/[\w.=+~,-]+)*"
"""No character that something on the way to the bucket takes for a pattern or an option."""
_ROOT = "zarr.json"
_PATIENCE = 20.0
"""Seconds in which a bucket has to answer first."""
_TOGETHER = 1000
"""Objects that S3 deletes at one request."""


class Objects(Address):
    """A name on object storage."""

    def __init__(self, bucket: str, key: str):
        self.bucket, self.key = bucket, key
        self._reached = False

    @classmethod
    def named(cls, text: str) -> "Objects":
        """The address that `text` is; BadInput, which never repeats what may be a secret."""
        bucket, _, key = text.removeprefix(SCHEME).rstrip("/").partition("/")
        if not re.fullmatch(_BUCKET, bucket):
            raise BadInput(f"{SCHEME}… names no bucket; {SCHEME}BUCKET/NAME is needed")
        if not key:
            raise BadInput(f"{SCHEME}{bucket} is a bucket; {SCHEME}{bucket}/NAME is needed")
        if not re.fullmatch(_KEY, key) or {".", ".."} & set(key.split("/")):
            accepted = "letters, digits and any of - _ . = + ~ , parted by single /"
            raise BadInput(f"{SCHEME}{bucket}/… is no address of a store; it may have {accepted}")
        return cls(bucket, key)

    def __str__(self) -> str:
        return f"{SCHEME}{self.bucket}/{self.key}"

    @property
    def name(self) -> str:
        """The last part of the key."""
        return self.key.rpartition("/")[2]

    def exists(self) -> bool:
        """Whether an object has this name, or one that is below it."""
        return self._has("") or self._has("/")

    def holds_group(self) -> bool:
        """Whether the object is there that makes others a group."""
        return self._has(f"/{_ROOT}")

    def group(self, writing: bool = False) -> "zarr.Group":
        """The group there."""
        import zarr

        if not self.holds_group():
            instead = "no Zarr v3 group is there" if self.exists() else "there is nothing"
            raise BadInput(f"{self} is not a drift store: {instead}")
        with self._first():
            try:
                return zarr.open_group(self._store(), mode="r+" if writing else "r", zarr_format=3)
            except (FileNotFoundError, ValueError) as error:
                raise BadInput(f"{self} is not a drift store: no Zarr v3 group is there") from error

    @contextmanager
    def begin(self, attributes: dict[str, Any]) -> Iterator["zarr.Group"]:
        """The group itself, which first says what it is, and then loses what it had."""
        import zarr

        there = self.holds_group()
        with self._first():
            if there:
                group = zarr.open_group(self._store(), mode="r+", zarr_format=3)
                group.attrs.put(attributes)
                self._delete_below()
            else:
                group = zarr.create_group(self._store(), zarr_format=3, attributes=attributes)
            yield group

    def free_bytes(self) -> int | None:
        """There is no knowing."""
        return None

    def sibling(self, what: str) -> "Objects":
        """A name next to the store's that nobody else uses."""
        parent = self.key.removesuffix(self.name)
        return Objects(self.bucket, f"{parent}.{self.name}.drift-{what}")

    def client(self) -> Any:
        """A botocore client, after the bucket has answered; BadInput where it does not."""
        self._reach()
        from sim.remote import client

        return client()

    def _reach(self) -> None:
        """Find out, once, whether the bucket answers."""
        if self._reached:
            return

        def ask() -> None:
            import s3fs  # noqa: F401  # what zarr needs

            from sim.remote import client

            hasty = client(hasty=True)
            hasty.list_objects_v2(Bucket=self.bucket, Prefix=f"{self.key}/", MaxKeys=1)

        with self._first():
            _within(_PATIENCE, ask)
        self._reached = True

    def _has(self, ending: str) -> bool:
        with self._first():
            client = self.client()
            prefix = f"{self.key}{ending}"
            found = client.list_objects_v2(Bucket=self.bucket, Prefix=prefix, MaxKeys=1)
        names = [each["Key"] for each in found.get("Contents", ())]
        # The first of those that begin so is the one that ends so, if it is there.
        return bool(names) if ending == "/" else names == [prefix]

    def _store(self) -> Any:
        self._reach()
        from sim.remote import ObjectStore

        return ObjectStore.below(f"{self.bucket}/{self.key}")

    def _delete_below(self) -> None:
        """Delete all but the object that makes it a group."""
        client = self.client()
        pages = client.get_paginator("list_objects_v2")
        for page in pages.paginate(
            Bucket=self.bucket, Prefix=f"{self.key}/", PaginationConfig={"PageSize": _TOGETHER}
        ):
            keys = [each["Key"] for each in page.get("Contents", ())]
            going = [{"Key": key} for key in keys if key != f"{self.key}/{_ROOT}"]
            if going:
                client.delete_objects(Bucket=self.bucket, Delete={"Objects": going, "Quiet": True})

    @contextmanager
    def _first(self) -> Iterator[None]:
        """What goes wrong in the block is BadInput."""
        try:
            with told(str(self)):
                yield
        except Trouble as error:
            raise BadInput(str(error)) from error


def _within(seconds: float, ask: Callable[[], None]) -> None:
    """Run `ask`, which may hang, for so long; raises what it raises, or TimeoutError."""
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
