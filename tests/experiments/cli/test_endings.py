"""How verbs end on bad days: terminated, out of memory, on a full disk."""

import errno
import fcntl
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from jax.errors import JaxRuntimeError

from drift.experiments.cli import main
from drift.experiments.console.files import atomic_write
from drift.experiments.figures import style
from drift.experiments.studies import parts
from drift.experiments.studies.parts import Note, StudyStores
from drift.sim.runs import run
from drift.sim.spec.drift import Drift
from drift.sim.sweeps.store import SweepStore
from drift.sim.sweeps.sweep import sweep
from drift.sim.sweeps.writer import GridWriter
from tests.support.builders import tiny
from tests.support.run_cli import drift

SMALL = Drift(sigma=1e-9, tokens=12, dims=8, steps=6, records=3)
DEVICE = JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate 9 bytes.")


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    place = tmp_path_factory.mktemp("stores")
    run.run(SMALL, place / "run.zarr", on="cpu")
    sweep(tiny(), place / "grid.zarr", on="cpu")
    return place


@pytest.fixture
def there(stores, in_tmp):
    """Copies of them, in the working directory."""
    for name in ("run.zarr", "grid.zarr"):
        shutil.copytree(stores / name, in_tmp / name)
    return in_tmp


@pytest.fixture
def terminating():
    """SIGTERM is heard as the command hears it."""
    before = signal.signal(signal.SIGTERM, main._terminate)
    yield lambda *given, **more: signal.raise_signal(signal.SIGTERM)
    signal.signal(signal.SIGTERM, before)


READERS = {
    "predict": (["predict", "--sigma", "1e-9"], "drift.sim.prediction.predict:predict"),
    "structure": (["structure", "run.zarr"], "drift.sim.structures.structure:structure_of"),
    "compare": (["compare", "run.zarr", "run.zarr"], "drift.sim.structures.compare:compare"),
    "plot": (["plot", "curves", "run.zarr"], "drift.experiments.figures.curves:curves"),
    "report": (["report", "run.zarr"], "drift.experiments.report.page:page_of"),
    "export": (
        ["export", "run.zarr", "--out", "a.csv"],
        "drift.sim.stores.run_store:RunStore.records",
    ),
    "status": (["status", "grid.zarr"], "drift.sim.sweeps.point_order:to_count"),
}


def broken(monkeypatch, where, instead):
    module, _, name = where.partition(":")
    owner = import_module(module)
    *outer, name = name.split(".")
    for each in outer:
        owner = getattr(owner, each)
    monkeypatch.setattr(owner, name, instead)


@pytest.mark.parametrize("name", READERS)
def test_a_verb_that_is_terminated_says_so_and_leaves_nothing(
    there, capsys, monkeypatch, terminating, name
):
    arguments, where = READERS[name]
    before = sorted(there.rglob("*"))
    broken(monkeypatch, where, terminating)
    assert drift(capsys, *arguments) == (143, "", "drift: terminated\n")
    assert sorted(there.rglob("*")) == before


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("error", [MemoryError(), DEVICE])
def test_a_verb_out_of_memory_says_how_much_is_free(there, capsys, monkeypatch, name, error):
    def exhausted(*given, **more):
        raise error

    arguments, where = READERS[name]
    broken(monkeypatch, where, exhausted)
    status, out, err = drift(capsys, *arguments)
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert err.startswith("drift: out of memory, of which ")


FILES = {
    "plot": (["plot", "curves", "run.zarr", "--out", "it"], ["it.png", "it.svg"]),
    "phase": (["plot", "phase", "grid.zarr", "--out", "it"], ["it.png", "it.svg"]),
    "report": (["report", "run.zarr", "-o", "it.html"], ["it.html"]),
    "export": (["export", "grid.zarr", "--out", "it.csv"], ["it.csv"]),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_files_are_written_whole_or_what_was_there_stays(
    there, capsys, monkeypatch, terminating, name
):
    arguments, files = FILES[name]
    for file in files:
        Path(file).write_text("before")
    before = sorted(there.rglob("*"))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300, limits[1]))
    try:
        status, out, err = drift(capsys, *arguments)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert err.startswith("drift: it")
    assert err.endswith("can't be written: File too large\n")
    monkeypatch.setattr(Path, "replace", terminating)  # all is written, but not in its place
    assert drift(capsys, *arguments) == (143, "", "drift: terminated\n")
    assert [Path(file).read_text() for file in files] == ["before"] * len(files)
    assert sorted(there.rglob("*")) == before


@pytest.mark.processes
@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no full device")
def test_what_is_printed_onto_a_full_disk_is_a_failure_of_one_line(there):
    code = "from drift.experiments.cli.main import main; main()"
    command = [sys.executable, "-c", code, "structure", "run.zarr", "--json"]
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    said = "drift: the output can't be written: No space left on device\n"
    assert (done.returncode, done.stderr) == (1, said)


STUDY = ["study", "stall", "--quick", "--device", "cpu", "--out", "out"]


@pytest.mark.slow
def test_a_study_that_is_terminated_or_finds_a_full_disk_keeps_what_is_done_and_goes_on(
    in_tmp, capsys, monkeypatch, terminating
):
    write = GridWriter._write

    def terminated(*given):
        terminating()  # in the first one: a fast machine writes the whole sweep in it
        write(*given)

    with monkeypatch.context() as patch:
        patch.setattr(GridWriter, "_write", terminated)
        status, out, err = drift(capsys, *STUDY)
    assert (status, out) == (143, "")
    assert err.endswith("drift: terminated; the same command goes on with what is left\n")
    begun = [SweepStore(path) for path in (in_tmp / "out/stores").glob("*.zarr")]
    assert not (in_tmp / "out/README.md").exists()
    assert any(store.done.any() for store in begun), "what was in hand was written"
    assert not [*in_tmp.rglob(".*drift-*")]
    shutil.rmtree(in_tmp / "out/stores")  # it may have been whole, on a fast machine
    for owner, name in ((GridWriter, "_write"), (style.Figure, "savefig")):
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, full)
            status, out, err = drift(capsys, *STUDY)
        assert (status, out) == (1, "")
        assert "can't be written: No space left on device" in err.splitlines()[-1]
    status, out, err = drift(capsys, *STUDY, "--json")
    assert status == 0
    assert json.loads(out)["page"] == "out/README.md"
    assert not [*in_tmp.rglob("*.part"), *in_tmp.rglob(".*drift-*")]


def full(*given, **more):
    """There is no room."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_note_of_a_study_that_is_damaged_is_found_anew(tmp_path):
    made, found = StudyStores(tmp_path), [1]
    note = Note("what", {"of": 3}, lambda made: {"number": found[0]})
    assert not note.complete(made)
    note.do(made, "cpu", None)
    file = tmp_path / "what.json"
    text = file.read_text()
    assert note.complete(made)
    for damaged in (text.replace('"number": 1', '"number": 7'), text[:-5], "[]", "{}"):
        assert damaged != text
        file.write_text(damaged)
        assert not note.complete(made)
    document = json.loads(text)
    del document[parts._SUM]  # as before there were checksums
    file.write_text(json.dumps(document))
    assert note.complete(made)


def test_what_interrupts_a_file_leaves_what_was_there(tmp_path):
    path = tmp_path / "a"
    path.write_text("before")

    def halves():
        yield "half"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), atomic_write(path) as new, new.open("w") as file:
        file.writelines(halves())
    assert path.read_text() == "before"
    assert [*tmp_path.iterdir()] == [path]


def test_what_a_killed_export_left_goes_with_the_next_one_there(tmp_path):
    target = tmp_path / "a.csv"
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    left, living = (tmp_path / f".a.csv.drift-{pid}" for pid in (child.pid, os.getppid()))
    others = [tmp_path / f".{name}" for name in ("a.csv.drift-lock", "b.csv.drift-1", "a.csv")]
    for path in (left, living, *others):
        path.write_text("half")
    with atomic_write(target) as new:
        new.write_text("whole")
        assert not left.exists()
    assert {*tmp_path.iterdir()} == {target, living, *others}
    left.write_text("of a machine that shares the disk, where it is still being written")
    with left.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with atomic_write(target) as new:
            new.write_text("again")
    assert left.exists()
    assert target.read_text() == "again"


def test_a_study_is_not_written_into_a_store(in_tmp, capsys):
    (in_tmp / "first.zarr").mkdir()
    (in_tmp / "first.zarr/zarr.json").write_text("{}")
    for out in ("first.zarr", "first.zarr/study"):
        status, said, err = drift(capsys, "study", "stall", "--quick", "--out", out)
        assert (status, said) == (2, "")
        assert "first.zarr is a Zarr store, and no place for a study; --out names another" in err
        assert err.count("\n") == 1
    assert [each.name for each in (in_tmp / "first.zarr").iterdir()] == ["zarr.json"]
