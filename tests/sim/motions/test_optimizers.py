"""Optimizers: PyTorch's own numbers, bit for bit, whether it is here or has left a file."""

import re
from fractions import Fraction
from itertools import pairwise

import ml_dtypes
import numpy as np
import pytest

import drift
from drift.kernels.formats import FORMATS
from drift.sim.motions import gradient, optimizer
from drift.sim.motions.adamw import AdamWMotion
from drift.sim.motions.arithmetic import fma, rounding_to
from drift.sim.motions.make import motion_of
from drift.sim.motions.sgd import SGDMotion
from drift.sim.spec.drift import Drift
from tests.support.drifts import states
from tests.support.source_files import ROOT

STORED = ROOT / "tests/data/optimizers.npz"
"""What torch 2.14 made on a CPU: tests/support/torch_optimizers.py"""
SHAPE = {"sigma": 1e-3, "tokens": 9, "dims": 6, "steps": 30}
ADAMW = {**SHAPE, "motion": "adamw", "gradient": 0.5, "lr": 1e-2}
SGD = {**SHAPE, "motion": "sgd", "gradient": 0.5, "lr": 1e-2}
CASES = {
    **{
        f"adamw {fused} {beta1} {beta2} {decay}": (
            {"motion": "adamw", "lr": 1e-3, "beta1": beta1, "beta2": beta2},
            {"fused": fused, "weight_decay": decay},
        )
        for fused in (False, True)
        for beta1, beta2, decay in ((0.9, 0.999, 0.0), (0.9, 0.95, 0.1), (0.3, 0.5, 1.0))
    },
    **{
        f"sgd {fused} {momentum} {dampening} {nesterov}": (
            {"motion": "sgd", "lr": 0.0137, "momentum": momentum, "dampening": dampening},
            {"fused": fused, "nesterov": nesterov},
        )
        for fused in (False, True)
        for momentum, dampening, nesterov in (
            (0.0, 0.0, False), (0.9, 0.0, False), (0.9, 0.3, False), (0.9, 0.0, True),
        )
    },
}  # fmt: skip


def bits(values):
    return np.asarray(values, np.float32).view(np.uint32) >> 16


def course(case, p, gradients):
    """The values and the moments after each step, by drift's arithmetic, as bfloat16's bits."""
    fields = {**CASES[case][0], **CASES[case][1]}
    d = Drift(sigma=1.0, dims=len(p), steps=len(gradients), gradient=1.0, **fields)
    motion = (AdamWMotion if d.motion == "adamw" else SGDMotion)(d, np.ones(len(p)))
    rounded, moments, found = rounding_to(FORMATS["bfloat16"]), (), []
    for t, g in enumerate(gradients, 1):
        c, moments = motion.block(t, g[None], moments)
        factors = motion.factors(t, t)
        if factors is not None:
            p = p * factors[0] if d.fused else rounded(p * factors[0])
        p = rounded(p + c[0])
        found.append(bits(np.stack([p, *moments])))
    return np.stack(found)


@pytest.mark.parametrize("case", CASES)
def test_it_makes_what_pytorch_made(case):
    stored = np.load(STORED)
    p, gradients = ((stored[name].astype(np.uint32) << 16).view("f4") for name in ("p", "g"))
    np.testing.assert_array_equal(course(case, p, gradients), stored[case])


@pytest.mark.parametrize("case", CASES)
def test_it_makes_what_the_pytorch_that_is_here_makes(case):
    pytest.importorskip("torch")
    from tests.support import torch_optimizers

    p, gradients = torch_optimizers.inputs(256, 40, seed=7)
    expected = torch_optimizers.course(*CASES[case], p, gradients)
    np.testing.assert_array_equal(course(case, p, gradients), expected)


def test_fma_rounds_once():
    rng = np.random.default_rng(1)
    a, b, c = (rng.standard_normal(4000).astype(np.float32) for _ in range(3))
    c *= np.exp2(rng.integers(-60, 60, 4000)).astype(np.float32)
    # Products that are just beside a tie of the sum, and results among the subnormals.
    a[:1000], b[:1000] = 1 + np.float32(2**-23), 1 + np.float32(2**-23)
    c[:1000] = np.exp2(rng.integers(22, 26, 1000)) * rng.choice([-1, 1], 1000)
    a[1000:1500] *= np.float32(2**-70)
    b[1000:1500] *= np.float32(2**-72)
    c[1000:1500] *= np.float32(2**-80)
    for x, y, z, found in zip(a, b, c, fma(a, b, c), strict=True):
        exact = Fraction(float(x)) * Fraction(float(y)) + Fraction(float(z))
        assert found == nearest_float32(exact)


def nearest_float32(exact):
    """The float32 nearest to a fraction, ties to even, by its neighbours alone."""
    near = np.float32(float(exact))
    around = [near, np.nextafter(near, np.float32(np.inf)), np.nextafter(near, np.float32(-np.inf))]
    distances = [abs(Fraction(float(each)) - exact) for each in around]
    best = [each for each, far in zip(around, distances, strict=True) if far == min(distances)]
    return min(best, key=lambda each: int(each.view(np.uint32)) & 1)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("fields", [ADAMW, SGD], ids=["adamw", "sgd"])
def test_values_step_by_the_displacements_in_every_format(name, fields):
    d = Drift(**fields, format=name, state="float32", weight_decay=0.1)
    motion, kind = motion_of(d), np.dtype(getattr(ml_dtypes, name, None) or name)
    found = [codes for _, _, codes in states(d, engine="host")[1]]
    for t in range(1, d.steps + 1):
        x = found[t - 1].view(kind).astype(np.float32) * motion.factors(t, t)[0]
        x = x.astype(kind).astype(np.float32)
        expected = (x + motion.displacements(t, t)[0]).astype(kind)
        np.testing.assert_array_equal(found[t], expected.view(found[t].dtype))


def test_blocks_that_were_given_up_are_made_again(monkeypatch):
    d = Drift(**{**ADAMW, "steps": 1000}, autocorrelation=0.9, lr_schedule="cosine", warmup=50)
    whole = motion_of(d).displacements(1, 1000)
    monkeypatch.setattr(optimizer, "_KEPT_BYTES", 0)
    motion = motion_of(d)
    for first, last in ((900, 1000), (1, 3), (250, 700), (512, 513)):
        np.testing.assert_array_equal(motion.displacements(first, last), whole[first - 1 : last])
    some = np.array([4, 1])
    np.testing.assert_array_equal(motion.displacements(5, 300, some), whole[4:300, some])


def test_the_direction_walks_with_its_autocorrelation():
    d = Drift(sigma=1.0, dims=500, steps=5, motion="sgd", gradient=1.0, autocorrelation=0.8)
    u = np.full(500, 500**-0.5)
    walk = list(gradient.directions(d, u, 1, 5))
    assert [before @ after for before, after in pairwise(walk)] == [pytest.approx(0.8)] * 4
    np.testing.assert_array_equal(walk[0], u)
    later = list(gradient.directions(d, walk[2], 3, 5))
    np.testing.assert_array_equal(later[-1], walk[-1])
    assert not np.allclose(walk[1], list(gradient.directions(
        Drift(**{**d.as_json(), "direction_seed": 1}), u, 1, 2))[-1])  # fmt: skip
    alone = Drift(sigma=1.0, dims=1, steps=3, motion="sgd", gradient=1.0, autocorrelation=0.5)
    assert motion_of(alone).displacements(1, 3).shape == (3, 1)


def test_rates_and_sizes_are_those_of_their_formulas(tmp_path):
    x, w = 40, 10
    t = np.arange(1, x + 1)
    left = {
        "constant": np.ones(x),
        "linear": 1 - (t - w - 1) / (x - w),
        "cosine": (1 + np.cos(np.pi * (t - w - 1) / (x - w))) / 2,
    }
    for schedule, after in left.items():
        d = Drift(**{**ADAMW, "steps": x}, lr_schedule=schedule, warmup=w)
        rates = motion_of(d).rates(1, x)
        np.testing.assert_allclose(rates, 1e-2 * np.where(t <= w, t / w, after), rtol=1e-13)
    d = Drift(**{**ADAMW, "steps": x}, gradient_decay=0.9)
    np.testing.assert_allclose(gradient.sizes(d, 1, x), 0.5 * 0.9 ** (t - 1.0), rtol=1e-13)
    (tmp_path / "a.csv").write_text("size,step\n2.0,4\n0.125,16\n1,20\n")
    d = Drift(**{**ADAMW, "steps": x, "gradient": tmp_path / "a.csv"})
    found = gradient.sizes(d, 1, x)
    assert (found[:4] == 2).all()
    assert (found[15], *found[19:]) == (0.125, *[1.0] * 21)
    np.testing.assert_allclose(found[7], 0.5, rtol=1e-13)  # halfway, in both logarithms
    np.testing.assert_allclose(found[17], 0.125 * 8 ** (np.log(18 / 16) / np.log(20 / 16)))


CSV = {
    "no column": ("step,norm\n1,2\n", "its columns are step, norm; they must be step and size"),
    "nothing": ("", "its columns are none; they must be step and size"),
    "no row": ("step,size\n", "it holds no row"),
    "a word": ("step,size\n1,much\n", "line 2 is 1,much; it must hold a step and a size"),
    "falling": ("step,size\n5,1\n3,1\n", "step 3 follows step 5; steps must rise"),
    "equal": ("step,size\n5,1\n5,1\n", "step 5 follows step 5; steps must rise"),
    "zero": ("step,size\n5,0\n", "line 2 has step 5 and size 0; steps are 1 or more"),
    "step 0": ("step,size\n0,1\n", "line 2 has step 0 and size 1; steps are 1 or more"),
}


@pytest.mark.parametrize("case", CSV)
def test_a_csv_that_holds_no_sizes_is_refused_in_a_line(case, tmp_path):
    text, message = CSV[case]
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(drift.BadInput, match=re.escape(message)) as found:
        motion_of(Drift(**{**ADAMW, "gradient": str(tmp_path / "a.csv")})).displacements(1, 1)
    assert "\n" not in str(found.value)


REFUSED = {
    "no gradient": ({**ADAMW, "gradient": None}, "motion is adamw without a gradient"),
    "momentum": ({**ADAMW, "momentum": 0.9}, "momentum is 0.9 with motion adamw; that motion does"),
    "radius": ({**SGD, "radius": 1.0}, "radius is 1 with motion sgd; that motion does not use"),
    "beta1": ({**SGD, "beta1": 0.5}, "beta1 is 0.5 with motion sgd"),
    "warm-up": ({**SGD, "warmup": 31}, "warmup is 31; it must be in 0 ... 30, as steps is"),
    "decay": ({**SGD, "lr": 2.0, "weight_decay": 0.6}, "their product, is at most 1"),
    "nesterov": ({**SGD, "nesterov": True}, "it needs a momentum and no dampening"),
    "a beta of 1": ({**ADAMW, "beta2": 1.0}, "beta2 is 1; it must be 0 or more, and below 1"),
    "a schedule": ({**SGD, "schedule": "linear"}, "schedule is linear with motion sgd"),
    "a name": ({**SGD, "gradient": "much"}, "gradient is 'much'; it must be a number, or a .csv"),
    "no flag": ({**SGD, "fused": "yes"}, "fused is 'yes'; it must be True or False"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_makes_no_sense_is_refused(case):
    fields, message = REFUSED[case]
    with pytest.raises(drift.BadInput, match=re.escape(message)):
        Drift(**fields)


def test_what_is_not_finite_names_its_step_and_dimension():
    d = Drift(**{**ADAMW, "gradient": 1e-30}, eps=0.0, direction="axis")  # 0 / 0 elsewhere
    with pytest.raises(drift.BadInput, match="step 1 has a displacement of"):
        drift.simulate(d, on="cpu")


def test_saved_displacements_give_the_same_bits(tmp_path):
    d = Drift(**ADAMW, autocorrelation=0.95)
    np.save(tmp_path / "c.npy", motion_of(d).displacements(1, d.steps))
    again = drift.simulate(Drift(sigma=1e-3, tokens=9, dims=6, motion=tmp_path / "c.npy"), on="cpu")
    found = drift.simulate(d, on="cpu")
    np.testing.assert_array_equal(again.bits, found.bits)
    np.testing.assert_array_equal(again.direction, found.direction)
    assert again.records == found.records


def test_a_store_knows_the_gradient(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("step,size\n1,1\n30,0.1\n")
    d = Drift(**{**ADAMW, "gradient": "a.csv"}, direction=[1.0, 2, 3, 4, 5, 6])
    drift.run(d, "a.zarr", on="cpu")
    (tmp_path / "a.csv").unlink()
    store = drift.RunStore("a.zarr")
    assert store.drift == d
    drift.run(store.drift, "b.zarr", on="cpu")
    np.testing.assert_array_equal(drift.RunStore("b.zarr").read("bits"), store.read("bits"))
