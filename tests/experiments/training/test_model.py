"""The model beside a plain one in NumPy and float64: its loss, and its gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from drift.experiments.training import model, steps
from drift.experiments.training.settings import Settings
from drift.kernels.formats import BFLOAT16
from drift.sim.matrix import values

QUICKLY = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}
"""Options of the compiler, which otherwise takes most of the time."""
OF = Settings(vocabulary=24, dead=0.25, batch=2, length=5, sigma=0.5, seed=3)


def parameters():
    """The first parameters by their names, float64, with norms that are not all alike."""
    flat = values(steps.first_parameters(OF), BFLOAT16).astype(np.float64)
    found, at = {}, 0
    rng = np.random.default_rng(8)
    for name, shape in model.shapes(OF.vocabulary, OF.length).items():
        count = int(np.prod(shape))
        found[name] = flat[at : at + count].reshape(shape)
        if model.deviation(name, OF.sigma) is None:
            found[name] = found[name] + 0.25 * rng.integers(-2, 3, shape)
        at += count
    return found


TOKENS = np.random.default_rng(4).integers(0, OF.live, (OF.batch, OF.length + 1))


def norm(r, gain, bias):
    mean = r.mean(axis=-1, keepdims=True)
    variance = ((r - mean) ** 2).mean(axis=-1, keepdims=True)
    return gain * (r - mean) / np.sqrt(variance + 1e-5) + bias


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def hidden(p, sequence):
    """h of each token of one sequence, (length, dims)."""
    r = p["W"][sequence] + p["P"]
    length, part = len(sequence), model.DIMS // model.HEADS
    for layer in range(model.LAYERS):
        x = norm(r, p[f"gain1.{layer}"], p[f"bias1.{layer}"]) @ p[f"qkv.{layer}"]
        heads = []
        for head in range(model.HEADS):
            q, k, v = (x[:, kind * model.DIMS + head * part :][:, :part] for kind in range(3))
            scores = q @ k.T / np.sqrt(part)
            scores[np.triu_indices(length, 1)] = -np.inf
            heads.append(softmax(scores) @ v)
        r = r + np.concatenate(heads, axis=1) @ p[f"out.{layer}"]
        x = norm(r, p[f"gain2.{layer}"], p[f"bias2.{layer}"]) @ p[f"up.{layer}"]
        bent = 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
        r = r + bent @ p[f"down.{layer}"]
    return norm(r, p["gain"], p["bias"])


def loss(p):
    """The loss of TOKENS."""
    found = []
    for sequence in TOKENS:
        chances = softmax(hidden(p, sequence[:-1]) @ p["W"].T)
        found += [-np.log(chances[k, token]) for k, token in enumerate(sequence[1:])]
    return np.mean(found)


@pytest.fixture(scope="module")
def wide():
    """The loss, what was seen and the gradient of the model itself, in float64."""
    with jax.enable_x64(True):
        given = {name: jnp.asarray(each) for name, each in parameters().items()}
        step = jax.jit(jax.value_and_grad(model.loss, has_aux=True), compiler_options=QUICKLY)
        (found, seen), gradient = step(given, jnp.asarray(TOKENS, jnp.int32))
        return float(found), seen, {name: np.asarray(gradient[name]) for name in given}


@pytest.mark.slow
def test_the_loss_is_that_of_the_plain_model(wide):
    found, seen, _ = wide
    p = parameters()
    assert found == pytest.approx(loss(p), rel=1e-12)
    h = np.concatenate([hidden(p, sequence[:-1]) for sequence in TOKENS])
    np.testing.assert_allclose(seen.hidden, h.mean(axis=0), atol=1e-12)


@pytest.mark.slow
def test_gradients_are_those_of_the_plain_model(wide):
    _, _, gradient = wide
    p, rng = parameters(), np.random.default_rng(9)
    for name in p:
        for _ in range(3):
            along = rng.standard_normal(p[name].shape)
            ends = [loss({**p, name: p[name] + sign * 1e-5 * along}) for sign in (1, -1)]
            expected = (ends[0] - ends[1]) / 2e-5
            assert (gradient[name] * along).sum() == pytest.approx(expected, rel=1e-6, abs=1e-9)


@pytest.mark.slow
def test_a_dead_token_is_moved_by_its_probability_times_h(wide):
    p, moved = parameters(), np.zeros(model.DIMS)
    for sequence in TOKENS:
        h = hidden(p, sequence[:-1])
        moved += softmax(h @ p["W"].T)[:, -1] @ h / TOKENS[:, 1:].size
    np.testing.assert_allclose(wide[2]["W"][-1], moved, atol=1e-12)


@pytest.mark.slow
def test_in_bfloat16_gradients_are_the_same_but_for_roundings(wide):
    codes = np.concatenate(
        [each.astype(BFLOAT16.dtype).view(np.uint16).ravel() for each in parameters().values()]
    )
    step = jax.jit(steps.gradient, static_argnums=(2, 3), compiler_options=QUICKLY)
    found, seen = step(jnp.asarray(codes), jnp.asarray(TOKENS, jnp.int32), OF.vocabulary, OF.length)
    bits = np.asarray(found).view(np.uint32)
    assert not (bits & 0xFFFF).any()  # values of bfloat16
    assert float(seen.loss) == pytest.approx(wide[0], rel=0.02)
    expected = np.concatenate([each.ravel() for each in wide[2].values()])
    apart = np.linalg.norm(np.asarray(found) - expected) / np.linalg.norm(expected)
    assert apart < 0.05
