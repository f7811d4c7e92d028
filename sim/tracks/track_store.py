"""The store of a track: what it holds, how it is begun, put aside, and finished.

A store is a Zarr v3 group that plain xarray.open_zarr opens:

step, and every number of a sample   (sample)      int64, float64; names: sim.tracks.names
token_id, every number of a token    (token)       int64, float64
motion                               (sample, dim) float64, the centroid's; NaN at the first sample
moves                                (sample_bin, token_bin)  int64: moved tokens, counted over bins
                                                   that begin at bin_step and bin_token
event_step, event_what, …            (event)       what became of black holes, in words of compare
hole_event, hole_side, …             (event_hole)  the black holes of the events: 0 before, 1 after
still                                (stretch, end)  first and last step of stretches without motion

All but the last three groups is preallocated, with fill values that no result has: the smallest
integer and -infinity, since -1 says never, and NaN that there is no number. What is measured is
written at the end. Until then the group `progress/DONE` keeps all that is known after so many
samples, as bytes, while the attributes bind it to its place there: from there an interrupted
track goes on. The attribute `complete` turns true last.
"""

import math
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import zarr

from drift.sim import interrupts
from drift.sim.errors import BadInput, Damaged
from drift.sim.stores import integrity
from drift.sim.stores.digests import DIGESTS
from drift.sim.stores.locate import locate
from drift.sim.stores.location import AnyLocation
from drift.sim.stores.run_layout import seal
from drift.sim.stores.store import Store
from drift.sim.structures.lineage import Side
from drift.sim.tracks.found import Track, TrackEvent, move_bins
from drift.sim.tracks.names import PER_STEP, PER_TOKEN, WHATS, Meaning, kind_of

KIND, LAYOUT = "drift track", 2
"""The kind of the store, and the version of what is described here."""
FIRST = {"kind": KIND, "layout": LAYOUT, "complete": False}
"""The attributes of a store that is to be begun (sim.stores.location)."""
LAST = "spec"
"""The attribute without which it was not."""
_NOT_WRITTEN = -(2**63)
_PROGRESS = "progress"
_SECONDS, _SHARE = 20.0, 10.0
"""Least time between two that are kept, and over the time that keeping one takes."""
_COORDINATES = {
    "step": ("sample", Meaning("step of the sample")),
    "token_id": ("token", Meaning("row of the tensor")),
    "bin_step": ("sample_bin", Meaning("step of the first sample of the bin")),
    "bin_token": ("token_bin", Meaning("id of the first token of the bin")),
}
_EVENTS = {
    "event_step": Meaning("step of the sample at which it had happened"),
    "event_what": Meaning("what became of black holes since the sample before"),
    "event_tokens_before": Meaning("tokens in its black holes before"),
    "event_tokens_after": Meaning("tokens in its black holes after"),
    "event_first_token": Meaning("smallest token id in them"),
}
_HOLES = {
    "hole_event": Meaning("number of the event"),
    "hole_side": Meaning("0 before the event, 1 after it"),
    "hole_tokens": Meaning("tokens in the black hole"),
    "hole_first_token": Meaning("its smallest token id"),
}


def is_track(place: AnyLocation) -> bool:
    """Return whether the store of a track is at `place`, of whatever layout."""
    at = locate(place)
    if not at.holds_group():
        return False
    try:
        return bool(at.group().attrs.get("kind") == KIND)
    except BadInput:
        return False


def _add(
    group: zarr.Group,
    name: str,
    dims: dict[str, int],
    meaning: Meaning,
    kind: str = "int64",
    **attributes: Any,
) -> zarr.Array:
    """Preallocate an array of plain numbers, in one chunk, or in some of a few MiB."""
    first = max(1, min(next(iter(dims.values())), (1 << 19) // max(1, *list(dims.values())[1:], 1)))
    return group.create_array(
        name,
        shape=tuple(dims.values()),
        chunks=(first, *(max(1, n) for n in list(dims.values())[1:])),
        dtype=kind,
        fill_value=-math.inf if kind == "float64" else _NOT_WRITTEN,
        dimension_names=tuple(dims),
        attributes={"long_name": meaning.text, "units": meaning.units, **attributes},
        compressors=integrity.CHECKED,
        overwrite=True,
    )


def fill(
    group: zarr.Group, spec: dict[str, Any], steps: list[int], token_ids: np.ndarray, dims: int
) -> None:
    """Make a new group the empty store of a track."""
    size = {"sample": len(steps), "token": len(token_ids), "dim": dims}
    in_samples, in_tokens = move_bins(len(steps), len(token_ids))
    size |= {"sample_bin": len(in_samples), "token_bin": len(in_tokens)}
    known = {"step": np.array(steps), "token_id": token_ids}
    known |= {"bin_step": known["step"][in_samples], "bin_token": token_ids[in_tokens]}
    for name, (dim, meaning) in _COORDINATES.items():
        _add(group, name, {dim: size[dim]}, meaning)[:] = known[name]
    for dim, meanings in (("sample", PER_STEP), ("token", PER_TOKEN)):
        for name, meaning in meanings.items():
            _add(group, name, {dim: size[dim]}, meaning, kind_of(name))
    motion = Meaning("motion of the centroid since the sample before", "value units")
    _add(group, "motion", {each: size[each] for each in ("sample", "dim")}, motion, "float64")
    moves = Meaning("moved tokens, summed over the samples and tokens of a bin")
    _add(group, "moves", {each: size[each] for each in ("sample_bin", "token_bin")}, moves)
    seal(group, dict(group.arrays()), coordinates=" ".join(_COORDINATES), **{LAST: spec})


class TrackStore(Store):
    """The store of a track, opened. Raises BadInput where there is none that can be read.

    >>> import numpy as np, drift
    >>> found = drift.track(np.zeros((3, 4, 2), np.float16), out="still.zarr")
    >>> store = drift.TrackStore("still.zarr")
    >>> store.complete, store.track().all_still, store.values("distinct").tolist()
    (True, [[0, 2]], [1, 1, 1])
    """

    kind, verb, wanted = KIND, "track", "the store of a track"
    layout, last = LAYOUT, LAST
    order = (*PER_STEP, *PER_TOKEN, "motion", "moves", *_EVENTS, *_HOLES, "still")

    _kept, _every = 0.0, _SECONDS

    def asked(self, now: Mapping[str, Any]) -> dict[str, Any]:
        """Return the spec of the track."""
        spec: dict[str, Any] = self.attrs[LAST]
        return spec

    def progress(self) -> tuple[np.ndarray, dict[str, Any]] | None:
        """Return the last record that was put aside, bytes and attributes; None where none was.

        Raises Damaged for a damaged one.
        """
        keys = [key.split("/") for key in self.attrs.get(DIGESTS, {})]
        kept = sorted({int(key[1]) for key in keys if key[0] == _PROGRESS and len(key) > 2})
        if not kept:
            return None
        here = f"{_PROGRESS}/{kept[-1]}"
        with integrity.as_damaged(f"{self.address}: {here}"):
            array = self.group[f"{here}/record"]
        if not isinstance(array, zarr.Array):
            raise Damaged(f"{self.address}: {here} is damaged")
        found = integrity.read(array, self.address)
        return found, dict(array.attrs)

    def put_aside(self, done: int, packed: np.ndarray, **attributes: Any) -> None:
        """Keep a record of the first `done` samples in the place of the one before."""
        began = time.monotonic()
        older = [name for name in self._names() if name != str(done)]
        self.release(f"{_PROGRESS}/{done}/record/c/0")
        group = self.group.require_group(_PROGRESS).require_group(str(done))
        array = group.create_array(
            "record",
            shape=(len(packed),),
            chunks=(len(packed),),
            dtype="uint8",
            dimension_names=("byte",),
            attributes=attributes,
            compressors=integrity.CHECKED,
            overwrite=True,
        )
        array[:] = packed
        self.remove(*(f"{_PROGRESS}/{each}" for each in older))
        self._kept = time.monotonic()
        self._every = max(_SECONDS, _SHARE * (self._kept - began))

    def due(self) -> bool:
        """Return whether a record should be put aside now: after a while, or at a signal."""
        self._kept = self._kept or time.monotonic()
        return interrupts.pending() or time.monotonic() - self._kept > self._every

    def _names(self) -> list[str]:
        if _PROGRESS not in self.group:
            return []
        group = self.group[_PROGRESS]
        assert isinstance(group, zarr.Group), "drift made it"
        return sorted(group.group_keys())

    def finish(self, found: Track, **attributes: Any) -> None:
        """Write all that was measured, and say that all is there."""
        for name in (*PER_STEP, *PER_TOKEN, "motion", "moves"):
            self.array(name)[...] = found.arrays[name]
        made = [*self._write_events(found.events), self._write_still(found.all_still)]
        if _PROGRESS in self.group:
            self.remove(*(f"{_PROGRESS}/{each}" for each in self._names()))
            self.remove(_PROGRESS)
        known = {each.basename: integrity.described(each) for each in made}
        known = {**self.attrs.get(integrity.KNOWN, {}), **known}
        self.verify()
        last = {integrity.KNOWN: known, "complete": True, "notes": found.notes}
        self.update(**attributes, **last)

    def _write_still(self, all_still: list[list[int]]) -> zarr.Array:
        meaning = Meaning("first and last step of each stretch in which nothing moves")
        array = _add(self.group, "still", {"stretch": len(all_still), "end": 2}, meaning)
        array[...] = np.array(all_still, np.int64).reshape(-1, 2)
        return array

    def _write_events(self, events: list[TrackEvent]) -> list[zarr.Array]:
        told = [event.as_json() for event in events]
        columns = {
            f"event_{name}": [each[name] for each in told]
            for name in ("step", "tokens_before", "tokens_after", "first_token")
        }
        columns["event_what"] = [WHATS.index(event.what) for event in events]
        holes = [
            (k, side, tokens, first)
            for k, event in enumerate(events)
            for side, of in enumerate((event.before, event.after))
            for tokens, first in zip(of.tokens, of.token_ids, strict=True)
        ]
        columns |= {name: [hole[k] for hole in holes] for k, name in enumerate(_HOLES)}
        words = " ".join(word.replace(" ", "_") for word in WHATS)
        about: dict[str, Any] = {"flag_values": list(range(len(WHATS))), "flag_meanings": words}
        made = []
        for dim, meanings in (("event", _EVENTS), ("event_hole", _HOLES)):
            for name, meaning in meanings.items():
                values = np.array(columns[name], np.int64)
                more = about if name == "event_what" else {}
                array = _add(self.group, name, {dim: len(values)}, meaning, **more)
                array[...] = values
                made.append(array)
        return made

    def track(self) -> Track:
        """Return the track of a complete store. Raises BadInput for another one."""
        if not self.complete:
            raise BadInput(f"{self.address} is not complete; the same drift track goes on")
        arrays = {name: self.values(name) for name in (*PER_STEP, *PER_TOKEN, "motion", "moves")}
        attrs = self.attrs
        return Track(
            label=attrs["label"],
            format=attrs["format"],
            steps=self.values("step").tolist(),
            token_ids=self.values("token_id"),
            dims=arrays["motion"].shape[1],
            arrays=arrays,
            events=self._events(),
            all_still=self.values("still").tolist(),
            notes=list(attrs["notes"]),
            store=str(self.address),
        )

    def _events(self) -> list[TrackEvent]:
        steps, whats = (self.values(name).tolist() for name in ("event_step", "event_what"))
        sides = [(Side([], []), Side([], [])) for _ in steps]
        for k, side, tokens, first in zip(*(self.values(n).tolist() for n in _HOLES), strict=True):
            sides[k][side].tokens.append(tokens)
            sides[k][side].token_ids.append(first)
        return [
            TrackEvent(step, WHATS[what], *of)
            for step, what, of in zip(steps, whats, sides, strict=True)
        ]
