"""Reading and writing the store of a run; sim.layout says what it holds.

A record's step is written after its counts, so it alone says that the record is
there. The attribute `complete` turns true last of all.
"""

from typing import Any

import numpy as np
import zarr

from sim import layout
from sim.counts import Counts
from sim.errors import BadInput, NotBegun
from sim.places import Given, address


class RunStore:
    """The store at an address; raises BadInput where there is none that can be read."""

    def __init__(self, place: Given, writing: bool = False):
        self.address = address(place)
        self._arrays: dict[str, zarr.Array] = {}
        self._known: dict[str, np.ndarray] = {}
        self.group = self.address.group(writing)
        if self.group.attrs.get("kind") != layout.KIND:
            raise BadInput(f"{self.address} is not a drift store: drift run did not write it")
        if self.attrs["layout"] != layout.LAYOUT:
            found = self.attrs["layout"]
            raise BadInput(f"{self.address} has layout {found}; this version reads {layout.LAYOUT}")
        if layout.LAST not in self.attrs:
            raise NotBegun(f"{self.address} is the mere beginning of a store; run it again")

    @property
    def attrs(self) -> dict[str, Any]:
        """The attributes as a plain dictionary."""
        return dict(self.group.attrs)

    @property
    def complete(self) -> bool:
        """Whether all is there."""
        return bool(self.attrs["complete"])

    def array(self, name: str) -> zarr.Array:
        """One of the arrays, unread."""
        if name not in self._arrays:
            found = self.group[name]
            assert isinstance(found, zarr.Array)
            self._arrays[name] = found
        return self._arrays[name]

    def read(self, name: str) -> np.ndarray:
        """A whole array in memory."""
        return np.asarray(self.array(name)[...])

    def records(self) -> list[Counts]:
        """The records that are there, rising."""
        columns = self._columns()
        done = np.flatnonzero(columns["step"] >= 0)
        return [Counts(**{name: columns[name][k].item() for name in columns}) for k in done]

    def write_record(self, index: int, counts: Counts) -> None:
        """Put a record in its place, the step last."""
        if not self._known:
            self._known = self._columns()

        def write(name: str) -> None:
            self._known[name][index] = getattr(counts, name)
            self.array(name)[:] = self._known[name]  # its only chunk, which needs no reading so

        self.address.together(write, layout.COUNTS)
        write("step")

    def _columns(self) -> dict[str, np.ndarray]:
        names = ("step", *layout.COUNTS)
        return dict(zip(names, self.address.together(self.read, names), strict=True))

    def update(self, **attributes: Any) -> None:
        """Set attributes."""
        self.group.attrs.update(attributes)

    def finish(self, populations: np.ndarray, **attributes: Any) -> None:
        """Write what is known only at the end, and say that all is there."""
        shape = {"black_hole": len(populations)}
        array = layout.add(
            self.group,
            "populations",
            "int64",
            shape,
            "tokens in each black hole at the last step",
            overwrite=True,
        )
        array[:] = populations
        self.update(**attributes)
        self.update(complete=True)
