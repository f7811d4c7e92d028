"""The store of a training: a Zarr v3 group that plain xarray.open_zarr opens.

W        (sample, token, dim)  uint16: codes of bfloat16 of the embeddings, as the model sees them
step     (sample)              int64: the step after which each was recorded, 0 before the first
loss     (update)              float32: of the batch of each step, before it
hidden   (update, dim)         float32: mean of h over that batch, which moves the dead tokens
dead     (token)               int8: 1 for the tokens that never occur

`drift track` reads W, the only array of three dimensions, and its steps. Samples are written a
stretch at a time, as many as a chunk holds; then the group `progress/STEP` takes all weights and
moments, and an interrupted training goes on from there. The attribute `complete` turns true last.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import zarr
from zarr.codecs import BloscCodec, Crc32cCodec

from drift.experiments.training import model
from drift.experiments.training.settings import Settings
from drift.sim.errors import Damaged
from drift.sim.stores import integrity
from drift.sim.stores.run_layout import seal
from drift.sim.stores.store import Store
from drift.sim.trajectories.files import TRAINING

KIND, LAYOUT = TRAINING, 2
"""The kind of the store, and the version of what is described here."""
FIRST = {"kind": KIND, "layout": LAYOUT, "complete": False}
"""The attributes of a store that is to be begun (sim.stores.location)."""
LAST = "settings"
"""The attribute without which it was not."""
_PROGRESS = "progress"
_CHUNK_BYTES, _MOST = 4 << 20, 16
_UNWRITTEN = 0xFFFF
"""A code of NaN, which no parameter has."""
_SHUFFLED = (BloscCodec(cname="zstd", clevel=1, shuffle="bitshuffle"), Crc32cCodec())


def samples_together(of: Settings) -> int:
    """Return how many samples share a chunk."""
    return max(1, min(_MOST, _CHUNK_BYTES // (of.vocabulary * model.DIMS * 2)))


def fill(group: zarr.Group, of: Settings) -> None:
    """Make a new group the empty store of a training."""
    together, samples = samples_together(of), of.records
    updates = together * of.record_every
    kept, dead = np.array(of.record_steps), np.arange(of.vocabulary) >= of.live
    for name, kind, values, dim, text in (
        ("step", "int64", kept, "sample", "step after which W was recorded"),
        ("dead", "int8", dead, "token", "1 for tokens that never occur"),
    ):
        made = _add(group, name, kind, {dim: len(values)}, (len(values),), text, -1)
        made[:] = values
    shape = {"sample": samples, "token": of.vocabulary, "dim": model.DIMS}
    chunks = (min(together, samples), of.vocabulary, model.DIMS)
    text = "embeddings, codes of the format"
    _add(group, "W", "uint16", shape, chunks, text, _UNWRITTEN, format="bfloat16")
    rows, text = {"update": of.steps}, "loss of the batch of each step, before it"
    _add(group, "loss", "float32", rows, (updates,), text, float("nan"))
    rows, text = {**rows, "dim": model.DIMS}, "mean hidden state over the batch of each step"
    _add(group, "hidden", "float32", rows, (updates, model.DIMS), text, float("nan"))
    seal(group, dict(group.arrays()), coordinates="step", **{LAST: of.as_json()})


def _add(
    group: zarr.Group,
    name: str,
    kind: str,
    shape: dict[str, int],
    chunks: tuple[int, ...],
    text: str,
    nothing: float,
    **attributes: Any,
) -> zarr.Array:
    """Preallocate an array; what is not written reads as `nothing`."""
    return group.create_array(
        name,
        shape=tuple(shape.values()),
        chunks=tuple(map(min, chunks, shape.values())),
        dtype=kind,
        fill_value=nothing,
        dimension_names=tuple(shape),
        attributes={"long_name": text, "units": "1", **attributes},
        compressors=_SHUFFLED if name == "W" else integrity.CHECKED,
    )


class TrainingStore(Store):
    """The store of a training, opened. Raises BadInput where there is none that can be read."""

    kind, verb, wanted = KIND, "study training", "the store of a training"
    layout, last = LAYOUT, LAST
    order = ("W", "step", "loss", "hidden", "dead")
    growing = ("W", "loss", "hidden")

    def asked(self, now: Mapping[str, Any]) -> dict[str, Any]:
        """Return the settings of the training."""
        found: dict[str, Any] = self.attrs[LAST]
        return found

    @property
    def settings(self) -> Settings:
        """The settings of the training."""
        return Settings(**self.attrs[LAST])

    def progress(self) -> tuple[int, list[np.ndarray]] | None:
        """Return the last step whose weights were kept, and these; None where none were.

        After the last step of all there may be none left. Raises Damaged for damaged ones.
        """
        if "kept" not in self.attrs:
            return None
        step, names = int(self.attrs["kept"]), list(self.attrs["weights"])
        if step == self.settings.steps:
            return step, []
        found = []
        for name in names:
            here = f"{_PROGRESS}/{step}/{name}"
            with integrity.as_damaged(f"{self.address}: {here}"):
                array = self.group[here]
            if not isinstance(array, zarr.Array):
                raise Damaged(f"{self.address}: {here} is damaged")
            found.append(integrity.read(array, self.address))
        return step, found

    def put(self, first: int, rows: np.ndarray, step: int, seen: dict[str, np.ndarray]) -> None:
        """Write samples from number `first` on, and what was seen in the steps up to `step`.

        All of them fill chunks, but for the last ones.
        """
        self.array("W")[first : first + len(rows)] = rows
        for name, values in seen.items():
            self.array(name)[step - len(values) : step] = values

    def keep(self, step: int, weights: Mapping[str, np.ndarray], **attributes: Any) -> None:
        """Keep all weights as they are after a step, in the place of those before."""
        older = [name for name in self._kept() if name != str(step)]
        group = self.group.require_group(_PROGRESS).require_group(str(step))
        for name, values in weights.items():
            array = group.create_array(
                name,
                shape=values.shape,
                chunks=(max(1, len(values)),),
                dtype=values.dtype,
                dimension_names=("parameter",),
                compressors=integrity.CHECKED,
                overwrite=True,
            )
            array[:] = values
        self.update(kept=step, weights=list(weights), **attributes)
        if older:
            self.remove(*(f"{_PROGRESS}/{each}" for each in older))

    def _kept(self) -> list[str]:
        if _PROGRESS not in self.group:
            return []
        group = self.group[_PROGRESS]
        assert isinstance(group, zarr.Group), "drift made it"
        return sorted(group.group_keys())

    def finish(self, **attributes: Any) -> None:
        """Say that all is there."""
        if _PROGRESS in self.group:
            self.remove(*(f"{_PROGRESS}/{each}" for each in self._kept()))
            self.remove(_PROGRESS)
        self.verify()
        self.update(**attributes, kept=self.settings.steps, complete=True)
