"""The first snapshot of a run as its cloud, where the array that it began with is gone."""

import hashlib
from typing import Any

import numpy as np

from drift.sim.array_text import short
from drift.sim.errors import BadInput, Damaged
from drift.sim.matrix import rounded_once
from drift.sim.spec.drift import Drift
from drift.sim.stores.location import StoreLocation
from drift.sim.stores.run_store import RunStore


class RestoredCloud:
    """The cloud that a run of the same spec began with, out of its store at `address`.

    Raises BadInput where its first snapshot is not there, or is not what the steps began with, and
    Damaged where it is another cloud's.
    """

    def __init__(self, drift: Drift, address: StoreLocation):
        store, self._drift = RunStore(address), drift
        self.facts: dict[str, Any] = store.attrs["cloud"]
        if why := _unfit(store, drift, self.facts):
            assert drift.origin is not None, "it began with an array"
            raise BadInput(
                f"{address} can't be run again from its first snapshot, since {why}; its cloud was"
                f" an array, {short(drift.origin.path)}: give it again, --from FILE.npy or"
                " cloud=array"
            )
        self._codes = store.values("bits", (0, slice(None), slice(None)))
        tokens = np.arange(drift.tokens)
        self.token_ids = store.read("token_id") if store.has("token_id") else tokens
        self.centre = None
        found = hashlib.sha256(self.token_ids.astype("<i8").tobytes())
        little = self._codes.dtype.newbyteorder("<")
        found.update(np.ascontiguousarray(self._codes, little).data)
        if found.hexdigest() != self.facts["sha256"]:
            raise Damaged(f"{address}: its snapshot of step 0 is not the cloud that it began with")

    def codes(self, start: int, stop: int) -> np.ndarray:
        """Return codes of tokens start ... stop - 1, of the drift's format, to be read only."""
        return self._codes[start:stop]

    def states(self, start: int, stop: int) -> np.ndarray:
        """Return codes of tokens start ... stop - 1 of the state format."""
        state = self._drift.arithmetic.state
        return rounded_once(self.codes(start, stop), self._drift.target, state)


def _unfit(store: RunStore, drift: Drift, facts: dict[str, Any]) -> str:
    """Return why the first snapshot of a store is not what a drift starts from, if it is not."""
    spec = store.attrs["spec"]
    if not store.has("bits") or store.read("snapshot_step")[0] != 0:
        return "it has no snapshot of step 0"
    if "initial" not in store.attrs:
        return "its snapshot of step 0 is not written yet"
    for name in ("format", "master", "tokens", "dims"):
        if spec[name] != getattr(drift, name):
            return f"its {name} was {spec[name]}, not {getattr(drift, name)}"
    if drift.master != "none" and facts["format"] != drift.format:
        return "its snapshot of step 0 shows its masters rounded"
    return ""
