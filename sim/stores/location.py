"""Locations of stores, and all that is asked of one.

address     of a store: a local path, or s3://BUCKET/KEY on object storage (sim.stores.objects)
there       something is: a file, a directory, an object of that name or below it
group       the Zarr v3 group there
begun       a store whose keeper wrote all that an empty one has. It is begun in a block:
            locally beside its place, which it takes at the end of the block, all at once.
            Object storage renames nothing: there the group has its place from the start,
            and what was there goes first. So the attributes it gets first must say what it
            is and that it is not complete, and the one that is written last in the block
            must be one that it cannot be read without: without that it was never begun,
            and the place is free to begin again

An address is text, never a pathlib.Path, which turns s3:// into s3:/. Whatever
goes wrong with object storage later is an OSError of one line.
"""

import os
import shutil
import stat
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from drift.sim.errors import BadInput, unwritten

if TYPE_CHECKING:
    import zarr
    from zarr.abc.buffer import Buffer

SCHEME = "s3://"
Item = TypeVar("Item")
Result = TypeVar("Result")


class StoreLocation(ABC):
    """The place of a store that is there, or will be; `str` gives it as it was written."""

    @property
    @abstractmethod
    def name(self) -> str:
        """The last part of it."""

    @abstractmethod
    def exists(self) -> bool:
        """Return whether anything is there; BadInput where that can't be found out."""

    @abstractmethod
    def holds_group(self) -> bool:
        """Return whether a Zarr v3 group is there, or an array; BadInput likewise."""

    @abstractmethod
    def group(self, writing: bool = False, wanted: str = "a drift store") -> "zarr.Group":
        """The group there; BadInput, which says what is `wanted`, where none can be read."""

    @abstractmethod
    def begin(self, attributes: dict[str, Any]) -> AbstractContextManager["zarr.Group"]:
        """An empty group with `attributes`, for a block to fill, in place of what is there.

        Raises BadInput where nothing can be written, Unfinished where the disk is full. What
        is there must be the caller's.
        """

    @abstractmethod
    def together(self, do: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
        """Return what `do` makes of every item: reads of several arrays, in any order."""

    @abstractmethod
    def clean(self) -> None:
        """Take away what writers that were killed left half written."""

    @abstractmethod
    def beside(self, what: str) -> "StoreLocation":
        """A place next to the store that nobody else uses."""

    @abstractmethod
    def free_bytes(self) -> int | None:
        """Return how many bytes can be written there; None where that is not known."""


AnyLocation = str | os.PathLike[str] | StoreLocation
"""The arguments that sim.stores.locate takes."""


class LocalLocation(StoreLocation):
    """A path on this machine's file systems."""

    def __init__(self, path: Path):
        self.path = path

    def __str__(self) -> str:
        return str(self.path)

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.name

    def exists(self) -> bool:
        """Return whether there is a file or a directory."""
        return os.path.exists(self.path)

    def holds_group(self) -> bool:
        """Return whether the file is there that makes a directory a group."""
        return os.path.isfile(self.path / "zarr.json")

    def group(self, writing: bool = False, wanted: str = "a drift store") -> "zarr.Group":
        """The group there; BadInput where there is none."""
        from drift.sim.stores import digests, integrity
        from drift.sim.stores.local_files import LocalFiles

        if not self.holds_group():
            raise BadInput(f"{self} is not {wanted}: {self._instead()}")
        with integrity.as_damaged(f"{self} is not {wanted}, or its zarr.json", BadInput):
            return digests.open_bound(LocalFiles(self.path, read_only=not writing), writing)

    @contextmanager
    def begin(self, attributes: dict[str, Any]) -> Iterator["zarr.Group"]:
        """A group beside, which takes the place at the end; BadInput where it can't be written."""
        from zarr.storage import MemoryStore

        from drift.sim.stores import digests

        new, going = self.beside("new").path, self.beside("old").path
        files: dict[str, Buffer] = {}
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # In memory first: what the library writes again and again is then written once.
            yield digests.create_bound(MemoryStore(files), attributes)
            shutil.rmtree(new, ignore_errors=True)
            for key, buffer in files.items():
                file = new / key
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(buffer.to_bytes())
            shutil.rmtree(going, ignore_errors=True)
            if self.path.exists():
                self.path.rename(going)
            new.rename(self.path)
            shutil.rmtree(going, ignore_errors=True)
        except OSError as error:
            shutil.rmtree(new, ignore_errors=True)
            raise unwritten(self, error) from error

    def together(self, do: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
        """One after the other."""
        return [do(item) for item in items]

    def clean(self) -> None:
        """Files that would have been renamed."""
        for part in self.path.rglob("*.partial"):
            part.unlink(missing_ok=True)

    def beside(self, what: str) -> "LocalLocation":
        """A hidden one, in the same directory; BadInput for one without a name of its own."""
        if self.path.name in ("", ".."):
            raise BadInput(f"{self} is a directory without a name of its own; PATH/NAME is needed")
        return LocalLocation(self.path.with_name(f".{self.path.name}.drift-{what}"))

    def free_bytes(self) -> int | None:
        """Free space of the disk."""
        place = next(p for p in (self.path, *self.path.absolute().parents) if os.path.exists(p))
        return shutil.disk_usage(place).free

    def _instead(self) -> str:
        try:
            directory = stat.S_ISDIR(self.path.stat().st_mode)
        except PermissionError:
            return "permission to read is missing"
        except OSError:
            return "there is nothing"
        if not directory:
            return "it is a file"
        readable = os.access(self.path, os.R_OK | os.X_OK)
        return "no Zarr v3 group is there" if readable else "permission to read is missing"
