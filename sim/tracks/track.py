"""The track of a trajectory: measured sample by sample, in memory or into a store.

Two samples are kept in memory beside the one that is read, or those that share its chunks. Whatever
is read is read once. An interrupted track goes on after the last record that was put aside: the
last two samples are read again, and the same bits come out.
"""

import hashlib
import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from drift.kernels.displacements import Workspace, finite_rows
from drift.sim import interrupts
from drift.sim.devices.device import cores
from drift.sim.errors import BadInput, printable, unwritten
from drift.sim.source_digest import short_digest, version
from drift.sim.spec.origin import EXPONENTS
from drift.sim.stores import lock
from drift.sim.stores.layouts import told
from drift.sim.stores.locate import locate
from drift.sim.stores.location import AnyLocation, StoreLocation
from drift.sim.stores.resume import held
from drift.sim.tracks.found import Track, track_of
from drift.sim.tracks.meter import Meter, blocks_of
from drift.sim.tracks.recorder import Recorder
from drift.sim.tracks.track_store import FIRST, TrackStore, fill
from drift.sim.trajectories.plan import View, view_of
from drift.sim.trajectories.sources import open_trajectory
from drift.sim.trajectories.suspicion import suspicion

Progress = Callable[[int, int], None]
"""Told of each sample: how many are done, how many there are."""
_GOES_ON = "; what is measured is kept, and the same command goes on"


def track(
    array_or_paths: Any,
    *,
    tensor: str | None = None,
    format: str | None = None,  # noqa: A002 - the option
    steps: Sequence[int] | None = None,
    every: int = 1,
    rows: Any = None,
    near: str | int | None = None,
    exponents: int | None = None,
    out: AnyLocation | None = None,
    overwrite: bool = False,
    progress: Progress = lambda done, total: None,
) -> Track:
    """Return the track of a trajectory: displacements, freezing and black holes, sample by sample.

    `array_or_paths` is an array (steps, tokens, dims), a path to one, a run's store, or several
    checkpoints in order; `tensor` names one of several in a file, and `format` the format of codes
    that are stored as integers. `steps` number the samples, 0 … by default; `every` looks at every
    so many. `rows` selects tokens as `drift track --rows` does, or is an array of ids or booleans;
    `near` and `exponents` select around a token. With `out` it streams into a store, goes on with
    what an interrupted one has there, and returns what a complete one of the same spec holds.
    Raises BadInput where there is no trajectory, or something in the way; Unfinished where the disk
    is full.

        >>> import numpy as np, drift
        >>> w = np.float16([[[1, 2], [1, 3]], [[1, 2], [1, 2]], [[1, 2], [1, 2]]])
        >>> found = drift.track(w)
        >>> found.per_step["linf"]["max"].tolist(), found.per_token["last_motion"].tolist()
        ([nan, 512.0, 0.0], [-1, 1])
        >>> [(event.step, event.what) for event in found.events], found.all_still
        ([(1, 'born')], [[1, 2]])
    """
    trajectory = open_trajectory(array_or_paths, tensor, format)
    if exponents is not None and near is None:
        raise BadInput(f"exponents is {exponents} without near; --near names the token")
    within = EXPONENTS if exponents is None else exponents
    around = None if near is None else str(near)
    view = view_of(trajectory, steps, every, rows, around, within)
    if out is None:
        return _measured(view, None, progress)
    place = locate(out)
    spec = _spec(view, every, around, within)
    if not overwrite and (done := _complete(place, spec)) is not None:
        return done.track()
    with lock.held(place), _writing(place):
        store = _begun(place, spec, view, overwrite)
        return _measured(view, store, progress)


def track_view(view: View, progress: Progress = lambda done, total: None) -> Track:
    """Return the track, in memory, of the samples and tokens that are looked at."""
    return _measured(view, None, progress)


def _spec(view: View, every: int, near: str | None, exponents: int) -> dict[str, Any]:
    """Return what a store is asked for: the same is resumed, another one refused."""
    of = view.trajectory
    rows = hashlib.sha256(view.rows.astype("<i8").tobytes()).hexdigest()[:16]
    steps = hashlib.sha256(np.array(view.steps, "<i8").tobytes()).hexdigest()[:16]
    return {
        "source": printable(of.label, 1000),
        "format": of.target.name,
        "samples": of.samples,
        "dims": of.dims,
        "every": every,
        "steps": f"sha256:{steps}",
        "tokens": len(view.rows),
        "rows": None if len(view.rows) == of.tokens else f"sha256:{rows}",
        "data": f"blake2b:{_ends(view)}",
        "near": near,
        "exponents": exponents if near is not None else None,
    }


def _complete(place: StoreLocation, spec: dict[str, Any]) -> TrackStore | None:
    """Return the complete store of this very track, if it is there."""
    try:
        found = TrackStore(place) if place.exists() else None
    except BadInput:
        return None
    return found if found and found.complete and found.attrs["spec"] == spec else None


def _begun(place: StoreLocation, spec: dict[str, Any], view: View, overwrite: bool) -> TrackStore:
    """Return the store at `place`, open for writing: of this track, begun or just made."""
    if held(TrackStore, place, spec, overwrite) is None:
        packages = ("bf16-drift", "numpy", "ml-dtypes", "zarr", "jax", "jaxlib")
        about = {
            "label": printable(view.trajectory.label, 1000),
            "format": view.trajectory.target.name,
            "notes": view.trajectory.notes,
            "versions": {name: version(name) for name in packages},
            "sources": short_digest(),
        }
        with interrupts.delay_signals(), place.begin(told.written({**about, **FIRST})) as group:
            fill(group, spec, view.steps, view.token_ids, view.trajectory.dims)
    else:
        place.clean()
    return TrackStore(place, writing=True)


@contextmanager
def _writing(place: StoreLocation) -> Iterator[None]:
    """A store that can't be written to any more: what to say, and how to go on."""
    try:
        yield
    except OSError as error:
        raise unwritten(place, error, _GOES_ON) from error


def _measured(view: View, store: TrackStore | None, progress: Progress) -> Track:
    """Measure all samples, or those that a store does not have yet, and return the track."""
    total, of = len(view.picked), view.trajectory
    record = Recorder(total, view.token_ids, of.dims)
    notes, kept = list(of.notes), store.progress() if store else None
    if kept:
        record.unpack(kept[0])
        notes = kept[1]["notes"]
    k = max(0, record.done - 2)
    samples = view.samples(k)
    with ThreadPoolExecutor(max(2, cores())) as pool:
        meter, late = Meter(len(view.rows), of.dims, of.target, pool), list[Any]()
        while k < total:
            with interrupts.delay_signals():  # a first signal waits for the sample in hand
                codes, present = next(samples)
                before = meter.partition.holes
                measured = meter.take(codes, present)
                if k < record.done:  # read again, since the next motions need it
                    if kept and k == record.done - 1 and kept[1]["seen"] != _digest(codes):
                        raise BadInput(
                            f"{of.label} holds other data than when its track was begun;"
                            " --overwrite replaces that"
                        )
                else:
                    if k == 0 and (said := suspicion(codes[meter.present], of.target)):
                        notes.append(f"{of.label}: {said}")
                    # One sample later, since quantiles are found beside the next one's measures.
                    late.append((measured, before, meter.partition.holes))
                    last = k + 1 == total
                    aside = store is not None and not last and store.due()
                    while len(late) > (0 if last or aside else 1):
                        record.add(*late.pop(0))
                    if store is not None and aside:
                        packed, seen = record.packed(), _digest(codes)
                        store.put_aside(record.done, packed, seen=seen, notes=notes)
            k += 1
            progress(k, total)
    net = _net(view, codes, meter.present)
    found = track_of(record, of.label, of.target, view.steps, net, notes=notes)
    if store is None:
        return found
    with interrupts.delay_signals():
        store.finish(found)
    return replace(found, store=str(store.address))


def _digest(codes: np.ndarray) -> str:
    return hashlib.blake2b(np.ascontiguousarray(codes).data, digest_size=8).hexdigest()


def _ends(view: View) -> str:
    """Return a digest of the first sample and the last one."""
    found = [next(iter(view.samples(k)))[0] for k in (0, len(view.picked) - 1)]
    return _digest(np.concatenate(found))


def _net(view: View, codes: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Return L2 of the displacement from the first sample to the last, float64 (tokens,).

    NaN for tokens that are not present at both.
    """
    first, there = next(iter(view.samples()))
    target, dims = view.trajectory.target, view.trajectory.dims
    both = present & finite_rows(first, target)
    both &= True if there is None else there
    net = np.full(len(codes), math.nan)
    for part in blocks_of(len(codes), dims):
        space, rows = (
            Workspace(part.stop - part.start, dims, target),
            part.start + np.flatnonzero(both[part]),
        )
        if len(rows):
            net[rows] = np.sqrt(space.norms(space.distances(codes[rows], first[rows]))[1])
    return net
