"""The store of a run, opened: how it is read and written (its arrays: sim.stores.run_layout)."""

import dataclasses
import time
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np

from drift.sim import interrupts
from drift.sim.array_text import DIGEST
from drift.sim.arrays.rows import ArrayRows, is_array
from drift.sim.counting.cells import Counts
from drift.sim.counting.contradiction import contradiction
from drift.sim.displacements.sizes import SizeTable
from drift.sim.displacements.table import DisplacementTable
from drift.sim.errors import Damaged, MissingData
from drift.sim.results.frames import open_ordered, pandas_for
from drift.sim.results.page import ShownAsTable
from drift.sim.spec.centre import CentreVector
from drift.sim.spec.drift import FIELDS, Drift
from drift.sim.spec.vector import DirectionVector
from drift.sim.stores import arrays_at_once, integrity
from drift.sim.stores.location import AnyLocation
from drift.sim.stores.run_layout import (
    ALL_COUNTS,
    CENTRE,
    DISPLACEMENTS,
    GRADIENT_DIRECTION,
    KIND,
    LAST,
    LAYOUT,
    ORDER,
    small,
)
from drift.sim.stores.store import Store

_COUNTED = "counted"
"""The attribute that binds the first records, before all are there and their chunks are bound."""
_WRITE_SECONDS = 1.0
"""Seconds that records are kept in memory: to write one takes as long as to write all."""


SHOWN = ("step", "distinct", "black_holes", "black_hole_tokens", "largest", "pairs", "radius")
"""The counts that tables in notebooks show."""
_COLUMNS = [field.name for field in dataclasses.fields(Counts)]


class RunStore(Store, ShownAsTable):
    """The store of a run, opened. Raises BadInput where there is none that can be read.

    >>> import drift
    >>> result = drift.run(drift.Drift(sigma=1e-6, tokens=100, dims=32), "results/small.zarr")
    >>> store = drift.RunStore("results/small.zarr")
    >>> store.complete, store.attrs["spec"]["radius"], store.records()[-1].distinct
    (True, 0.371, 27)
    >>> store.read("bits").shape, store.read("snapshot_step")
    ((2, 100, 32), array([  0, 100]))
    """

    kind, verb, wanted = KIND, "run", "a drift store"
    layout, last, order = LAYOUT, LAST, ORDER
    growing = ("step", *ALL_COUNTS)

    def __init__(
        self, place: AnyLocation, writing: bool = False, still: Callable[[], None] = lambda: None
    ):
        super().__init__(place, writing)
        self.still = still
        """raises an OSError where it must not be written to any more"""
        self._writing, self._found = writing, dict[str, np.ndarray]()
        self._known: dict[str, np.ndarray] = {}
        self._unwritten, self._wrote = False, time.monotonic()

    def to_xarray(self) -> Any:
        """Return the store as a dataset, read where it is used; `step` selects records.

        Raises BadInput where xarray is not installed.
        """
        found = open_ordered(self.address, ORDER)
        return found.set_xindex("step") if self.complete else found

    def to_pandas(self) -> Any:
        """Return the records that are there as a DataFrame, one row for each step.

        Raises BadInput where pandas is not installed.
        """
        records = [counts.as_json() for counts in self.records()]
        return pandas_for("to_pandas").DataFrame(records, columns=_COLUMNS).set_index("step")

    def title(self) -> str:
        """Return where it is, and how far."""
        drift, records = self.attrs["spec"], len(self.records())
        state = "complete" if self.complete else f"unfinished, {records:,} records so far"
        return (
            f"{self.address}, {drift['tokens']:,} tokens × {drift['dims']:,} dims in"
            f" {drift['format']}, X = {drift['steps']:,}, {state}"
        )

    def head(self) -> list[str]:
        """Return the counts that the table shows."""
        return [name.replace("_", " ") for name in SHOWN]

    def body(self) -> list[list[Any]]:
        """Return these counts at every record that is there."""
        return [[getattr(counts, name) for name in SHOWN] for counts in self.records()]

    def lines(self) -> dict[str, list[float | None]]:
        """Return the distinct cells over the records."""
        return {"distinct cells": [counts.distinct for counts in self.records()]}

    def asked(self, now: Mapping[str, Any]) -> dict[str, Any]:
        """The spec; reads the records too, so that Damaged is raised before one is resumed."""
        self.records()
        usual = {name: row.default for name, row in FIELDS.items() if row.goes_with != "rows"}
        return {**usual, **self.attrs["spec"]}  # stores of before lack some

    @property
    def drift(self) -> Drift:
        """The drift that is run; what was given as an array or a small file is the store's own.

        Raises Damaged where that is another one than the spec names.
        """
        drift = Drift.from_json(self.attrs["spec"], str(self.address))
        if drift.origin is not None and is_array(drift.origin.path):
            array = ArrayRows(drift.origin.path, store=self.address)
            origin = dataclasses.replace(drift.origin, path=array)
            drift = dataclasses.replace(drift, origin=origin)
        if self.has(DISPLACEMENTS):
            table = DisplacementTable(drift.motion, self.read(DISPLACEMENTS), trusted=True)
            if table.survey(None).sha256 != self.attrs["motion"]["sha256"]:
                raise Damaged(f"{self.address}: its displacements are not those that it began with")
            drift = dataclasses.replace(drift, motion=table)
        if isinstance(drift.gradient, str):
            rows = tuple((step, size) for step, size in self.attrs["motion"]["gradient"])
            drift = dataclasses.replace(drift, gradient=SizeTable(drift.gradient, rows))
        if drift.centre is not None and drift.centre.startswith(DIGEST):
            centre = CentreVector.of(self.read(CENTRE))
            if centre != drift.centre:
                raise Damaged(f"{self.address}: its centre is not the one that its spec names")
            drift = dataclasses.replace(drift, centre=centre)
        if not drift.direction.startswith(DIGEST):
            return drift
        name = GRADIENT_DIRECTION if self.has(GRADIENT_DIRECTION) else "direction"
        vector = DirectionVector.of_unit(self.read(name))
        if vector != drift.direction:
            raise Damaged(f"{self.address}: its direction is not the one that its spec names")
        return dataclasses.replace(drift, direction=vector)

    def read(self, name: str) -> np.ndarray:
        """One of the arrays, whole, in memory; the populations come last.

        Raises Damaged, as the others here do, where a chunk is damaged or missing.
        """
        found = self.values(name)
        if name == "populations" and self.complete:
            final = self.attrs["final"]
            pairs = int((found * (found - 1) // 2).sum())
            told = tuple(final[each] for each in ("black_holes", "black_hole_tokens", "pairs"))
            if told != (len(found), int(found.sum()), pairs):
                raise Damaged(f"{self.address} is damaged: its populations are not those of final")
        return found

    def records(self) -> list[Counts]:
        """The records that are there, rising. Raises Damaged where they contradict what is known
        of them, or one another."""
        columns = self._columns()
        done = np.flatnonzero(columns["step"] >= 0)
        if wrong := self._contradiction({name: columns[name][done] for name in columns}):
            raise Damaged(f"{self.address} is damaged: {wrong}")
        rows = ({name: _known(columns[name][k].item()) for name in columns} for k in done)
        return [Counts(**row) for row in rows]

    def _contradiction(self, columns: dict[str, np.ndarray]) -> str | None:
        """Return what is wrong with the records that are there, if anything is."""
        attrs, steps = self.attrs, columns["step"].tolist()
        if steps != list(Drift.from_json(attrs["spec"]).record_steps[: len(steps)]):
            return "its steps are not those that its spec records"
        if steps and (wrong := contradiction(columns)):
            return f"its records contradict themselves: {wrong}"
        for name in {"initial", "final"} & attrs.keys():
            told = attrs[name]
            if told["step"] in steps:
                at = steps.index(told["step"])
                if any(_known(columns[each][at].item()) != told[each] for each in columns):
                    return f"its record of step {told['step']} is not its {name} one"
        counted = attrs.get(_COUNTED)
        if steps and counted and _checksum(columns, counted["records"]) != counted["sum"]:
            return "its records are not those that were written"
        return None

    def snapshots(self) -> set[int]:
        """The steps of the snapshots that are there, all of which is read.

        Raises Damaged for one that is damaged, but not for one that is missing.
        """
        if not self.has("bits"):
            return set()
        begun = {0} if "initial" in self.attrs else set()
        written = {counts.step for counts in self.records()} | begun
        found, names = set(), [name for name in ("bits", "present") if self.has(name)]
        for k, step in enumerate(Drift.from_json(self.attrs["spec"]).snapshot_steps):
            if step in written:
                with suppress(MissingData):
                    for name in names:
                        for _, region in integrity.chunks(self.array(name), k):
                            self.values(name, region)
                    found.add(step)
        return found

    def put_record(self, index: int, counts: Counts) -> None:
        """Take a record; about once a second all that were taken are written."""
        if not self._known:
            self._known = self._columns()
        for name, column in self._known.items():
            column[index] = getattr(counts, name)
        self._unwritten = True
        if time.monotonic() - self._wrote > _WRITE_SECONDS or interrupts.pending():
            self.flush()

    def flush(self) -> None:
        """Write the records that were taken, and bind to its place what was written."""
        self._write_records()
        if self._known:
            self.update(**{_COUNTED: _counted(self._known)})

    def _write_records(self) -> None:
        """Write the records that were taken, their steps last."""
        if self._unwritten:  # each in its only chunk, which needs no reading so
            for names in (self._names, ["step"]):
                self.write(slice(None), {name: self._known[name] for name in names})
        self._unwritten, self._wrote = False, time.monotonic()

    def _columns(self) -> dict[str, np.ndarray]:
        """Return what the store holds of every record, read once by who writes it.

        Steps first, since a record's counts are there before its step is.
        """
        if self._found:
            return self._found
        if "initial" in self.attrs:
            found = self._read_columns()
        else:  # which is written before any record
            arrays = {name: self.array(name) for name in ("step", *self._names)}
            found = {name: np.full(a.shape, a.fill_value, a.dtype) for name, a in arrays.items()}
        self._found = found if self._writing else {}
        return found

    def _read_columns(self) -> dict[str, np.ndarray]:
        steps = self.values("step", there=self.complete)
        if np.count_nonzero(steps >= 0) < self.attrs.get(_COUNTED, {}).get("records", 0):
            steps[:] = -1  # some are lost, so that nothing vouches for the others
        read = partial(self.values, there=steps >= 0)
        counts = self.address.together(read, self._names)
        return {"step": steps, **dict(zip(self._names, counts, strict=True))}

    @property
    def _names(self) -> list[str]:
        """The counts that the store has arrays of: one of before lacks some."""
        return [name for name in ALL_COUNTS if self.has(name)]

    def finish(self, populations: np.ndarray, **attributes: Any) -> None:
        """Write what is known only at the end, and say that all is there."""
        shape = {"black_hole": len(populations)}
        text = "tokens in each black hole at the last step"
        told = {"populations": (small("int64", shape, text), populations)}
        (array,) = arrays_at_once.create_filled(self.group, told, overwrite=True).values()
        self._write_records()
        self.verify()
        known = {**self.attrs.get(integrity.KNOWN, {}), array.basename: integrity.described(array)}
        counted = _counted(self._known or self._columns())
        last = {integrity.KNOWN: known, _COUNTED: counted, "complete": True}
        self.update(**attributes, **last)


def _known(value: Any) -> Any:
    """Return the value of a count, None for NaN."""
    return value if value == value else None


def _counted(columns: dict[str, np.ndarray]) -> dict[str, int]:
    done = int(np.count_nonzero(columns["step"] >= 0))
    return {"records": done, "sum": _checksum(columns, done)}


def _checksum(columns: dict[str, np.ndarray], records: int) -> int:
    """A checksum of the first records."""
    return zlib.crc32(b"".join(column[:records].tobytes() for column in columns.values()))
