"""The optimizer of a training: PyTorch's stored numbers, and the formulas in NumPy, bit for bit."""

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest

from drift.experiments.training import optimizer
from drift.experiments.training.settings import KINDS, Settings
from drift.kernels.fma_jax import fma, quotient, square_root
from drift.sim.motions import arithmetic
from tests.sim.motions.test_optimizers import CASES, STORED
from tests.support import oracle, torch_optimizers

BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
TORCH = [name for name in CASES if name.startswith("adamw False")]


def f32(codes):
    """The values of codes of bfloat16, or of float32."""
    codes = np.asarray(codes)
    return codes.view(BFLOAT16).astype(np.float32) if codes.itemsize == 2 else codes.view("f4")


def course(of, p, gradients):
    """The weights after each step, of bfloat16 values p (n,) and gradients (steps, n)."""
    made = optimizer.arithmetic_of(of.arithmetic)
    every = optimizer.constants(of)
    step = jax.jit(lambda w, g, now, every: optimizer.update(w, g, now, every, made))
    weights, found = optimizer.begin(oracle.bits(p.astype(BFLOAT16)), of.arithmetic), []
    with jax.enable_x64(True):
        for t, g in enumerate(gradients, 1):
            now = jax.tree.map(lambda each: each[0], optimizer.scalars(of, t, t))
            weights = step(weights, g, now, every)
            found.append(jax.tree.map(np.asarray, weights))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("case", TORCH)
def test_nearest_is_what_pytorch_made(case):
    stored = np.load(STORED)
    p, gradients = ((stored[name].astype(np.uint32) << 16).view("f4") for name in ("p", "g"))
    fields, more = CASES[case]
    known = {name: fields[name] for name in ("lr", "beta1", "beta2")}
    of = Settings(
        **known, weight_decay=more["weight_decay"], lr_schedule="constant", warmup=0, steps=50
    )
    for after, (p_, m, v) in zip(course(of, p, gradients), stored[case], strict=True):
        np.testing.assert_array_equal(after.parameters, p_)
        np.testing.assert_array_equal(after.m, m)
        # PyTorch keeps what is smaller than any normal number, which devices treat differently.
        np.testing.assert_array_equal(after.v, np.where(v < 0x0080, 0, v))


def expected(of, p, gradients):
    """Values, compensations and moments after each step: the formulas, in NumPy."""
    q = arithmetic.rounding_to(optimizer.arithmetic_of(of.arithmetic).state)
    one = np.float32
    k, m, v = (np.zeros_like(p) for _ in range(3))
    eps = q(np.array([of.eps], one))[0]
    for t, g in enumerate(gradients, 1):
        c = optimizer.scalars(of, t, t)
        m = q(arithmetic.fma(one(1 - of.beta1), g - m, m))
        v = q(arithmetic.fma(one(1 - of.beta2) * g, g, q(v * one(of.beta2))))
        s = q(q(q(np.sqrt(v)) / c.root[0]) + eps)
        moved = oracle.small_to_zero(c.rate[0] * m / s)
        dims = np.arange(len(p), dtype=np.uint32)
        key = oracle.words(of.seed, 6, t + 1)[t]

        def random(key):
            return oracle.threefry(key, np.zeros_like(dims), dims)  # noqa: B023

        def to_state(y, words=None):
            if of.arithmetic == "master":
                return y
            kind = "stochastic" if of.arithmetic == "stochastic" else "nearest"
            return oracle.quantise(y, "bfloat16", kind, words).astype(one)

        if of.weight_decay:
            words = random(key ^ 0x9E3779B99E3779B9)
            p = to_state(p * one(1 - of.lr * of.weight_decay), words)
        if of.arithmetic == "kahan":
            k = q(k + moved)
            after = q(p + k)
            p, k = after, oracle.small_to_signed_zero(q(k + q(p - after)))
        else:
            p = to_state(p + moved, random(key))
        yield p, k, m, v


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_follows_the_formulas(kind):
    p, gradients = torch_optimizers.inputs(96, 12, seed=3)
    gradients[:, :2] = torch_optimizers.cut(np.float32(0.1) * gradients[:, 2:4])
    of = Settings(
        arithmetic=kind, lr=0.01, weight_decay=1.0, lr_schedule="constant", warmup=0, seed=11
    )
    moved = set()
    for after, (p_, k, m, v) in zip(
        course(of, p, gradients), expected(of, p, gradients), strict=True
    ):
        np.testing.assert_array_equal(f32(after.parameters), p_)
        np.testing.assert_array_equal(f32(after.m), m)
        np.testing.assert_array_equal(f32(after.v), v)
        if kind == "kahan":
            np.testing.assert_array_equal(f32(after.compensations), k)
            assert k.any()
        moved.add(after.parameters.tobytes())
    assert len(moved) == len(gradients)


def test_operations_round_once():
    rng = np.random.default_rng(2)
    a, b, c = (rng.standard_normal(3000).astype(np.float32) for _ in range(3))
    c *= np.exp2(rng.integers(-50, 50, 3000)).astype(np.float32)
    a[:500], b[:500] = 1 + np.float32(2**-23), 1 + np.float32(2**-23)
    c[:500] = np.exp2(rng.integers(22, 26, 500)) * rng.choice([-1, 1], 500)

    @jax.jit
    def all_of_them(a, b, c, zero):
        root = square_root(jnp.abs(a), zero)
        return fma(a, b, c, zero), quotient(a, b, zero), root, quotient(root, b, zero)

    with jax.enable_x64(True):
        found = all_of_them(a, b, c, np.uint32(0))
    root = np.sqrt(np.abs(a))
    for mine, theirs in zip(found, (arithmetic.fma(a, b, c), a / b, root, root / b), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_the_schedule_is_that_of_a_drift():
    of = Settings(lr=0.5, warmup=10, steps=110, lr_schedule="linear", beta1=0.0, weight_decay=0.2)
    found = optimizer.scalars(of, 1, 110)
    assert found.rate[[0, 9, 10]].tolist() == pytest.approx([-0.05, -0.5, -0.5])
    assert found.factor[9] == np.float32(1 - 0.1)
    assert optimizer.scalars(of, 41, 50).rate.tolist() == found.rate[40:50].tolist()
    assert optimizer.scalars(of, 41, 50).key.tolist() == found.key[40:50].tolist()
