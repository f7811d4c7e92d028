"""The store of a track: the same from every source, and the same after an interruption."""

import numpy as np
import pytest
import xarray

import drift
from drift.kernels.formats import BFLOAT16
from drift.sim.tracks.track_store import TrackStore
from tests.sim.tracks.test_track import codes_of
from tests.support.builders import Stop, assert_same_arrays, files


@pytest.fixture(scope="module")
def codes():
    return codes_of(7, 9, 40, 5, BFLOAT16, 1)


def stopping(at):
    def progress(done, total):
        if done == at:
            raise Stop

    return progress


def test_it_holds_what_was_measured(codes, in_tmp):
    memory = drift.track(codes, format="bfloat16")
    stored = drift.track(codes, format="bfloat16", out="t.zarr")
    assert stored.as_json() == memory.as_json() | {"store": "t.zarr"}
    read = TrackStore("t.zarr").track()
    assert read.as_json() == stored.as_json()
    with xarray.open_zarr("t.zarr", consolidated=False) as opened:
        assert opened.sizes["sample"] == 9
        np.testing.assert_array_equal(opened.path, memory.per_token["path"])
        assert opened.attrs["kind"] == "drift track"


def test_a_complete_one_is_returned_and_another_one_refused(codes, in_tmp):
    drift.track(codes, format="bfloat16", out="t.zarr")
    before = files(in_tmp / "t.zarr")
    again = drift.track(codes, format="bfloat16", out="t.zarr")
    assert again.events == drift.track(codes, format="bfloat16").events
    assert files(in_tmp / "t.zarr") == before
    with pytest.raises(drift.BadInput, match="zarr is a complete track with every 1, not 2"):
        drift.track(codes, format="bfloat16", out="t.zarr", every=2)
    other = drift.track(codes, format="bfloat16", out="t.zarr", every=2, overwrite=True)
    assert len(other.steps) == 5


@pytest.mark.slow
@pytest.mark.parametrize("at", [1, 3, 8])
def test_an_interrupted_one_goes_on_with_the_same_bits(codes, in_tmp, monkeypatch, at):
    drift.track(codes, format="bfloat16", out="whole.zarr")
    monkeypatch.setattr(TrackStore, "due", lambda self: True)
    with pytest.raises(Stop):
        drift.track(codes, format="bfloat16", out="t.zarr", progress=stopping(at))
    assert not TrackStore("t.zarr").complete
    with pytest.raises(drift.BadInput, match="is not complete"):
        TrackStore("t.zarr").track()
    seen = []
    drift.track(codes, format="bfloat16", out="t.zarr", progress=lambda k, n: seen.append(k))
    assert seen[0] == max(1, at - 1)  # no sample before these is read again
    assert_same_arrays("t.zarr", "whole.zarr")
    assert not (in_tmp / "t.zarr/progress").exists()


def test_other_data_are_no_continuation(codes, in_tmp, monkeypatch):
    monkeypatch.setattr(TrackStore, "due", lambda self: True)
    with pytest.raises(Stop):
        drift.track(codes, format="bfloat16", out="t.zarr", progress=stopping(4))
    other = codes.copy()
    other[3] ^= 1
    with pytest.raises(drift.BadInput, match="holds other data than when its track was begun"):
        drift.track(other, format="bfloat16", out="t.zarr")
    other[-1] ^= 1
    with pytest.raises(drift.BadInput, match="is an unfinished track with data"):
        drift.track(other, format="bfloat16", out="t.zarr")


def test_a_damaged_one_says_so(codes, in_tmp):
    drift.track(codes, format="bfloat16", out="t.zarr")
    (in_tmp / "t.zarr/pairs/c/0").unlink()
    with pytest.raises(drift.Damaged, match="chunk c/0 of pairs is missing"):
        TrackStore("t.zarr").track()


def test_the_motion_is_what_moves_the_centroid(codes):
    finite = codes_of(4, 6, 20, 4, BFLOAT16, 2)
    found = drift.track(finite, format="bfloat16")
    values = BFLOAT16.value(finite.astype(int)).mean(axis=1)
    np.testing.assert_allclose(found.motion, np.diff(values, axis=0), rtol=1e-6, atol=1e-12)
    assert found.motion.dtype == np.float32


def test_memory_is_asked_for(codes, monkeypatch):
    monkeypatch.setattr("drift.sim.devices.host_memory.free_memory", lambda: 100)
    with pytest.raises(drift.BadInput, match=r"the array needs .* of memory"):
        drift.track(codes, format="bfloat16")
