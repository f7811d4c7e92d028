"""A store that is open: what those of runs and of sweeps have in common."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib.metadata import version
from typing import Any, ClassVar

import numpy as np
import zarr

from drift.sim.errors import BadInput, Damaged, MissingData, NotBegun, printable
from drift.sim.stores import arrays_at_once, integrity
from drift.sim.stores.digests import DIGESTS, bound_store
from drift.sim.stores.layouts import told
from drift.sim.stores.layouts.consolidated import consolidate
from drift.sim.stores.locate import locate
from drift.sim.stores.location import AnyLocation


class Store:
    """The store at an address; raises BadInput where there is none that can be read."""

    kind: ClassVar[str]
    """what its attribute of that name says"""
    verb: ClassVar[str]
    """of the command that writes it"""
    wanted: ClassVar[str]
    """what it is called where it is missing"""
    layout: ClassVar[int]
    """the version of what it holds"""
    before: ClassVar[tuple[int, ...]] = (1,)
    """earlier versions, which are read and gone on with as well"""
    order: ClassVar[tuple[str, ...]] = ()
    """its arrays, in the order in which a dataset shows them"""
    last: ClassVar[str]
    """the attribute that is written last when it is begun"""
    growing: ClassVar[tuple[str, ...]] = ()
    """arrays whose chunks are sealed only when all is there"""

    def __init__(self, place: AnyLocation, writing: bool = False):
        self.address = at = locate(place)
        self._arrays: dict[str, zarr.Array] = {}
        self.group = at.group(writing, self.wanted)
        if self.group.attrs.get("kind") != self.kind:
            raise BadInput(f"{at} is not {self.wanted}: drift {self.verb} did not write it")
        attrs = self.attrs
        if attrs.get("layout") not in (*self.before, self.layout):
            raise BadInput(self._other_layout(attrs))
        if not integrity.holds(self.group.attrs.asdict()):
            raise Damaged(f"{at} is damaged: its attributes are not those that drift wrote")
        if self.last not in attrs:
            raise NotBegun(f"{at} holds only the beginning of a store; run the same command again")
        self._bound = bound_store(self.group)
        self.bound = DIGESTS in attrs
        """True where a process that knew of digests began it, or went on with it"""
        self._bind()

    def _other_layout(self, attrs: dict[str, Any]) -> str:
        """Return what to say of a store of another layout, which another version wrote."""
        versions: Any = attrs.get("versions")
        writer = versions.get("bf16-drift", "?") if isinstance(versions, dict) else "?"
        return printable(
            f"{self.address} has layout {attrs.get('layout')} and is of drift {writer}; this is"
            f" drift {version('bf16-drift')}, which reads layout {self.layout}",
            500,
        )

    @property
    def attrs(self) -> dict[str, Any]:
        """The attributes as a plain dictionary, as they were when the store was opened."""
        return told.read(self.group.attrs.asdict())

    @property
    def complete(self) -> bool:
        """True where all is there."""
        return bool(self.attrs["complete"])

    @property
    def finished(self) -> bool:
        """True where there is nothing to resume."""
        return self.complete

    def asked(self, now: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the store was asked for, field by field; reads what a resume rests on.

        `now` is what is asked for now. Raises Damaged where the store is damaged.
        """
        raise NotImplementedError

    def has(self, name: str) -> bool:
        """Return whether the store was given an array of that name."""
        known = name in self._arrays or f"{name}/zarr.json" in self._bound.sealed
        with integrity.as_damaged(f"{self.address}: array {name}"):
            return known or name in self.attrs.get(integrity.KNOWN, ()) or name in self.group

    def array(self, name: str) -> zarr.Array:
        """One of the arrays, unread.

        Raises Damaged where it is not as it was made, MissingData where none has this name.
        """
        if name not in self._arrays:
            with integrity.as_damaged(f"{self.address}: array {name}"):
                found = self.group.get(name)
            if found is None:
                raise MissingData(
                    f"{self.address}: array {name} is damaged: its zarr.json is missing"
                )
            known: dict[str, str] = self.attrs.get(integrity.KNOWN, {})
            made = known.get(name) or known.get(f"/{name}")  # as one version wrote it
            if not isinstance(found, zarr.Array) or made not in (None, integrity.described(found)):
                raise Damaged(f"{self.address} is damaged: {name} is not the array that drift made")
            self._arrays[name] = found
        return self._arrays[name]

    def adopt(self, group: zarr.Group, made: Mapping[str, zarr.Array]) -> None:
        """Take the arrays that were made in a `group` a moment ago: none has to be opened."""
        for name, each in made.items():
            metadata: Any = each.metadata
            self._arrays[name] = zarr.Array(zarr.AsyncArray(metadata, self.group.store_path / name))
        self._bound.written |= bound_store(group).written

    def write(self, at: Any, values: Mapping[str, np.ndarray]) -> None:
        """Write what several arrays hold `at` an index."""
        arrays_at_once.write(at, [(self.array(name), each) for name, each in values.items()])

    def values(self, name: str, at: Any = ..., there: np.ndarray | bool = True) -> np.ndarray:
        """Return what an array holds `at` an index; `there` says which values were written.

        Raises Damaged, naming the chunk, where one is damaged, or missing, or another's.
        """
        array = self.array(name)
        try:
            found = integrity.read(array, self.address, at)
        except Damaged:
            if not self._is_newer():
                raise
            found = integrity.read(array, self.address, at)
        written = found if there is True else found[np.broadcast_to(there, found.shape)]
        integrity.check(written, array, self.address, at)
        return found

    def update(self, **attributes: Any) -> None:
        """Set attributes, and seal what is read and written."""
        new = {**self.attrs, **attributes}
        growing = () if new["complete"] else tuple(f"{name}/c" for name in self.growing)
        known = self._bound.digests()
        new[DIGESTS] = {key: known[key] for key in known if not key.startswith(growing)}
        self.group.update_attributes(integrity.sealed(told.written(new)))
        if new["complete"] and new["layout"] >= told.FIRST_WITH:
            consolidate(self.group, self.order)
        self._bind()

    def mend(self, name: str, write: Callable[[], object]) -> None:
        """Let `write` make a coordinate again of which something is gone.

        Raises Damaged where it is damaged, or was another one.
        """
        with suppress(MissingData):
            self.values(name)
            return
        chunks = {key: self._bound.sealed[key] for key in self._bound.sealed if "/c" in key}
        self._arrays.pop(name, None)
        write()
        for key in chunks:
            if key.startswith(f"{name}/") and self._bound.written.get(key) != chunks[key]:
                raise Damaged(f"{self.address} is damaged: {name} is missing, and was another one")

    def remove(self, *names: str) -> None:
        """Seal what was written, without some groups, and then delete these."""
        self._bound.forget(*(f"{name}/" for name in names))
        self.update()
        for name in names:
            del self.group[name]

    def release(self, *keys: str) -> None:
        """Bind what is at some keys to its place no longer, before it is written again."""
        if self._bound.forget(*keys):
            self.update()

    def wrote(self, *keys: str) -> bool:
        """Return whether this process has written what is at all of some keys."""
        return all(self._bound.written.get(key) for key in keys)

    def verify(self) -> None:
        """Read what no process is known to have written, or this one to have read.

        Raises Damaged where any of it is damaged, MissingData where it is missing.
        """
        bound = self._bound
        known = (*bound.digests(), *self.attrs.get(integrity.KNOWN, ()))
        for name in sorted({key.lstrip("/").partition("/")[0] for key in known}):
            array = self.array(name)
            for chunk, region in integrity.chunks(array):
                key = f"{name}/{chunk}"
                if key not in bound.read and not bound.written.get(key):
                    integrity.read(array, self.address, region)
                if key not in bound.read and not bound.written.get(key):
                    raise MissingData(
                        f"{self.address} is damaged: chunk {chunk} of {name} is missing"
                    )

    def _bind(self) -> None:
        attrs = self.attrs
        self._bound.sealed = dict(attrs.get(DIGESTS, {}))
        self._bound.complete = DIGESTS in attrs and self.complete

    def _is_newer(self) -> bool:
        """Return whether its writer has gone on since it was opened; go on with it as it is now."""
        try:
            now = type(self)(self.address)
        except BadInput:
            return False
        same = now.attrs[self.last] == self.attrs[self.last]
        if not same or self.complete or now._bound.sealed == self._bound.sealed:
            return False
        self._bound.sealed = now._bound.sealed
        return True
