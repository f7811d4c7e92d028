"""Stores on object storage: s3://BUCKET/KEY, a group whose objects' names begin with KEY/.

Endpoint, region and credentials are what AWS's own tools take: AWS_ENDPOINT_URL,
AWS_DEFAULT_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_PROFILE and their files. None of
them is part of an address.

What goes wrong is BadInput where a store is looked for, opened or begun, and Trouble, an
OSError, when its arrays are read or written later; both of one line.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from drift.sim.bucket import Bucket
from drift.sim.errors import BadInput, Trouble
from drift.sim.places import SCHEME, Address, Item, Result
from drift.sim.trouble import told

if TYPE_CHECKING:
    import zarr

_BUCKET = r"[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]"
_KEY = r"[\w.=+~,-]+(/[\w.=+~,-]+)*"
"""No character that something on the way to the bucket takes for a pattern or an option."""
_ROOT = "zarr.json"
_AT_ONCE = 10
"""Requests that wait for their answers side by side."""


class Objects(Address):
    """A name on object storage."""

    def __init__(self, bucket: str, key: str):
        self.bucket, self.key = Bucket(bucket, key), key

    @classmethod
    def named(cls, text: str) -> "Objects":
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
        """Whether an object has this name, or one that is below it."""
        with self._asking():
            return self._is(self.key) or self.bucket.first(f"{self.key}/") is not None

    def holds_group(self) -> bool:
        """Whether the object is there that makes others a group."""
        with self._asking():
            return self._is(f"{self.key}/{_ROOT}")

    def group(self, writing: bool = False, wanted: str = "a drift store") -> "zarr.Group":
        """The group there; BadInput where there is none."""
        import zarr

        from drift.sim import damage

        if not self.holds_group():
            instead = "no Zarr v3 group is there" if self.exists() else "there is nothing"
            raise BadInput(f"{self} is not {wanted}: {instead}")
        mode: Any = "r+" if writing else "r"
        with self._asking(), damage.told(f"{self} is not {wanted}, or its zarr.json", BadInput):
            return zarr.open_group(self._store(), mode=mode, zarr_format=3)

    @contextmanager
    def begin(self, attributes: dict[str, Any]) -> Iterator["zarr.Group"]:
        """The group itself, which first says what it is, and then loses what it had."""
        import zarr

        there = self.holds_group()
        with self._asking():
            if there:
                group = zarr.open_group(self._store(), mode="r+", zarr_format=3)
                group.attrs.put(dict(attributes))
                self.bucket.delete(f"{self.key}/", but=f"{self.key}/{_ROOT}")
            else:
                group = zarr.create_group(self._store(), zarr_format=3, attributes=dict(attributes))
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

    def beside(self, what: str) -> "Objects":
        """The name of another object."""
        parent = self.key.removesuffix(self.name)
        return Objects(self.bucket.name, f"{parent}.{self.name}.drift-{what}")

    def _is(self, key: str) -> bool:
        # Of the names that begin so, the one that ends so comes first.
        return self.bucket.first(key) == key

    def _store(self) -> Any:
        self.bucket.reach()
        from drift.sim.remote import ObjectStore

        return ObjectStore.below(f"{self.bucket.name}/{self.key}")

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """What goes wrong in the block is BadInput."""
        try:
            with told(str(self)):
                yield
        except Trouble as error:
            raise BadInput(str(error)) from error
