"""A motion out of a table: files of every kind, arrays, decay; bit for bit the plain arithmetic."""

import pickle
import re

import ml_dtypes
import numpy as np
import pytest
import zarr
from safetensors.numpy import save_file

import drift
from drift.kernels.formats import FORMATS
from drift.kernels.stepping import host
from drift.sim.displacements.table import DisplacementTable
from drift.sim.engines.choose import leap_unsupported_reason
from drift.sim.spec.drift import Drift
from tests.support import oracle
from tests.support.drifts import SMALL, assert_equal_states, states

STEPS, DIMS = 12, 6
SHAPE = {"sigma": 0.05, "tokens": 9, "dims": DIMS}


def table(scale=0.01, dtype=np.float32):
    made = np.random.default_rng(0).standard_normal((STEPS, DIMS)) * scale
    made[3, 2], made[:, 1], made[4, 4] = 0, 0, 1e-35
    return made.astype(dtype)


def plain_walk(d, c):
    """The codes at every step, by ml_dtypes: decay, add, round."""
    kind = oracle.dtype("float32" if d.master == "float32" else d.format)
    p = {"float32": 24}.get(kind.name) or oracle.precision(d.format)
    held, found = oracle.cloud(d).astype(np.float32).astype(kind), []
    for t in range(STEPS + 1):
        if t:
            x = held.astype(np.float32)
            if d.weight_decay:
                x = x * np.float32(1 - d.weight_decay)
                digits = 24 if d.fused else p
                x = x if d.fused else oracle.quantise(x, kind.name, d.rounding).astype(np.float32)
                x = np.where(np.abs(x) < 2.0 ** (digits - 127), np.copysign(np.float32(0), x), x)
            held = oracle.quantise(x + oracle.small_to_zero(c[t - 1]), kind.name, d.rounding)
        found.append(oracle.bits(held.astype(np.float32).astype(oracle.dtype(d.format))))
    return found


@pytest.mark.parametrize(
    "decay", [{}, {"weight_decay": 0.01}, {"weight_decay": 0.01, "fused": True}]
)
@pytest.mark.parametrize("name", FORMATS)
def test_every_format_and_decay_is_the_plain_arithmetic(name, decay):
    wide = name.startswith("float4")
    c = table(0.2 if wide else 0.01)
    for more in ({}, {"rounding": "toward-zero"}, {"master": "float32"}):
        d = Drift(
            **{**SHAPE, "sigma": 0.5 if wide else 0.05}, motion=c, format=name, **decay, **more
        )
        if host.supports(d.arithmetic):
            expected = plain_walk(d, c)
            for (_, _, codes), wanted in zip(states(d, engine="host")[1], expected, strict=True):
                np.testing.assert_array_equal(codes, wanted.view(codes.dtype))


@pytest.mark.slow
@pytest.mark.parametrize(
    "more",
    [
        {"weight_decay": 0.01},
        {"weight_decay": 0.01, "fused": True, "jitter": 0.2},
        {"weight_decay": 0.02, "rounding": "stochastic", "survivors": 3},
        {"master": "float32"},
    ],
)
def test_engines_agree(more):
    d = Drift(**SHAPE, motion=table(), **more)
    expected = states(d, engine="step")[1]
    if host.supports(d.arithmetic):
        assert_equal_states(states(d, engine="host")[1], expected)
    if not leap_unsupported_reason(d):
        assert_equal_states(states(d, engine="leap")[1], expected)


def test_a_constant_table_is_the_straight_drift(tmp_path):
    from drift.sim.motions.make import motion_of

    c = motion_of(SMALL).displacements(1, SMALL.steps)
    np.save(tmp_path / "c.npy", c)
    fields = {
        k: v for k, v in SMALL.as_json().items() if k in ("sigma", "tokens", "dims", "records")
    }
    found = drift.simulate(Drift(**fields, motion=tmp_path / "c.npy"), on="cpu")
    expected = drift.simulate(SMALL, on="cpu")
    np.testing.assert_array_equal(found.bits, expected.bits)
    assert [each.pairs for each in found.records] == [each.pairs for each in expected.records]
    assert found.final.radius == pytest.approx(expected.final.radius, rel=1e-6)


def test_files_of_every_kind_hold_the_same(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    h5py = pytest.importorskip("h5py")
    c = table()
    np.save("c.npy", np.asfortranarray(c))
    np.save("big.npy", c.astype(">f4"))
    save_file({"a": c, "b": 2 * c}, "c.safetensors")
    zarr.save_array("one.zarr", c)
    zarr.open_group("c.zarr", mode="w").create_array("inner/c", data=c)
    with h5py.File("c.h5", "w") as file:
        file["c"] = c
    text = str(Drift(**SHAPE, motion=c).motion)
    for motion, tensor in (
        ("c.npy", None),
        ("big.npy", None),
        ("c.safetensors", "a"),
        ("one.zarr", None),
        ("c.zarr/inner", None),
        ("c.zarr/inner", "c"),
        ("c.h5", None),
    ):
        d = Drift(**SHAPE, motion=motion, motion_tensor=tensor)
        assert d.steps == STEPS
        assert "sha256:" + d.motion.survey(tensor).sha256 == text
    for motion, tensor, message in (
        ("c.safetensors", None, "it holds a, b; --motion-tensor names one"),
        ("c.safetensors", "d", "it holds a, b, not d"),
        ("c.npy", "a", "motion_tensor is a with motion c.npy; a .npy file holds one array"),
        ("none.npy", None, "motion none.npy: there is no such file"),
    ):
        with pytest.raises(drift.BadInput, match=re.escape(message)):
            Drift(**SHAPE, motion=motion, motion_tensor=tensor)


BAD = {
    "another shape": (np.zeros((3, 5), "f4"), "has 5 dims in each step; dims is 6"),
    "a vector": (np.zeros(6, "f4"), "its shape is (6,); it must be (steps, dims)"),
    "no steps": (np.zeros((0, 6), "f4"), "its shape is (0, 6); it must be (steps, dims)"),
    "float64": (np.zeros((3, 6)), "it holds float64; it must hold float32"),
    "integers": (np.zeros((3, 6), "i4"), "it holds int32; it must hold float32"),
    "NaN": (np.array([[0] * 6, [0, 0, np.nan, 0, 0, 0]], "f4"), "holds nan at step 2, dim 2"),
    "too far": (np.full((4, 6), 1.699e38, "f4"), "step 2 takes a token to 3.4"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_file_that_is_no_motion_is_refused_in_a_line(case, tmp_path):
    array, message = BAD[case]
    np.save(tmp_path / "c.npy", array)
    with pytest.raises(drift.BadInput, match=re.escape(message)) as found:
        drift.simulate(Drift(**SHAPE, motion=tmp_path / "c.npy"), on="cpu")
    assert "\n" not in str(found.value)


def test_arrays_of_others_are_tables(tmp_path):
    c = table()
    expected = Drift(**SHAPE, motion=c)
    for given in (c.tolist(), c.astype(np.float64), zarr.create_array(tmp_path / "c.zarr", data=c)):
        assert Drift(**SHAPE, motion=given) == expected
    narrow = c.astype(ml_dtypes.bfloat16)
    assert Drift(**SHAPE, motion=narrow).motion == DisplacementTable.of(narrow.astype(np.float32))
    sent = pickle.loads(pickle.dumps(expected))
    np.testing.assert_array_equal(sent.motion.block(None, 0, STEPS), c)


def test_a_store_keeps_a_small_table_and_runs_again_without_its_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("c.npy", table())
    drift.run(Drift(**SHAPE, motion="c.npy"), "a.zarr", on="cpu")
    (tmp_path / "c.npy").unlink()
    store = drift.RunStore("a.zarr")
    assert store.drift.steps == STEPS
    drift.run(store.drift, "b.zarr", on="cpu")
    again = drift.RunStore("b.zarr")
    np.testing.assert_array_equal(again.read("bits"), store.read("bits"))
    np.testing.assert_array_equal(again.read("displacements"), table())


def test_a_run_does_not_go_on_with_another_table(tmp_path, monkeypatch):
    from tests.support.builders import Stop, stop_after

    monkeypatch.chdir(tmp_path)
    np.save("c.npy", table())
    d = Drift(**SHAPE, motion="c.npy")
    with pytest.raises(Stop):
        drift.run(d, "a.zarr", on="cpu", progress=stop_after(3))
    np.save("c.npy", 2 * table())
    with pytest.raises(drift.BadInput, match=r"was begun with another c\.npy than there is now"):
        drift.run(Drift(**SHAPE, motion="c.npy"), "a.zarr", on="cpu")


def test_displacements_that_lead_nowhere_have_no_radius(tmp_path):
    c = np.array([[0.5, 0, 0, 0, 0, 0], [-0.5, 0, 0, 0, 0, 0]], np.float32)
    found = drift.run(Drift(**SHAPE, motion=c), tmp_path / "a.zarr", on="cpu").as_json()
    assert found["final"]["radius"] is None
    assert drift.RunStore(tmp_path / "a.zarr").records()[-1].radius is None
