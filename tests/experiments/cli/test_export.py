"""`drift export`: every count of a store as CSV, to the last bit."""

import csv
import io
import json
import math
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

import drift
from drift.experiments.cli import export, main
from drift.sim.spec.drift import Drift
from drift.sim.stores.run_store import RunStore
from drift.sim.sweeps.store import points_per_chunk
from tests.support.builders import sweep_store


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    path = tmp_path_factory.mktemp("export") / "a.zarr"
    drift.run(Drift(sigma=1e-9, tokens=30, dims=20, steps=12, records=5), path, on="cpu")
    return RunStore(path)


def exported(capsys, *arguments):
    """The lines that the verb prints, the header first."""
    capsys.readouterr()
    assert main.outcome(["export", *map(str, arguments)]) == 0
    return list(csv.reader(io.StringIO(capsys.readouterr().out)))


def test_a_run_has_a_line_for_each_record_with_the_bits_of_its_counts(run, capsys):
    header, *lines = exported(capsys, run.address)
    records = [counts.as_json() for counts in run.records()]
    assert header == list(records[0])
    assert len(lines) == len(records) == 6
    for line, counts in zip(lines, records, strict=True):
        values = [type(known)(text) for text, known in zip(line, counts.values(), strict=True)]
        assert values == list(counts.values())


def test_a_sweep_has_its_axes_first_and_the_cells_that_are_done(tmp_path, capsys):
    names = ("axis", 'a "b" \u00e9.npy')
    axes = {"sigma": (1e-9, 1e-8 / 3), "steps": (3, 40), "direction": names, "survivors": (None, 7)}
    store = sweep_store(
        tmp_path / "grid.zarr",
        axes,
        lambda sigma, steps, progress, **others: 1 - progress * sigma * 1e7 / steps,
        left=[(0, 1, 0)],
        failed=[(1, 0, 1, 1)],
    )
    header, *lines = exported(capsys, store.address)
    assert header == [*axes, "progress", "step", *store.names.values()]
    done = store.done
    assert done.sum() == 13
    values = {name: store.read(name) for name in store.names}
    kept = {3: [0, 1, 3, 4], 40: range(5)}  # of 3 steps records 2 and 3 are both of step 2
    records = [
        (tuple(place), k)
        for place in np.argwhere(done).tolist()
        for k in kept[axes["steps"][place[1]]]
    ]
    for line, (place, k) in zip(lines, records, strict=True):
        sigma, steps, direction, survivors = (
            each[i] for each, i in zip(axes.values(), place, strict=True)
        )
        assert (float(line[0]), int(line[1])) == (sigma, steps)
        assert line[2:4] == [direction, "all" if survivors is None else "7"]
        assert float(line[4]) == k / 4
        assert int(line[5]) == math.floor(k * steps / 4 + 0.5)
        for text, name in zip(line[6:], store.names, strict=True):
            known = values[name][(*place, k)]
            assert float(text) == known or (math.isnan(float(text)) and math.isnan(known))


def test_a_sweep_of_one_cell_and_one_in_chunks(tmp_path, capsys, monkeypatch):
    one = sweep_store(tmp_path / "one.zarr", {}, lambda progress: 1 - progress / 2)
    header, *lines = exported(capsys, one.address)
    assert header[:3] == ["progress", "step", "distinct"]
    assert [line[2] for line in lines] == ["100", "88", "75", "62", "50"]
    monkeypatch.setattr("drift.sim.sweeps.store._CHUNK_VALUES", 15)
    seeds = tuple(range(20))
    many = sweep_store(tmp_path / "many.zarr", {"seed": seeds}, lambda seed, progress: seed / 20)
    assert many.array("distinct").chunks == (3, 5)
    lines = exported(capsys, many.address)[1:]
    assert [int(line[0]) for line in lines[::5]] == list(seeds)
    assert [int(line[3]) for line in lines[::5]] == [5 * seed for seed in seeds]


@pytest.mark.parametrize("most", [1, 7, 12, 40, 10**6])
@pytest.mark.parametrize("shape", [(), (2,), (2, 30), (2, 3, 10), (3, 1, 4, 5)])
def test_cells_are_read_in_order_and_few_at_a_time(shape, most, tmp_path, monkeypatch):
    monkeypatch.setattr("drift.sim.sweeps.store._CHUNK_VALUES", 5 * 6)
    cells = np.arange(math.prod(shape)).reshape(shape)
    chunk = points_per_chunk(SimpleNamespace(shape=shape, progress=range(5)))
    blocks = list(export._blocks(shape, chunk, most))
    read = [cells[block].ravel() for block in blocks]
    assert np.concatenate(read).tolist() == cells.ravel().tolist()
    assert max(map(len, read)) <= max(most, math.prod(chunk))
    for block in blocks:  # no chunk is read twice
        assert all(each.start % size == 0 for each, size in zip(block, chunk, strict=True))
    if most > cells.size:
        assert len(blocks) == 1


def test_a_file_is_written_whole_and_json_says_so(run, in_tmp, capsys):
    out = "a b.csv"
    assert main.outcome(["export", str(run.address), "--out", out, "--json"]) == 0
    written = (in_tmp / out).read_bytes()
    assert json.loads(capsys.readouterr().out) == {"csv": out, "lines": 6, "bytes": len(written)}
    assert [path.name for path in in_tmp.iterdir()] == [out]
    assert written.decode() == "".join(
        ",".join(line) + "\n" for line in exported(capsys, run.address)
    )


def test_what_cannot_be_is_refused_in_a_line(run, in_tmp, capsys):
    for arguments, said in (
        ([run.address, "--json"], "--json needs --out FILE: without it stdout carries the CSV"),
        (["nothing.zarr"], "nothing.zarr is not a drift store: there is nothing"),
        ([run.address, "--out", "no/such/place.csv"], "can't be written"),
    ):
        assert main.outcome(["export", *map(str, arguments)]) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.count("\n") == 1
        assert said in captured.err


def test_names_are_no_formulas_of_a_spreadsheet(tmp_path, capsys):
    names = ("axis", "=1+1.npy", "@a.npy", "+1.npy", "-1.npy", "a=1.npy")
    sweep_store(tmp_path / "a.zarr", {"direction": names}, lambda direction, progress: 1.0)
    lines = exported(capsys, tmp_path / "a.zarr")[1::5]
    assert [line[0] for line in lines] == [
        *("axis", "'=1+1.npy", "'@a.npy", "'+1.npy", "'-1.npy", "a=1.npy"),
    ]


@pytest.mark.processes
@pytest.mark.slow
def test_a_reader_that_leaves_early_is_no_failure_of_ours(tmp_path):
    seeds = tuple(range(2_000))
    store = sweep_store(tmp_path / "grid.zarr", {"seed": seeds}, lambda seed, progress: 1.0)
    program = "from drift.experiments.cli.main import main; main()"
    command = [sys.executable, "-c", program, "export", str(store.address)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout.readline().startswith(b"seed,progress,step,distinct")
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


@pytest.mark.slow
def test_a_store_on_object_storage_is_read_there(bucket, in_tmp, capsys):
    there = f"{bucket}/a.zarr"
    drift.run(Drift(sigma=1e-9, tokens=8, dims=4, steps=2), there, on="cpu")
    assert [line[0] for line in exported(capsys, there)] == ["step", "0", "1", "2"]
    sweep_store(f"{bucket}/grid.zarr", {"seed": (0, 1)}, lambda seed, progress: 1.0)
    assert len(exported(capsys, f"{bucket}/grid.zarr")) == 11
