"""A training in its store: what is recorded, and the same bits after it was killed anywhere."""

import shutil

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray

import drift
from drift.experiments.training import optimizer, run, steps, store
from drift.experiments.training.corpus import Corpus
from drift.experiments.training.run import train
from drift.experiments.training.settings import Settings
from drift.experiments.training.store import TrainingStore
from drift.sim.errors import BadInput, Damaged, Unfinished
from tests.support.builders import Stop, assert_same_arrays

OF = Settings(
    vocabulary=12, batch=2, length=3, steps=15, warmup=2, record_every=3, arithmetic="kahan", seed=1
)
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def _quick():
    """Compile quickly, and keep two samples at a time."""
    with pytest.MonkeyPatch.context() as patch:
        quickly = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}
        patch.setattr(steps, "_OPTIONS", {"cpu": quickly})
        patch.setattr(store, "_MOST", 2)
        yield


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The store of a training that nothing stopped."""
    return train(OF, tmp_path_factory.mktemp("whole") / "t.zarr", "cpu")


def stop_at(step):
    def progress(done, total, loss):
        if done >= step:
            raise Stop

    return progress


def test_it_holds_what_the_steps_made(whole):
    assert whole.complete
    assert whole.settings == OF
    with jax.default_device(jax.devices("cpu")[0]):
        weights = optimizer.begin(steps.first_parameters(OF), OF.arithmetic)
        rows, losses, hidden = [steps.first_rows(OF, weights)], [], []
        for first in range(1, 16, 3):
            tokens = Corpus(OF).batches(first, first + 2)
            now = optimizer.scalars(OF, first, first + 2)
            weights, last, seen = steps.take(OF, weights, tokens, now)
            rows.append(np.asarray(last))
            losses.append(np.asarray(seen.loss))
            hidden.append(np.asarray(seen.hidden))
    np.testing.assert_array_equal(whole.values("W"), np.stack(rows))
    np.testing.assert_array_equal(whole.values("loss"), np.concatenate(losses))
    np.testing.assert_array_equal(whole.values("hidden"), np.concatenate(hidden))
    assert whole.values("step").tolist() == [0, 3, 6, 9, 12, 15]
    assert whole.values("dead").tolist() == [0] * 9 + [1] * 3
    assert len({each.tobytes() for each in rows}) == len(rows)


def test_xarray_opens_it_and_track_reads_it(whole):
    opened = xarray.open_zarr(str(whole.address))
    assert dict(opened.W.sizes) == {"sample": 6, "token": 12, "dim": 64}
    assert opened.W.attrs["format"] == "bfloat16"
    found = drift.track(str(whole.address), rows="9:12")
    assert (found.tokens, found.dims, found.format) == (3, 64, "bfloat16")
    assert found.steps == OF.record_steps


@pytest.mark.parametrize("at", [9, 15])
def test_a_training_that_was_stopped_goes_on_with_the_same_bits(whole, tmp_path, at):
    out = tmp_path / "t.zarr"
    with pytest.raises(Stop):
        train(OF, out, "cpu", stop_at(at))
    assert not TrainingStore(out).complete
    assert_same_arrays(whole.address, train(OF, out, "cpu").address)


@pytest.mark.parametrize("name", ["put", "update", "remove"])
def test_wherever_it_is_killed(whole, tmp_path, monkeypatch, name):
    """Ever more seldom, before or after something is written, in one store."""
    out, method, calls = tmp_path / "t.zarr", getattr(TrainingStore, name), [0]
    stops = {k * (k + 1) // 2: k % 2 for k in range(1, 20)}

    def killed(self, *given, **named):
        calls[0] += 1
        here = calls[0]
        if stops.get(here) == 1:
            raise Stop
        method(self, *given, **named)
        if stops.get(here) == 0:
            raise Stop

    monkeypatch.setattr(TrainingStore, name, killed)
    for _ in range(50):
        try:
            made = train(OF, out, "cpu")
        except Stop:
            continue
        break
    assert calls[0] >= 2
    assert_same_arrays(whole.address, made.address)


def test_a_complete_one_is_returned_and_another_one_is_in_the_way(whole, monkeypatch):
    monkeypatch.setattr(run, "_go_on", None)
    assert train(OF, whole.address, "cpu").complete
    with pytest.raises(BadInput, match="is a complete study training with seed 1, not 2"):
        train(Settings(**{**OF.as_json(), "seed": 2}), whole.address, "cpu")


def test_what_is_damaged_is_not_gone_on_with(tmp_path):
    out = tmp_path / "t.zarr"
    with pytest.raises(Stop):
        train(OF, out, "cpu", stop_at(9))
    (kept,) = (out / "progress").glob("*/m/c/0")
    raw = bytearray(kept.read_bytes())
    raw[len(raw) // 2] ^= 1
    kept.write_bytes(raw)
    with pytest.raises(Damaged, match="m"):
        train(OF, out, "cpu")


def test_a_loss_that_is_lost_says_so(tmp_path, monkeypatch):
    take = steps.take

    def lost(*given):
        weights, rows, seen = take(*given)
        return weights, rows, seen._replace(loss=seen.loss * jnp.float32(np.nan))

    monkeypatch.setattr(steps, "take", lost)
    with pytest.raises(Unfinished, match="the loss of step 1 is not finite; a smaller lr"):
        train(OF, tmp_path / "t.zarr", "cpu")


def test_records_must_fit_on_the_disk(tmp_path, monkeypatch):
    from drift.sim.stores.location import LocalLocation

    monkeypatch.setattr(LocalLocation, "free_bytes", lambda self: 9_000)
    with pytest.raises(BadInput, match=r"would take 9.22 kB, and 9 kB are free there; record-ev"):
        train(OF, tmp_path / "t.zarr", "cpu")
    assert not (tmp_path / "t.zarr").exists()


def test_one_begun_on_another_device_is_not_gone_on_with(tmp_path):
    out = tmp_path / "t.zarr"
    with pytest.raises(Stop):
        train(OF, out, "cpu", stop_at(3))
    TrainingStore(out, writing=True).update(device={"platform": "gpu", "kind": "H200"})
    with pytest.raises(BadInput, match="was begun on H200, and this is cpu"):
        train(OF, out, "cpu")
    shutil.rmtree(out)
