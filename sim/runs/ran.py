"""The result of a drift in a store: small arrays are read at once, clouds when asked for."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from drift.sim.counting.cells import Counts
from drift.sim.errors import BadInput
from drift.sim.runs.result import RunResult
from drift.sim.runs.summary import summary
from drift.sim.stores.run_store import RunStore


class StoredSnapshots(Mapping[int, np.ndarray]):
    """The codes of a store's snapshots by their steps, each read when it is first asked for."""

    def __init__(self, store: RunStore, steps: tuple[int, ...]):
        self._store, self._steps = store, steps
        self._read: dict[int, np.ndarray] = {}

    def __getitem__(self, step: int) -> np.ndarray:
        if step not in self._steps:
            raise KeyError(step)
        if step not in self._read:
            self._read[step] = self._store.values("bits", self._steps.index(step))
        return self._read[step]

    def __iter__(self) -> Iterator[int]:
        return iter(self._steps)

    def __len__(self) -> int:
        return len(self._steps)

    def __repr__(self) -> str:
        return f"<snapshots of steps {', '.join(map(str, self._steps)) or 'none'}>"


@dataclass(frozen=True, eq=False, repr=False)
class Ran(RunResult):
    """The result of a `drift` in a store; the names are those of the JSON and of the store."""

    store: RunStore
    """the complete store"""
    seconds: dict[str, float] = field(default_factory=dict)
    """where the time went: total, compile, start, draw, move, count, write"""
    was_complete: bool = False
    """True where the store was complete before, so that nothing was run"""

    @classmethod
    def of(cls, store: RunStore, **more: Any) -> "Ran":
        """Return the result in a complete store. Raises Damaged where it is not what was written.

        BadInput where it is not complete.
        """
        if not store.complete:
            raise BadInput(f"{store.address} is not complete; run it again, and it goes on")
        attrs = store.attrs
        return cls(
            store=store,
            drift=store.drift,
            engine=attrs["engine"],
            initial=Counts(**attrs["initial"]),
            final=Counts(**attrs["final"]),
            populations=store.read("populations"),
            records=store.records(),
            direction=store.read("direction"),
            token_ids=store.read("token_id") if store.has("token_id") else None,
            **{"seconds": attrs["seconds"], **more},
        )

    @property
    def bits(self) -> np.ndarray:
        """Codes after the last step, (tokens, dims). Raises BadInput where they are not kept."""
        self._check_kept()
        return self.snapshots[self.drift.steps]

    @cached_property
    def present(self) -> np.ndarray:
        """True for tokens that are there after the last step, bool (tokens,)."""
        if self.drift.survivors is None:
            return np.ones(self.drift.tokens, bool)
        self._check_kept()
        last = self.drift.snapshot_steps.index(self.drift.steps)
        return self.store.values("present", last) == 1

    @cached_property
    def snapshots(self) -> StoredSnapshots:
        """The codes that the drift keeps, by step."""
        return StoredSnapshots(self.store, self.drift.snapshot_steps)

    def _check_kept(self) -> None:
        if self.drift.steps not in self.drift.snapshot_steps:
            raise BadInput(
                f"{self.store.address} does not hold the cloud of its last step: it was run with"
                f" snapshots {self.drift.snapshots}; ends keeps it"
            )

    def as_json(self) -> dict[str, Any]:
        """Return what `drift run --json` prints."""
        return {**summary(self.store), "seconds": self.seconds}

    def to_xarray(self) -> Any:
        """Return the store as a dataset, read where it is used; `step` selects records.

        Raises BadInput where xarray is not installed.
        """
        return self.store.to_xarray()

    def last_line(self) -> str:
        """Return the largest populations, and the store."""
        return f"{super().last_line()}; store: {self.store.address}"
