"""A store that is open: what those of runs and of sweeps have in common."""

from typing import Any, ClassVar

import zarr

from sim.errors import BadInput, NotBegun
from sim.places import Given, address


class Opened:
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

    def __init__(self, place: Given, writing: bool = False):
        self.address = at = address(place)
        self._arrays: dict[str, zarr.Array] = {}
        self.group = at.group(writing, self.wanted)
        if self.group.attrs.get("kind") != self.kind:
            raise BadInput(f"{at} is not {self.wanted}: drift {self.verb} did not write it")
        found = self.attrs.get("layout")
        if found != self.layout:
            raise BadInput(f"{at} has layout {found}; this version reads {self.layout}")
        if self.last not in self.attrs:
            raise NotBegun(f"{at} is the mere beginning of a store; {self.verb} it again")

    @property
    def attrs(self) -> dict[str, Any]:
        """The attributes as a plain dictionary, as they were when the store was opened."""
        return dict(self.group.attrs)

    @property
    def complete(self) -> bool:
        """Whether all is there."""
        return bool(self.attrs["complete"])

    def array(self, name: str) -> zarr.Array:
        """One of the arrays, unread. Raises KeyError where none has this name."""
        if name not in self._arrays:
            found = self.group[name]
            assert isinstance(found, zarr.Array)
            self._arrays[name] = found
        return self._arrays[name]

    def update(self, **attributes: Any) -> None:
        """Set attributes."""
        self.group.attrs.update(attributes)
