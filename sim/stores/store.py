"""A store that is open: what those of runs and of sweeps have in common."""

from importlib.metadata import version
from typing import Any, ClassVar

import numpy as np
import zarr

from drift.sim.errors import BadInput, Damaged, NotBegun, printable
from drift.sim.stores import integrity
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
    last: ClassVar[str]
    """the attribute that is written last when it is begun"""

    def __init__(self, place: AnyLocation, writing: bool = False):
        self.address = at = locate(place)
        self._arrays: dict[str, zarr.Array] = {}
        self.group = at.group(writing, self.wanted)
        if self.group.attrs.get("kind") != self.kind:
            raise BadInput(f"{at} is not {self.wanted}: drift {self.verb} did not write it")
        attrs = self.attrs
        if attrs.get("layout") != self.layout:
            raise BadInput(self._other_layout(attrs))
        if not integrity.holds(attrs):
            raise Damaged(f"{at} is damaged: its attributes are not those that drift wrote")
        if self.last not in attrs:
            raise NotBegun(f"{at} holds only the beginning of a store; run the same command again")

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
        return dict(self.group.attrs)

    @property
    def complete(self) -> bool:
        """True where all is there."""
        return bool(self.attrs["complete"])

    @property
    def finished(self) -> bool:
        """True where there is nothing to resume."""
        return self.complete

    def asked(self) -> dict[str, Any]:
        """Return what the store was asked for, field by field; reads what a resume rests on.

        Raises Damaged where that is damaged.
        """
        raise NotImplementedError

    def has(self, name: str) -> bool:
        """Return whether the store was given an array of that name."""
        with integrity.as_damaged(f"{self.address}: array {name}"):
            return name in self.attrs.get(integrity.KNOWN, ()) or name in self.group

    def array(self, name: str) -> zarr.Array:
        """One of the arrays, unread. Raises Damaged where it is not as it was made, KeyError where
        none has this name."""
        if name not in self._arrays:
            with integrity.as_damaged(f"{self.address}: array {name}"):
                found = self.group[name]
            known = self.attrs.get(integrity.KNOWN, {}).get(name)
            if not isinstance(found, zarr.Array) or known not in (None, integrity.described(found)):
                raise Damaged(f"{self.address} is damaged: {name} is not the array that drift made")
            self._arrays[name] = found
        return self._arrays[name]

    def values(self, name: str, at: Any = ..., there: np.ndarray | bool = True) -> np.ndarray:
        """Return what an array holds `at` an index; `there` says which values were written.

        Raises Damaged, naming the chunk, where one is damaged, or missing.
        """
        array = self.array(name)
        found = integrity.read(array, self.address, at)
        written = found if there is True else found[np.broadcast_to(there, found.shape)]
        integrity.check(written, array, self.address, at)
        return found

    def update(self, **attributes: Any) -> None:
        """Set attributes."""
        self.group.update_attributes(integrity.sealed({**self.attrs, **attributes}))
