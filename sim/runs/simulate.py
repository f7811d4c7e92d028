"""A drift moved in memory: nothing is written, and what was counted comes back as one record."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from drift.sim.counting.cells import Counts
from drift.sim.devices import device
from drift.sim.results.frames import ordered, xarray_for
from drift.sim.results.notebook import NotebookBar
from drift.sim.runs.prepare import Prepared, prepare
from drift.sim.runs.result import RunResult
from drift.sim.runs.run import Progress
from drift.sim.runs.snapshots import write_codes
from drift.sim.spec.drift import Drift
from drift.sim.stores.run_layout import ALL_COUNTS, ORDER, meaning_of


@dataclass(frozen=True, eq=False, repr=False)
class Simulated(RunResult):
    """The result of a `drift` in memory; the names are those of the JSON and of the store."""

    bits: np.ndarray
    """codes after the last step, (tokens, dims), absent tokens' too; unsigned integers of the
    format's width, float4 in the low bits of a byte"""
    present: np.ndarray
    """bool (tokens,): who is there after the last step, and so counted; all where none leave"""
    snapshots: dict[int, np.ndarray]
    """by step, the codes that the drift keeps; like `bits`, which is that of the last step"""

    def to_xarray(self) -> Any:
        """Return a dataset with the names of a store; `step` selects records.

        Raises BadInput where xarray is not installed.
        """
        xarray = xarray_for("to_xarray")

        def about(name: str) -> dict[str, str]:
            return {"long_name": meaning_of(name), "units": "1"}

        variables: dict[str, Any] = {}
        for name in ALL_COUNTS:
            real = [getattr(counts, name) for counts in self.records]
            values = np.array([np.nan if each is None else each for each in real])
            variables[name] = (("record",), values, about(name))
        variables["populations"] = (("black_hole",), self.populations, about("populations"))
        variables["direction"] = (("dim",), self.direction, about("direction"))
        coordinates: dict[str, Any] = {
            "step": (("record",), [counts.step for counts in self.records], about("step"))
        }
        if self.snapshots:
            kept = np.stack(list(self.snapshots.values()))
            held = {"long_name": meaning_of("bits"), "format": self.drift.format}
            variables["bits"] = (("snapshot", "token", "dim"), kept, held)
            steps = list(self.snapshots)
            coordinates["snapshot_step"] = (("snapshot",), steps, about("snapshot_step"))
        if self.token_ids is not None:
            coordinates["token_id"] = (("token",), self.token_ids, about("token_id"))
        return ordered(xarray.Dataset(variables, coordinates).set_xindex("step"), ORDER)


def simulate(
    drift: Drift,
    *,
    on: str = "auto",
    engine: str = "auto",
    progress: Progress | None = None,
    chunk_bytes: int = 16 << 20,
    devices: int = 1,
    memory: int | None = None,
) -> Simulated:
    """Move `drift` to its last step and count on the way, in memory.

    Every bit is that which drift.run stores, and the options are those of drift.run. Raises
    BadInput for a drift that leaves the format's range or does not fit, a device that
    is not there, and an engine that does not apply, and Unfinished where memory runs out
    in spite of that.

        >>> import drift
        >>> found = drift.simulate(drift.Drift(sigma=1e-6, tokens=100, dims=32, records=4))
        >>> [(counts.step, counts.distinct) for counts in found.records]
        [(0, 100), (25, 68), (50, 66), (75, 40), (100, 27)]
        >>> found.populations
        array([21, 13, 10,  8,  7,  6,  5,  4,  3,  2,  2,  2,  2,  2])
        >>> found.bits.shape, found.bits.dtype, list(found.snapshots)
        ((100, 32), dtype('uint16'), [0, 100])
    """
    device.request_devices(devices)
    with (
        NotebookBar("simulating") as bar,
        prepare(
            drift,
            None,
            on=on,
            engine=engine,
            devices=devices,
            memory=memory,
            chunk_bytes=chunk_bytes,
        ) as made,
    ):
        return _moved(made, progress or bar.record)


def _moved(made: Prepared, progress: Progress) -> Simulated:
    simulation, drift = made.simulation, made.simulation.drift
    steps, kept = drift.record_steps, {*drift.snapshot_steps, drift.steps}
    records: list[Counts] = []
    clouds: dict[int, np.ndarray] = {}
    initial = last = None
    for state in simulation.states(sorted({0, *steps, drift.steps})):
        step = state.counts.step
        if step in kept:
            clouds[step] = np.empty(state.rows.shape, state.rows.format.storage)
            write_codes(clouds[step], None, state.rows, made.pool)
        if step in steps:
            records.append(state.counts)
            progress(state.counts, len(records), len(steps))
        initial = initial or state.counts
        last = state.counts, state.populations, state.observation.present
        del state  # its cloud, before the next one is made
    assert initial, "step 0 is counted"
    assert last, "and the last step"
    final, populations, present = last
    return Simulated(
        drift=drift,
        engine=made.engine,
        initial=initial,
        final=final,
        populations=populations,
        records=records,
        bits=clouds[drift.steps],
        present=present,
        snapshots={step: clouds[step] for step in drift.snapshot_steps},
        direction=simulation.u,
        token_ids=simulation.initial.token_ids,
    )
