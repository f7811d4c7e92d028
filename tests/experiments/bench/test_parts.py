"""What a bench measures on: clouds whose cells are known, checks that see a wrong bit."""

import sys
from itertools import product

import jax
import numpy as np
import pytest

from drift.experiments.bench import counting, leap, neighbours, stepping, sweeping
from drift.experiments.bench.counting import clouds
from drift.experiments.bench.runner import WrongResult, measure
from drift.experiments.bench.setting import Setting, Start
from drift.kernels.stepping.fused import Fused
from drift.sim.counting.cells import CellCounts, count_rows
from tests.support.run_cli import here


def quiet(line):
    pass


@pytest.fixture
def setting(tmp_path):
    return Setting(jax.devices("cpu")[0], tmp_path, quick=True, tokens=512, dims=96)


def test_the_clouds_have_the_cells_they_say(setting):
    kinds = []
    for cloud in clouds(setting, 512, 96):
        _, cell = np.unique(cloud.codes, axis=0, return_inverse=True)
        cell = cell.reshape(-1)  # NumPy 2.0: (tokens, 1)
        pairs = np.unique(np.stack([cell, cloud.cell]), axis=1)
        assert pairs.shape[1] == len(np.unique(cell)) == len(np.unique(cloud.cell)), cloud.name
        assert not np.any(cloud.codes == 0x8000)
        kinds.append((cloud.kind, len(np.unique(cell))))
    assert [kind for kind, _ in kinds] == ["distinct"] * 2 + ["few"] * 2 + ["adversarial"] * 2
    cells = [count for _, count in kinds]
    assert cells[0] == 512
    assert 400 < cells[1] < 512
    assert 90 < cells[2] <= 100
    assert 90 < cells[3] <= 100
    assert cells[4] > 500
    assert cells[5] == 16


def test_rows_that_differ_in_one_column_do(setting):
    *_, one_column, _ = clouds(setting, 512, 96)
    row = np.median(one_column.codes, axis=0)
    assert np.max(np.count_nonzero(one_column.codes != row, axis=1)) == 1


def swapped(occupancy, first):
    return occupancy, np.roll(first, 1)


def one_more(occupancy, first):
    return np.append(occupancy, 1), np.append(first, first[0])


@pytest.mark.parametrize("change", [swapped, one_more, lambda n, first: (n[1:], first[1:])])
def test_a_counter_that_errs_is_found_out(setting, monkeypatch, change):
    def errs(codes, target):
        cells = count_rows(codes, target)
        return CellCounts(*change(cells.occupancy, cells.representative))

    monkeypatch.setitem(sys.modules, "torch", None)
    _, _, case, *_ = counting.cases(setting)
    result = measure(case, 1, quiet)
    names = [row["name"] for row in result["contenders"]]
    assert names == ["counter", "one read", "numpy.unique"]
    assert result["contenders"][1]["cost"] == 1
    monkeypatch.setattr(counting, "count_rows", errs)
    _, _, case, *_ = counting.cases(setting)
    with pytest.raises(WrongResult, match="counter computes something else"):
        measure(case, 1, quiet)


def test_a_join_that_errs_is_found_out(setting, monkeypatch):
    planted, crowded = neighbours.cases(setting)
    assert crowded.facts["pairs"] > planted.facts["pairs"] == 100
    measure(crowded, 1, quiet)
    right = neighbours.adjacent
    monkeypatch.setattr(neighbours, "adjacent", lambda *given: right(*given)[1:])
    with pytest.raises(WrongResult, match="join computes something else: it finds 99 pairs"):
        measure(next(neighbours.cases(setting)), 1, quiet)


@pytest.mark.slow
def test_loops_over_cells_that_err_are_found_out(setting, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    grids = list(sweeping.cases(setting))
    assert [case.facts["cells"] for case in grids] == [100, 100, 100]
    result = measure(grids[0], 1, quiet)
    assert [row["name"] for row in result["contenders"]] == ["drift sweep", "NumPy loop"]
    monkeypatch.setattr(sweeping, "process", here)
    monkeypatch.setattr(sweeping, "numpy_loop", lambda cell: [len(cell.codes)] * 21)
    case = next(sweeping.cases(setting))
    with pytest.raises(WrongResult, match="NumPy loop computes something else: it counts"):
        measure(case, 1, quiet)


@pytest.mark.slow
def test_a_wrong_bit_is_found_out(setting):
    start = Start.of(setting, 5)
    right = next(setting.simulation(start.drift, "step").states([5])).rows.span(0, 512).copy()
    assert start.wrong(right, 5) is None
    right[511, 95] ^= 1
    assert "after 5 steps token 511, dim 95 is" in start.wrong(right, 5)
    assert start.wrong(start.codes, 5) is not None


@pytest.mark.slow
def test_the_whole_cloud_at_once_gives_the_same_bits(setting, monkeypatch):
    start = Start.of(setting, 40)
    paths = ("memory", Fused("gpu", interpret=True))
    for most, by in product((1 << 15, 200), paths):  # in one part and in three
        monkeypatch.setattr(stepping, "MOST_ROWS", most)
        one = stepping.at_once(setting, start, "at once", by)
        found = one.run()
        assert one.wrong(found) is None
        assert one.wrong([part ^ 1 for part in found]) is not None
    assert one.traffic == 4 * 512 * 96 * 40


@pytest.mark.parametrize("dims", [6, 7])
def test_copies_copy(setting, dims):
    codes = np.arange(3 * dims, dtype=np.uint16).reshape(3, dims)
    flipped = np.asarray(stepping.device_copy(setting, codes)()).view(np.uint16)
    changed = np.arange(flipped.size) % (1 if dims % 2 else 2) == 0
    np.testing.assert_array_equal(flipped.ravel() ^ changed, codes.ravel())
    there = stepping.host_copy(setting, codes)
    assert len(there()) == setting.threads


@pytest.mark.slow
def test_a_leap_elsewhere_is_found_out(setting):
    first, last = leap.cases(setting)
    for one in (*first.contenders, *last.contenders):
        state = one.run()
        assert one.wrong(state) is None
        other = last if one in first.contenders else first
        assert "steps token" in other.contenders[0].wrong(state)


@pytest.mark.slow
def test_a_process_is_measured_with_its_memory(tmp_path):
    options = ["--sigma", "1e-9", "--tokens", "20", "--dims", "16", "--records", "1", "--json"]
    done = leap.process([*options, "--device", "cpu", "--out", str(tmp_path / "a.zarr")])
    assert done["result"]["final"]["step"] == 100
    assert 20e6 < done["peak_bytes"] < 4e9
