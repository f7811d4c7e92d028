"""Reading and writing the store of a run; sim.layout says what it holds.

A record's step is written after its counts, so it alone says that the record is
there. The attribute `complete` turns true last of all.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from drift.sim import damage, layout
from drift.sim.counts import Counts
from drift.sim.opened import Opened
from drift.sim.places import Given


class RunStore(Opened):
    """The store of a run, opened. Raises BadInput where there is none that can be read.

    >>> import drift
    >>> result = drift.run(drift.Drift(sigma=1e-6, tokens=100, dims=32), "results/small.zarr")
    >>> store = drift.RunStore("results/small.zarr")
    >>> store.complete, store.attrs["spec"]["radius"], store.records()[-1].distinct
    (True, 0.371, 27)
    >>> store.read("bits").shape, store.read("snapshot_step")
    ((2, 100, 32), array([  0, 100]))
    """

    kind, verb, wanted = layout.KIND, "run", "a drift store"
    layout, last = layout.LAYOUT, layout.LAST

    def __init__(
        self, place: Given, writing: bool = False, still: Callable[[], None] = lambda: None
    ):
        super().__init__(place, writing)
        self.still = still
        """raises an OSError where it must not be written to any more"""
        self._known: dict[str, np.ndarray] = {}

    def read(self, name: str) -> np.ndarray:
        """One of the arrays that sim.layout lists, whole, in memory; the populations come last.

        Raises Damaged, as the others here do, where a chunk is damaged or missing.
        """
        return self.values(name)

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
        """Steps first, since a record's counts are there before its step is."""
        steps = self.values("step", there=self.complete)
        read = partial(self.values, there=steps >= 0)
        counts = self.address.together(read, layout.COUNTS)
        return {"step": steps, **dict(zip(layout.COUNTS, counts, strict=True))}

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
        known = {**self.attrs.get(damage.KNOWN, {}), array.name: damage.described(array)}
        self.update(**attributes, **{damage.KNOWN: known})
        self.update(complete=True)
