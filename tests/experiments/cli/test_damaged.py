"""Damaged stores: every verb gives what it gave before, or one line; never a wrong number."""

import random
import shutil

import pytest

from drift.sim.runs import run
from drift.sim.spec.drift import Drift
from drift.sim.stores.run_layout import ALL_COUNTS
from drift.sim.sweeps.store import MOTION_NAMES, NAMES
from drift.sim.sweeps.sweep import sweep
from tests.support.builders import tiny
from tests.support.run_cli import drift

SMALL = Drift(sigma=1e-9, tokens=12, dims=8, steps=6, records=3, survivors=5, radius=0.01)
VERBS = {
    "run": [["export"], ["structure", "--json"], ["compare", "twin", "--json"]],
    "sweep": [["export"], ["status", "--json"]],
}


_FLIPS, _LONG = 12, 1000
"""Of files that are longer: the attributes of a store."""
_WAYS = 3
"""Of other files each is damaged in one way, one after the other."""


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    place = tmp_path_factory.mktemp("stores")
    run.run(SMALL, place / "run", on="cpu")
    shutil.copytree(place / "run", place / "twin")
    sweep(tiny(), place / "sweep", on="cpu")
    return place


def told(capsys, name, verb):
    """What a verb says of a store of that name."""
    command, *options = verb
    return drift(capsys, command, name, *options)


def damages(file, seed):
    """The file cut short, or with a flipped bit; None stands for none at all."""
    raw, some = file.read_bytes(), random.Random(seed)
    yield raw[: some.randrange(len(raw))]
    for _ in range(_FLIPS if len(raw) > _LONG else 1):
        at, flipped = some.randrange(len(raw)), bytearray(raw)
        flipped[at] ^= 1 << some.randrange(8)
        yield bytes(flipped)
    yield None


def reading(file, name):
    """Which of the verbs read a file: all its metadata's, of arrays one alone."""
    array = file.parts[0]
    if len(file.parts) == 1:
        return range(len(VERBS[name]))
    counts = {*NAMES.values(), *MOTION_NAMES.values(), *ALL_COUNTS, "step"} - {"done"}
    return [0] if array in counts or (name == "run" and array == "done") else [1]


@pytest.mark.slow
@pytest.mark.parametrize("name", VERBS)
def test_whatever_file_is_damaged_however_no_verb_gives_a_wrong_number(
    stores, name, capsys, monkeypatch
):
    monkeypatch.chdir(stores)
    before = [told(capsys, name, verb) for verb in VERBS[name]]
    assert [(status, err) for status, _, err in before] == [(0, "")] * len(before)
    files = sorted(file for file in (stores / name).rglob("*") if file.is_file())
    noticed = set()
    for seed, file in enumerate(files):
        raw = file.read_bytes()
        found = [*damages(file, seed)]
        for body in found if len(found) > _WAYS else found[seed % _WAYS :: _WAYS]:
            file.unlink()
            if body is not None:
                file.write_bytes(body)
            for k in reading(file.relative_to(stores / name), name):
                status, out, err = told(capsys, name, VERBS[name][k])
                expected = before[k][1]
                if status == 0:
                    assert (out, err) == (expected, ""), (file, k)
                    continue
                assert (status, err.count("\n")) == (2, 1), (file, k, err)
                assert err.startswith("drift: "), (file, k, err)
                assert expected.startswith(out), "what was printed before it was found is right"
                noticed.add(file)
        file.write_bytes(raw)
    assert len(noticed) > 0.8 * len(files)


def flip(file):
    raw = bytearray(file.read_bytes())
    raw[len(raw) // 2] ^= 1
    file.write_bytes(bytes(raw))


RUN = [["export"], ["plot", "curves"], ["report"]]
CLOUD = [["structure"], ["plot", "components"], ["compare", "twin"], ["report"]]
SWEEP = [["export"], ["plot", "phase"], ["plot", "curves"], ["report"]]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "file", "verbs"),
    [
        ("run", "distinct/c/0", RUN),
        ("run", "bits/c/1/0/0", CLOUD),
        ("sweep", "distinct/c/0/0/0/0", SWEEP),
        ("sweep", "done/c/0/0/0", [*SWEEP, ["status"]]),
    ],
)
def test_the_store_the_array_and_the_chunk_are_named(stores, in_tmp, capsys, name, file, verbs):
    shutil.copytree(stores / name, in_tmp / "a.zarr")
    shutil.copytree(stores / "twin", in_tmp / "twin")
    array, chunk = file.split("/", 1)
    flip(in_tmp / "a.zarr" / file)
    for how in ("damaged: its checksum does not hold", "missing"):
        for verb in verbs:
            status, _, err = drift(capsys, *verb, "a.zarr")
            assert (status, err.count("\n")) == (2, 1), verb
            assert err.startswith("drift: a.zarr"), verb
            assert err.endswith(f"chunk {chunk} of {array} is {how}\n"), verb
        (in_tmp / "a.zarr" / file).unlink(missing_ok=True)
    assert sorted(each.name for each in in_tmp.iterdir()) == ["a.zarr", "twin"]
