"""Train into a store, or go on with what an interrupted training has there: with the same bits.

stretch  the samples of a chunk, and the steps before each of them: what is kept at a time
"""

import time
from collections.abc import Callable
from importlib.metadata import version

import jax
import jax.numpy as jnp
import numpy as np

from drift.experiments.training import optimizer, steps
from drift.experiments.training.corpus import Corpus
from drift.experiments.training.optimizer import TrainState
from drift.experiments.training.settings import Settings
from drift.experiments.training.store import FIRST, TrainingStore, fill, samples_together
from drift.sim import interrupts
from drift.sim.devices.device import find_device
from drift.sim.errors import BadInput, Unfinished, unwritten
from drift.sim.source_digest import short_digest
from drift.sim.stores import lock
from drift.sim.stores.layouts import told
from drift.sim.stores.locate import locate
from drift.sim.stores.location import AnyLocation, StoreLocation
from drift.sim.stores.resume import held

Progress = Callable[[int, int, float], None]
"""Told after some steps: how many are done, how many there are, and the last loss."""
_PACKAGES = ("bf16-drift", "numpy", "ml-dtypes", "zarr", "jax", "jaxlib")
_GOES_ON = "; what is trained is kept, and the same command goes on"


def train(
    settings: Settings,
    out: AnyLocation,
    on: str = "auto",
    progress: Progress = lambda done, total, loss: None,
) -> TrainingStore:
    """Train as `settings` say into the store at `out`, on the device called `on`.

    A complete store of the same settings is returned as it is; an unfinished one is gone on with,
    and holds the same bits in the end. Raises BadInput where something else is in the way, where
    the records do not fit on the disk, or where it was begun on another device; Unfinished where
    the loss is lost, or the disk is full.
    """
    place = locate(out)
    found = held(TrainingStore, place, settings.as_json(), False)
    if found and found.complete:
        return found
    device = find_device(on)
    with lock.held(place), jax.default_device(device):
        about = {"platform": device.platform, "kind": device.device_kind}
        try:
            if held(TrainingStore, place, settings.as_json(), False) is None:
                _create(place, settings, about)
            place.clean()
            store = TrainingStore(place, writing=True)
            if store.attrs["device"] != about:
                begun = store.attrs["device"]["kind"]
                raise BadInput(
                    f"{place} was begun on {begun}, and this is {about['kind']}, whose bits may be"
                    " others; --device names that one, or remove the store"
                )
            _go_on(store, settings, progress)
        except OSError as error:
            raise unwritten(place, error, _GOES_ON) from error
    return TrainingStore(place)


def _create(place: StoreLocation, settings: Settings, device: dict[str, str]) -> None:
    free, needed = place.free_bytes(), settings.record_bytes
    if free is not None and needed > free:
        from drift.experiments.console.values import format_bytes

        raise BadInput(
            f"{place} would take {format_bytes(needed)}, and {format_bytes(free)} are free there;"
            f" record-every is {settings.record_every:,}; a larger one records less"
        )
    about = {
        "device": device,
        "devices": 1,
        "versions": {name: version(name) for name in _PACKAGES},
        "sources": short_digest(),
        "seconds": {"total": 0.0},
    }
    with interrupts.delay_signals(), place.begin(told.written({**about, **FIRST})) as group:
        fill(group, settings)


def _go_on(store: TrainingStore, of: Settings, progress: Progress) -> None:
    """Take the steps that are left, stretch by stretch."""
    began, before = time.monotonic(), float(store.attrs["seconds"]["total"])
    together, corpus, records = samples_together(of), Corpus(of), of.record_steps
    weights = optimizer.begin(steps.first_parameters(of), of.arithmetic)
    done, first = 0, 0
    if kept := store.progress():
        done, first = kept[0], records.index(kept[0]) + 1
        weights = TrainState(*map(jnp.asarray, kept[1])) if kept[1] else weights
    while first < len(records):
        stretch = records[first : first + together - first % together]
        with interrupts.delay_signals():  # a first signal waits until the stretch is kept
            rows, losses, hidden = [], [], []
            for step in stretch:
                if step > done:
                    tokens = corpus.batches(done + 1, step)
                    now = optimizer.scalars(of, done + 1, step)
                    weights, last, seen = steps.take(of, weights, tokens, now)
                    losses.append(np.asarray(seen.loss))
                    hidden.append(np.asarray(seen.hidden))
                    done = step
                else:
                    last = steps.first_rows(of, weights)
                rows.append(np.asarray(last))
            found = {"loss": losses, "hidden": hidden}
            seen_all = {name: np.concatenate(each) for name, each in found.items() if each}
            store.put(first, np.stack(rows), done, seen_all)
            told_weights = dict(zip(TrainState._fields, map(np.asarray, weights), strict=True))
            spent = {"total": before + time.monotonic() - began}
            store.keep(done, told_weights, seconds=spent)
            first += len(stretch)
        loss = float(losses[-1][-1]) if losses else float("nan")
        if losses and not np.isfinite(seen_all["loss"]).all():
            at = done - len(seen_all["loss"]) + 1 + int(np.argmin(np.isfinite(seen_all["loss"])))
            raise Unfinished(
                f"{store.address}: the loss of step {at:,} is not finite; a smaller lr, or a longer"
                " warmup, keeps it so"
            )
        progress(done, of.steps, loss)
    store.finish(seconds={"total": before + time.monotonic() - began})
