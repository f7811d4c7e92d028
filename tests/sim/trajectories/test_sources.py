"""One trajectory is one track, wherever it is stored; what is none is refused in a line."""

import os
import pickle

import h5py
import ml_dtypes
import numpy as np
import pytest
import zarr
from safetensors.numpy import save_file

import drift
from drift.kernels.formats import BFLOAT16
from tests.sim.tracks.test_track import codes_of
from tests.support.builders import assert_same_arrays, matrix, write

SHAPE = (6, 20, 4)


@pytest.fixture(scope="module")
def codes():
    return codes_of(9, *SHAPE, BFLOAT16, 2)


@pytest.fixture(scope="module")
def whole(codes, tmp_path_factory):
    place = tmp_path_factory.mktemp("whole") / "t.zarr"
    drift.track(codes.view(ml_dtypes.bfloat16), out=place)
    return place


def typed(codes):
    save_file({"W": codes.view(ml_dtypes.bfloat16)}, "W.safetensors")
    return "W.safetensors"


def one_of_two(codes):
    save_file({"W": codes.view(ml_dtypes.bfloat16), "V": codes[:2]}, "two.safetensors")
    return "two.safetensors", {"tensor": "W"}


def whole_numbers(codes):
    save_file({"W": codes}, "u.safetensors")
    return "u.safetensors", {"format": "bfloat16"}


def npy(codes):
    np.save("W.npy", codes)
    return "W.npy", {"format": "bfloat16"}


def other_order(codes):
    np.save("F.npy", np.asfortranarray(codes.astype(">u2")))
    return "F.npy", {"format": "bfloat16"}


def raw(codes):
    np.save("V.npy", codes.view(ml_dtypes.bfloat16))
    return "V.npy", {"format": "bfloat16"}


def chunked(*chunks):
    def made(codes):
        array = zarr.create_array("W.zarr", shape=SHAPE, chunks=chunks, dtype="uint16")
        array[...], array.attrs["format"] = codes, "bfloat16"
        return "W.zarr"

    return made


def second_version(codes):
    group = zarr.open_group("old.zarr", mode="w", zarr_format=2)
    group.create_array("a/W", shape=SHAPE, chunks=(4, 7, 3), dtype="uint16")[...] = codes
    return "old.zarr", {"tensor": "a/W", "format": "bfloat16"}


def hdf5(codes):
    with h5py.File("W.h5", "w") as file:
        file.create_dataset("deep/W", data=codes, chunks=(4, 7, 3), compression="gzip")
    return "W.h5", {"format": "bfloat16"}


def checkpoints(codes):
    paths = []
    for t, each in enumerate(codes):
        paths.append(f"checkpoint-{5 * t + 5}.safetensors")
        save_file({"lm_head.weight": each.view(ml_dtypes.bfloat16)}, paths[-1])
    return sorted(paths)  # 10 comes before 5


def trainers(codes):
    for t, each in enumerate(codes):
        folder = f"out/checkpoint-{5 * t + 5}"
        os.makedirs(folder)
        save_file({"lm_head.weight": each.view(ml_dtypes.bfloat16)}, f"{folder}/model.safetensors")
    return "out"


def matrices(codes):
    for t, each in enumerate(codes):
        np.save(f"m{t}.npy", each)
    return [f"m{t}.npy" for t in range(len(codes))], {"format": "bfloat16"}


def lists(codes):
    return list(codes.view(ml_dtypes.bfloat16))


SOURCES = [typed, one_of_two, whole_numbers, npy, other_order, raw, second_version, hdf5]
SOURCES += [chunked(1, 20, 4), chunked(6, 20, 4), chunked(4, 7, 3), chunked(5, 1, 1)]
SOURCES += [checkpoints, trainers, matrices, lists]


@pytest.mark.parametrize("made", SOURCES, ids=lambda made: made.__name__)
def test_it_is_the_same_store(made, codes, whole, in_tmp):
    found = made(codes)
    source, options = found if isinstance(found, tuple) else (found, {})
    drift.track(source, **options, out="t.zarr")
    assert_same_arrays("t.zarr", whole)


def test_little_memory_reads_fewer_samples_at_once(codes, whole, in_tmp, monkeypatch):
    source = chunked(6, 7, 3)(codes)
    monkeypatch.setattr("drift.sim.trajectories.plan.free_memory", lambda: 1)
    drift.track(source, out="t.zarr")
    assert_same_arrays("t.zarr", whole)


def test_a_runs_snapshots_have_its_steps_and_its_survivors(in_tmp):
    d = drift.Drift(
        sigma=1e-6, tokens=20, dims=4, steps=8, records=4, snapshots="records", survivors=5
    )
    ran = drift.run(d, "run.zarr").as_json()
    found = drift.track("run.zarr")
    assert found.steps == [0, 2, 4, 6, 8]
    for name in ("distinct", "pairs", "largest", "alive"):
        assert found.per_step[name].tolist() == [counts[name] for counts in ran["records"]]


def test_every_nth_and_some_rows(codes):
    every = drift.track(codes, format="bfloat16", every=2, rows="!3:18", steps=range(10, 16))
    picked = codes[::2][:, [0, 1, 2, 18, 19]]
    direct = drift.track(picked, format="bfloat16", steps=[10, 12, 14])
    assert every.token_ids.tolist() == [0, 1, 2, 18, 19]
    assert every.as_json()["per_step"] == direct.as_json()["per_step"]
    assert every.steps == [10, 12, 14]


def rows_files(tokens):
    mask = np.arange(tokens) % 3 == 0
    np.save("mask.npy", mask)
    np.save("ids.npy", np.array([9, 0, 3, 3]))
    save_file({"mask": mask, "x": np.ones(2, np.float32)}, "mask.safetensors")


@pytest.mark.parametrize(
    ("rows", "ids"),
    [
        ("2:5", [2, 3, 4]),
        (":2", [0, 1]),
        ("18:", [18, 19]),
        ("7,1,7", [1, 7]),
        ("!1:", [0]),
        ("ids.npy", [0, 3, 9]),
        ("mask.npy", [0, 3, 6, 9, 12, 15, 18]),
        ("mask.safetensors", [0, 3, 6, 9, 12, 15, 18]),
        ("mask.safetensors:mask", [0, 3, 6, 9, 12, 15, 18]),
        (np.arange(20) > 17, [18, 19]),
        ([4, 2], [2, 4]),
        (range(3), [0, 1, 2]),
    ],
)
def test_rows_are_selected(rows, ids, codes, in_tmp):
    rows_files(20)
    assert drift.track(codes, format="bfloat16", rows=rows).token_ids.tolist() == ids


def test_tokens_near_one_are_those_of_the_last_sample(codes):
    chosen = drift.track(codes, format="bfloat16", near="3", exponents=20).token_ids
    fields = (codes[-1] & 0x7FFF).astype(int) >> 7
    assert (
        chosen.tolist() == np.flatnonzero((np.abs(fields - fields[3]) <= 20).all(axis=1)).tolist()
    )


BAD = {
    "shape": (lambda c: drift.track(c[0], format="bfloat16"), "has shape .20, 4.; a trajectory is"),
    "one sample": (lambda c: drift.track(c[:1], format="bfloat16"), "has 1 samples; one has no"),
    "type": (lambda c: drift.track(c.astype(float)), "holds float64; values of bfloat16"),
    "codes": (lambda c: drift.track(c), "whose format is not told; --as bfloat16 or --as float16"),
    "format": (lambda c: drift.track(c, format="int4"), "format is 'int4'; it must be one of"),
    "width": (lambda c: drift.track(c, format="float32"), "reads the bits of uint32 codes"),
    "steps": (lambda c: drift.track(c, format="bfloat16", steps=[1] * 6), "steps is 1 after 1"),
    "few": (lambda c: drift.track(c, format="bfloat16", steps=[1]), "steps names 1; .* 6 samples"),
    "below": (lambda c: drift.track(c, format="bfloat16", steps=range(-1, 5)), "steps is -1"),
    "every": (lambda c: drift.track(c, format="bfloat16", every=0), "every is 0"),
    "all": (lambda c: drift.track(c, format="bfloat16", every=6), "every 6 of them is 1"),
    "rows": (lambda c: drift.track(c, format="bfloat16", rows="!0:20"), "selects none of the 20"),
    "empty": (lambda c: drift.track(c, format="bfloat16", rows="4:4"), "'4:4', which is empty"),
    "id": (lambda c: drift.track(c, format="bfloat16", rows="20"), "names token 20, which"),
    "mask": (lambda c: drift.track(c, format="bfloat16", rows=[True]), "has 1 booleans; .* has 20"),
    "word": (lambda c: drift.track(c, format="bfloat16", rows="a"), "rows is 'a'; first:stop"),
    "mixed": (lambda c: drift.track(["a", c]), "paths and arrays are mixed"),
    "unlike": (lambda c: drift.track([c[0], c[0, :3]], format="bfloat16"), "matrix 1 is uint16 of"),
    "nothing": (lambda c: drift.track([]), "the array has shape .0."),
    "text": (lambda c: drift.track(np.array([["a"]])), "the array holds <U1"),
    "exponents": (lambda c: drift.track(c, format="bfloat16", exponents=1), "without near"),
    "tensor": (lambda c: drift.track(c, tensor="x"), "tensor is 'x', but an array was given"),
    "place": (lambda c: drift.track("nowhere.npy"), "nowhere.npy: there is no such file"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_makes_no_sense_is_named(name, codes, in_tmp):
    do, said = BAD[name]
    with pytest.raises(drift.BadInput, match=said) as caught:
        do(codes)
    assert "\n" not in str(caught.value)


def test_files_that_are_none_are_named(codes, in_tmp):
    save_file({"A": codes, "B": codes}, "two.safetensors")
    save_file({"m": codes[0]}, "flat.safetensors")
    np.save("objects.npy", np.array([{}]), allow_pickle=True)
    np.savez("several.npz", codes)
    (in_tmp / "old.pt").write_bytes(pickle.dumps(1))
    (in_tmp / "cut.npy").write_bytes((in_tmp / "objects.npy").read_bytes()[:20])
    for t, (name, rows) in enumerate([("lm_head.weight", 20), ("lm_head.weight", 19)]):
        write(f"c{t}.safetensors", {name: matrix(codes[t][:rows], BFLOAT16)})
    for source, said in (
        ("two.safetensors", "holds several 3-D tensors: A, B; --tensor names one"),
        ("flat.safetensors", "holds no 3-D tensor .* it holds m"),
        ("objects.npy", "holds Python objects, which may run code"),
        ("cut.npy", "cut.npy is no whole .npy array"),
        ("several.npz", "is a NumPy archive of several arrays"),
        ("old.pt", "is a pickle, as torch.save once wrote; convert it with: python -c"),
        (["c0.safetensors", "c1.safetensors"], "tokens is 20 in c0.safetensors, .*, 19 in c1"),
    ):
        with pytest.raises(drift.BadInput, match=said):
            drift.track(source, out="t.zarr")
        assert not (in_tmp / "t.zarr").exists()


def test_values_of_another_format_are_suspected():
    rng = np.random.default_rng(0)
    w = (np.arange(3)[:, None, None] * 1e-3 + rng.normal(0, 0.02, (50, 40))).astype(
        ml_dtypes.bfloat16
    )
    for stored, said in (
        (w.astype(np.float16), "look like bfloat16's: the last 3 bits of all are 0"),
        (w.astype(np.float32), "look like bfloat16's: the last 16 bits of all are 0"),
        (w.view(np.float16), "looks like the bits of bfloat16"),
    ):
        (note,) = drift.track(stored).notes
        assert said in note
    assert drift.track(w).notes == []
    assert drift.track(rng.normal(0, 0.02, (2, 50, 40)).astype(np.float16)).notes == []


def test_a_damaged_chunk_is_named(codes, in_tmp):
    source = chunked(2, 20, 4)(codes)
    (in_tmp / "W.zarr/c/1/0/0").write_bytes(b"nothing")
    with pytest.raises(drift.Damaged, match=r"W.zarr, samples 2 to 3, is damaged"):
        drift.track(source)
