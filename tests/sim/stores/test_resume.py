"""Bad days of the place where a run is written: taken, full, not to be written to."""

import errno
import fcntl
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from drift.sim.engines.simulation import Simulation
from drift.sim.errors import BadInput, Unfinished
from drift.sim.runs import prepare, run
from drift.sim.spec.drift import Drift
from drift.sim.stores import lock
from drift.sim.stores.local_files import LocalFiles
from drift.sim.stores.location import LocalLocation
from drift.sim.stores.run_store import RunStore
from tests.support.builders import Stop, assert_same_arrays, stop_after

SMALL = Drift(sigma=1e-9, tokens=60, dims=128, steps=40, records=10)
NOBODY = 65534


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """An undisturbed run."""
    path = tmp_path_factory.mktemp("plain") / "run.zarr"
    run.run(SMALL, path, on="cpu")
    return path


@pytest.mark.processes
@pytest.mark.slow
def test_one_process_at_a_time_writes_a_run_and_a_dead_one_is_none(tmp_path, plain, monkeypatch):
    path = tmp_path / "a.zarr"
    seen = []

    def progress(counts, done, total):
        seen.append(lock.is_held(path))
        with pytest.raises(BadInput, match=r"a\.zarr is being written by another process; only"):
            run.run(SMALL, path, on="cpu", overwrite=done > 5)

    run.run(SMALL, path, on="cpu", progress=progress)
    assert seen == [True] * 11
    assert [each.name for each in tmp_path.iterdir()] == ["a.zarr"]
    assert_same_arrays(path, plain)

    other, file = tmp_path / "b.zarr", tmp_path / ".b.zarr.drift-lock"
    code = (
        "import fcntl, os, sys, time; f = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT);"
        "fcntl.flock(f, fcntl.LOCK_EX); print('held', flush=True); time.sleep(60)"
    )
    child = subprocess.Popen([sys.executable, "-c", code, str(file)], stdout=subprocess.PIPE)
    assert child.stdout.readline() == b"held\n"
    with monkeypatch.context() as patch:
        patch.setattr(prepare, "Simulation", None)  # before a cloud is drawn
        with pytest.raises(BadInput, match=r"b\.zarr is being written by another process"):
            run.run(SMALL, other, on="cpu")
    child.send_signal(signal.SIGKILL)
    child.communicate()
    assert file.exists()
    run.run(SMALL, other, on="cpu")
    assert_same_arrays(other, plain)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.zarr", "b.zarr"]


def test_a_lock_whose_file_was_removed_before_it_was_had_is_none(tmp_path, monkeypatch):
    place, original, gone = tmp_path / "a.zarr", fcntl.flock, []

    def flock(descriptor, how):
        if not gone:  # its last holder ends between our opening of the file and our locking it
            gone.append((tmp_path / ".a.zarr.drift-lock").unlink())
        original(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", flock)
    with lock.held(place):
        assert gone
        assert lock.is_held(place)
        with pytest.raises(BadInput, match="is being written by another process"), lock.held(place):
            pass
    assert not [*tmp_path.iterdir()]
    assert not lock.is_held(place)  # which makes no file
    assert not [*tmp_path.iterdir()]


def test_one_that_comes_while_the_cloud_is_drawn_is_told_at_the_end_of_that(
    tmp_path, plain, monkeypatch
):
    path, original = tmp_path / "a.zarr", Simulation.__init__

    def drawn(self, *rest):
        original(self, *rest)
        held.__enter__()

    held = lock.held(path)
    monkeypatch.setattr(Simulation, "__init__", drawn)
    with pytest.raises(BadInput, match="is being written by another process"):
        run.run(SMALL, path, on="cpu")
    held.__exit__(None, None, None)
    assert not path.exists()


class Room:
    """Writes that succeed before the disk is full."""

    def __init__(self, monkeypatch, number=errno.ENOSPC):
        self.left, self._number = 10**9, number
        set_, write_bytes = LocalFiles.set, Path.write_bytes

        async def set_one(store, key, value):
            self._take()
            await set_(store, key, value)

        def write_one(path, data):  # of a store that is begun
            self._take()
            return write_bytes(path, data)

        monkeypatch.setattr(LocalFiles, "set", set_one)
        monkeypatch.setattr(Path, "write_bytes", write_one)

    def _take(self):
        self.left -= 1
        if self.left < 0:
            raise OSError(self._number, os.strerror(self._number))


@pytest.mark.parametrize("room", [0, 7, 33, 40, 50, 70])
def test_a_full_disk_is_told_and_nothing_is_lost(tmp_path, plain, monkeypatch, room):
    path = tmp_path / "a.zarr"
    with monkeypatch.context() as patch:
        Room(patch).left = room
        with pytest.raises(Unfinished) as caught:
            run.run(SMALL, path, on="cpu", checkpoint_seconds=0)
        said = f"{path} can't be written: No space left on device"
        assert str(caught.value).startswith(said)
    assert sorted(each.name for each in tmp_path.iterdir()) == (["a.zarr"] if room > 31 else [])
    records = len(RunStore(path).records()) if path.exists() else 0
    if path.exists():
        assert str(caught.value).endswith(
            "; what is recorded is kept, and the same command goes on"
        )
    told = []
    run.run(SMALL, path, on="cpu", progress=lambda counts, done, total: told.append(done))
    assert told == list(range(records + 1, 12))
    assert_same_arrays(path, plain)


@pytest.mark.slow
def test_a_disk_that_really_takes_no_more_is_told(tmp_path, plain):
    """The kernel refuses files beyond a size, as it does on a full disk."""
    path = tmp_path / "a.zarr"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8000, before[1]))
    try:
        with pytest.raises(Unfinished, match=r"a\.zarr can't be written: File too large; what"):
            run.run(SMALL, path, on="cpu")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not RunStore(path).records()
    assert not [*tmp_path.rglob("*.partial")]
    run.run(SMALL, path, on="cpu")
    assert_same_arrays(path, plain)


def test_a_store_that_became_read_only_is_bad_input(tmp_path, monkeypatch):
    path = tmp_path / "a.zarr"
    with pytest.raises(Stop):
        run.run(SMALL, path, on="cpu", progress=stop_after(3))
    Room(monkeypatch, errno.EROFS).left = 0
    with pytest.raises(BadInput, match=r"a\.zarr can't be written: Read-only file system$"):
        run.run(SMALL, path, on="cpu")
    assert len(RunStore(path).records()) == 3


def without_rights(work):
    """What `work` raises, in words, where permissions count: not for root."""
    heard, told = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            if os.geteuid() == 0:
                os.setuid(NOBODY)
            work()
        except BaseException as error:
            os.write(told, f"{type(error).__name__}: {error}".encode())
        finally:
            os._exit(0)
    os.close(told)
    with open(heard, "rb") as said:
        found = said.read().decode()
    os.waitpid(pid, 0)
    return found


@pytest.mark.filterwarnings("ignore:.*fork")
def test_a_place_without_permission_is_bad_input(tmp_path):
    for parent in tmp_path.parents[:3]:
        parent.chmod(parent.stat().st_mode | 0o011)
    tmp_path.chmod(0o755)
    mine, closed = tmp_path / "mine", tmp_path / "closed"
    mine.mkdir()
    (closed / "a.zarr").mkdir(parents=True)
    mine.chmod(0o555)
    closed.chmod(0)
    place = LocalLocation(mine / "a.zarr")

    def hold():
        with lock.held(place):
            pass

    def begin():
        with place.begin({}):
            pass

    for work in (hold, begin):
        assert without_rights(work) == f"BadInput: {place} can't be written: Permission denied"
    for path in (closed, closed / "a.zarr"):
        assert without_rights(lambda path=path: RunStore(path)) == (
            f"BadInput: {path} is not a drift store: permission to read is missing"
        )
    closed.chmod(0o755)


def test_what_a_killed_run_left_half_written_goes(tmp_path, plain):
    path = tmp_path / "a.zarr"
    with pytest.raises(Stop):
        run.run(SMALL, path, on="cpu", progress=stop_after(3))
    for name in ("zarr", "distinct/c/0", "bits/c/0/0/0"):
        (path / f"{name}.{'a' * 32}.partial").write_bytes(b"half")
    run.run(SMALL, path, on="cpu")
    assert not [*path.rglob("*.partial")]
    assert_same_arrays(path, plain)
