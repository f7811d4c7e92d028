"""Arrays as clouds: what a drift says of them, what moves, and what is refused."""

import dataclasses
import hashlib
import pickle

import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest

import drift
from drift import BadInput, Drift
from drift.kernels.formats import FLOAT32, FORMATS
from drift.sim.arrays.rows import ArrayRows
from drift.sim.clouds.initial import initial_cloud
from drift.sim.matrix import FLOAT64, rounded_once
from drift.sim.runs import run
from drift.sim.runs.simulate import simulate
from drift.sim.stores.run_store import RunStore
from drift.sim.sweeps.grid import Grid
from drift.sim.sweeps.store import SweepStore
from drift.sim.sweeps.sweep import sweep
from tests.support import oracle
from tests.support.builders import Stop, assert_same_arrays, stop_after

FIELDS = {"radius": 0.05, "steps": 20, "records": 4}


def values():
    return np.random.default_rng(0).normal(0, 0.02, (12, 8)) * 1.0


@pytest.mark.parametrize("name", ["bfloat16", "float16", "float8_e4m3fn", "float8_e5m2"])
def test_an_array_of_a_format_is_its_rows_and_has_its_format(name):
    array = values().astype(oracle.dtype(name))
    d = Drift(cloud=array, **FIELDS)
    assert (d.tokens, d.dims, d.format, d.origin.tensor) == (12, 8, name, name)
    codes = oracle.bits(array)
    assert d.origin.path == "sha256:" + hashlib.sha256(codes.tobytes()).hexdigest()
    np.testing.assert_array_equal(initial_cloud(d).codes(0, 12), codes)
    assert initial_cloud(d).facts["zeroed"] == 0
    same = Drift(cloud=codes, format=name, **FIELDS)
    assert same == d
    assert hash(same) == hash(d)
    assert Drift.from_json(d.as_json()) == d
    assert Drift(cloud=jnp.asarray(array), **FIELDS) == d
    assert Drift(cloud=codes.astype(np.int64), format=name, **FIELDS) == d
    assert Drift(cloud=np.asfortranarray(array), **FIELDS) == d


def test_equality_goes_by_shape_format_and_digest():
    array = values().astype(np.float32)
    d = Drift(cloud=array, **FIELDS)
    assert d.as_json()["from"] == str(d.origin.path)
    assert type(d.as_json()["from"]) is str
    assert Drift(cloud=array.astype(">f4"), **FIELDS) == d
    assert Drift(cloud=array.reshape(8, 12), **FIELDS) != d
    assert Drift(cloud=array, format="float16", **FIELDS) != d
    assert Drift(cloud=array.view(np.uint16), format="bfloat16", **FIELDS) != d
    given = array.copy()
    kept = Drift(cloud=given, **FIELDS)
    given[:] = 1
    assert initial_cloud(kept).facts == initial_cloud(d).facts
    again = pickle.loads(pickle.dumps(d))
    assert again == d
    assert initial_cloud(again).facts == initial_cloud(d).facts
    further = dataclasses.replace(d, radius=0.1)
    assert further.origin.path.available


WIDE = {"float32": np.float32, "float64": np.float64}


@pytest.mark.parametrize("source", WIDE)
@pytest.mark.parametrize("name", ["bfloat16", "float16", "float8_e5m2", "float4_e2m1fn"])
def test_wider_values_are_rounded_once_and_that_is_said(name, source):
    table = oracle.magnitudes(name)
    middles = (table[1:] + table[:-1]) / 2
    middles = middles[(middles >= 2.0**-100) & (middles < 3e38)][:: max(1, len(table) // 500)]
    nearby = middles * [[1], [1 + 2.0**-50], [1 - 2.0**-50], [1 + 2.0**-20], [1 - 2.0**-20]]
    array = np.concatenate([nearby, -nearby]).astype(WIDE[source])
    d = Drift(cloud=array, format=name, **FIELDS)
    exact = np.abs(array.astype(np.float64))
    at = np.searchsorted(table, exact, side="right") - 1
    low, high = table[at], table[np.minimum(at + 1, len(table) - 1)]
    up = (exact - low > high - exact) | ((exact - low == high - exact) & (at % 2 == 1))
    near = np.copysign(np.where(up, high, low), array)
    cloud = initial_cloud(d)
    found = cloud.codes(0, len(array)).view(oracle.dtype(name)).astype(np.float64)
    np.testing.assert_array_equal(found, near)
    assert cloud.facts["format"] == source
    assert cloud.facts["rounded"] == np.count_nonzero(near != array)


def test_float64_is_rounded_once_to_float32():
    array = np.float64([[1 + 2.0**-24, 1 + 2.0**-24 + 2.0**-50, 3e-39]])
    found = rounded_once(array.view(np.uint64), FLOAT64, FLOAT32).view(np.float32)
    np.testing.assert_array_equal(found, array.astype(np.float32))
    d = Drift(cloud=array, master="float32", **FIELDS)
    assert d.format == "bfloat16"
    held = initial_cloud(d).states(0, 1).view(np.float32)
    assert held.tolist() == [[1.0, float(np.float32(1 + 2.0**-23)), 0.0]]


@pytest.mark.slow
@pytest.mark.parametrize("master", ["none", "float32"])
@pytest.mark.parametrize("source", ["float32", "float64", "bfloat16"])
def test_runs_resume_sweeps_and_specs_of_an_array(tmp_path, source, master):
    array = values().astype(oracle.dtype(source))
    d = Drift(cloud=array, master=master, snapshots="records", **FIELDS)
    path, again = tmp_path / "a.zarr", tmp_path / "b.zarr"
    result = run.run(d, path, on="cpu").as_json()
    u = RunStore(path).read("direction")
    _, seen = oracle.walk(d, u, oracle.taken(d, array))
    for k, step in enumerate(d.snapshot_steps):
        np.testing.assert_array_equal(RunStore(path).read("bits")[k], oracle.bits(seen[step]))
    with pytest.raises(Stop):
        run.run(d, again, on="cpu", progress=stop_after(2))
    run.run(d, again, on="cpu")
    assert_same_arrays(path, again)
    simulated = simulate(d, on="cpu")
    assert [each.as_json() for each in simulated.records] == result["records"]

    grid = Grid.given({"cloud": array, "master": (master,), "radius": (0.05, 0.1), **SWEPT})
    sweep(grid, tmp_path / "grid.zarr", on="cpu")
    assert SweepStore(tmp_path / "grid.zarr").read("distinct")[0].tolist() == [
        each.distinct for each in simulated.records
    ]
    assert SweepStore(tmp_path / "grid.zarr").grid.base["from"] == d.origin.path

    store = RunStore(path)
    if master == "float32" and source != "bfloat16":
        with pytest.raises(BadInput, match=r"since its snapshot of step 0 shows its masters round"):
            run.run(store.drift, tmp_path / "c.zarr", on="cpu", like=store)
        d = dataclasses.replace(store.drift, cloud=array)
    else:
        d = store.drift
    run.run(d, tmp_path / "c.zarr", on="cpu", like=store)
    assert_same_arrays(path, tmp_path / "c.zarr")


SWEPT = {"steps": 20, "records": 4}


def test_a_spec_whose_array_is_gone_says_so(tmp_path):
    d = Drift(cloud=values(), snapshots="none", **FIELDS)
    alone = Drift.from_json(d.as_json())
    line = (
        r"from is sha256:[0-9a-f]{8}…, an array that is not available; give it again, --from FILE"
    )
    with pytest.raises(BadInput, match=line):
        simulate(alone, on="cpu")
    assert simulate(dataclasses.replace(alone, cloud=values()), on="cpu").final.step == 20
    with pytest.raises(BadInput, match=r"cloud is sha256:.{8}… of float64; the spec has sha256:"):
        dataclasses.replace(alone, cloud=values() + 1)
    run.run(d, tmp_path / "none.zarr", on="cpu")
    with pytest.raises(BadInput, match=r"none.zarr can't be run again .* it has no snapshot of st"):
        simulate(RunStore(tmp_path / "none.zarr").drift, on="cpu")
    with pytest.raises(BadInput, match="not available"):
        _ = ArrayRows(str(d.origin.path)).matrix


def test_grids_take_several_arrays_and_formats():
    arrays = [values(), values()[:5].astype(np.float16)]
    grid = Grid.given({"from": arrays, "radius": 0.1})
    assert [(d.tokens, d.format) for d in map(grid.drift, range(2))] == [
        (12, "bfloat16"),
        (5, "float16"),
    ]
    grid = Grid.given({"cloud": values(), "format": ("bfloat16", "float16"), "radius": 0.1})
    assert [grid.drift(k).format for k in range(2)] == ["bfloat16", "float16"]
    with pytest.raises(BadInput, match="cloud and from are both given"):
        Grid.given({"cloud": values(), "from": "model"})


def broken():
    found = values()
    found[3, 2] = np.nan
    return found


CODES = values().astype(ml_dtypes.bfloat16).view(np.uint16)
REFUSED = {
    "nan": ({"cloud": broken()}, "array has rows that are not finite: 1, the first for token 3"),
    "one": ({"cloud": values()[0]}, r"cloud has shape \(8,\); it must be \(tokens, dims\)"),
    "three": ({"cloud": values()[None]}, r"cloud has shape \(1, 12, 8\); it must be"),
    "empty": ({"cloud": values()[:0]}, r"cloud has shape \(0, 8\); it must be"),
    "no dims": ({"cloud": values()[:, :0]}, r"cloud has shape \(12, 0\); it must be"),
    "scalar": ({"cloud": 3.0}, r"cloud has shape \(\); it must be"),
    "text": ({"cloud": np.array([["a"]])}, "cloud holds str32; it must hold floating-point numb"),
    "complex": ({"cloud": values() + 1j}, "cloud holds complex128; it must hold"),
    "flags": ({"cloud": values() > 0}, "cloud holds bool; it must hold"),
    "objects": ({"cloud": [[None]]}, "cloud holds object; it must hold"),
    "ragged": ({"cloud": [[1.0], [1.0, 2.0]]}, "cloud can't be read as an array"),
    "masked": ({"cloud": np.ma.masked_less(values(), 0)}, "cloud has masked values"),
    "codes": ({"cloud": CODES}, "cloud holds uint16 codes without a format; format names it"),
    "narrow": (
        {"cloud": CODES, "format": "float8_e4m3fn"},
        "codes of float8_e4m3fn are uint8, below 256",
    ),
    "negative": ({"cloud": -np.ones((2, 2), int), "format": "bfloat16"}, r"codes of -1 \.\.\. -1"),
    "format": ({"cloud": CODES, "format": "fp8"}, "format is 'fp8'; it must be one of bfloat16"),
    "float4": (
        {"cloud": np.uint8([[16]]), "format": "float4_e2m1fn"},
        "cloud holds 16; codes of float4_e2m1fn are below 16",
    ),
    "beyond": ({"cloud": values() * 1e40}, r"array does not fit bfloat16: token \d+ has -?\d"),
    "narrower": ({"cloud": values() * 1e8, "format": "float16"}, "array does not fit float16"),
    "sigma": ({"cloud": values(), "sigma": 1.0}, "sigma is 1 with cloud; it is for a drawn cloud"),
    "tokens": (
        {"cloud": values(), "tokens": 5},
        r"tokens is 5; the cloud has 12, of shape \(12, 8",
    ),
    "file": ({"cloud": "none.npy"}, "none.npy: there is no such file"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_cloud_is_named_in_a_line(name):
    fields, message = REFUSED[name]
    with pytest.raises(BadInput, match=message) as refused:
        initial_cloud(Drift(**fields))
    assert "\n" not in str(refused.value)


def test_files_hold_what_arrays_do(tmp_path):
    for array in (values(), values().astype(np.float32), values().astype(np.float16)):
        np.save(tmp_path / "x.npy", array)
        assert Drift(cloud=tmp_path / "x.npy") == Drift(cloud=array)
    np.save(tmp_path / "raw.npy", values().astype(ml_dtypes.bfloat16))  # NumPy writes raw bytes
    assert Drift(cloud=tmp_path / "raw.npy", format="bfloat16") == Drift(
        cloud=values().astype(ml_dtypes.bfloat16)
    )
    with pytest.raises(BadInput, match=r"raw\.npy holds raw values of 2 bytes without a format"):
        Drift(cloud=tmp_path / "raw.npy")
    (tmp_path / "bad.npy").write_bytes(b"no array")
    with pytest.raises(BadInput, match=r"bad\.npy is not a readable \.npy array"):
        Drift(cloud=tmp_path / "bad.npy")
    np.save(tmp_path / "near.npy", np.float32([[1, 2], [1, 2], [1.5, 2], [99, np.inf]]))
    near = drift.from_checkpoint(tmp_path / "near.npy", near="largest", exponents=0)
    assert (near.tokens, near.format) == (3, "bfloat16")
    assert drift.structure(near_codes(near), "bfloat16").cells == 2


def near_codes(d):
    return initial_cloud(d).codes(0, d.tokens)


def test_tensors_of_pytorch(tmp_path):
    torch = pytest.importorskip("torch")
    for kind in ("bfloat16", "float16", "float32", "float64", "float8_e4m3fn", "float8_e5m2"):
        tensor = torch.tensor(values()).to(getattr(torch, kind)).requires_grad_(kind != "x")
        array = values().astype(oracle.dtype(kind)) if kind in FORMATS else values()
        assert Drift(cloud=tensor) == Drift(cloud=array), kind
    bits = torch.tensor(values()).bfloat16().view(torch.int16)
    assert Drift(cloud=bits, format="bfloat16").origin.tensor == "bfloat16"
    with pytest.raises(BadInput, match="cloud can't be read as an array"):
        Drift(cloud=torch.empty((2, 2), device="meta"))
    assert drift.structure(torch.tensor(values()).bfloat16()).tokens == 12
