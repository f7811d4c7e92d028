"""AdamW on a gradient of every parameter's own, bit for bit PyTorch's for-loop on a CPU.

Q rounds to the format of the moments, bfloat16 or, with masters, float32; g is a bfloat16, and
scalars are float32 (sim.motions.adamw):

    m <- Q(fma(1 - beta1, g - m, m))
    v <- Q(fma((1 - beta2) g, g, Q(v beta2)))
    s = Q(Q(Q(sqrt v) / root) + Q(eps));   c = (rate * m) / s
    p <- Q(p * factor), where weights decay;   p <- Q(p + c)

The last line is the step of a drift (kernels.stepping.step), with a displacement c of each
parameter's own: rounded to nearest, stochastically, compensated, or kept in float32. Magnitudes
that no device treats alike become zeros, as in a drift; moments below 2**-126 too.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from drift.experiments.training.settings import Kind, Settings
from drift.kernels.fma_jax import fma, quotient, square_root
from drift.kernels.formats import BFLOAT16, FLOAT32, SMALLEST_DISPLACEMENT, Arithmetic
from drift.kernels.rounding import quantise, widen
from drift.kernels.stepping import step as stepping
from drift.sim.matrix import nearest
from drift.sim.motions.adamw import step_scalars
from drift.sim.motions.learning_rate import learning_rates
from drift.sim.sampling.philox import Stream, words64


class TrainState(NamedTuple):
    """All parameters as they stand between two steps, codes (n,) each."""

    parameters: jax.Array
    """uint16, codes of bfloat16; of masters uint32, codes of float32"""
    compensations: jax.Array
    """uint16, codes of bfloat16; (0,) but for kahan"""
    m: jax.Array
    """the first moment, of the width of the parameters"""
    v: jax.Array
    """the second moment, likewise"""


class Constants(NamedTuple):
    """The scalars that all steps have in common, float32 () each."""

    new1: np.float32
    """1 - beta1"""
    new2: np.float32
    """1 - beta2"""
    kept2: np.float32
    """beta2"""
    eps: np.float32
    """eps, in the format of the moments"""
    zero: np.uint32
    """a 0 that no compiler knows to be 0"""


class Scalars(NamedTuple):
    """The scalars of steps, one for each of them."""

    rate: np.ndarray
    """float32: -lr / (1 - beta1**t)"""
    root: np.ndarray
    """float32: sqrt(1 - beta2**t)"""
    factor: np.ndarray
    """float32: 1 - lr * weight_decay; NO_DECAY where nothing decays"""
    key: np.ndarray
    """uint32 (…, 2): the key of the random words of stochastic rounding"""


def arithmetic_of(kind: Kind) -> Arithmetic:
    """Return the arithmetic of a step of this kind."""
    return Arithmetic(
        state=FLOAT32 if kind == "master" else BFLOAT16,
        rounding="stochastic" if kind == "stochastic" else "nearest",
        decay="rounded",
        kahan=kind == "kahan",
    )


def constants(of: Settings) -> Constants:
    """Return the scalars that all steps of a training have in common."""
    f32 = np.float32
    eps = np.array([of.eps], f32)
    if of.arithmetic != "master":
        eps = nearest(eps, BFLOAT16).view(BFLOAT16.dtype).astype(f32)
    return Constants(f32(1 - of.beta1), f32(1 - of.beta2), f32(of.beta2), eps[0], np.uint32(0))


def scalars(of: Settings, first: int, last: int) -> Scalars:
    """Return the scalars of steps `first` ... `last`."""
    rates = learning_rates(of, first, last)
    found = [
        step_scalars(float(rate), of.beta1, of.beta2, first + k) for k, rate in enumerate(rates)
    ]
    rate, root = np.array(found, np.float32).T
    factor = (1 - rates * of.weight_decay).astype(np.float32)
    if not of.weight_decay:
        factor[:] = stepping.NO_DECAY
    drawn = words64(of.seed, Stream.ROUNDING, first, last + 1 - first).astype("<u8", copy=False)
    return Scalars(rate, root, factor, drawn.view("<u4").reshape(-1, 2))


def begin(parameters: np.ndarray, kind: Kind) -> TrainState:
    """Return the weights before the first step, of `parameters`, codes of bfloat16 (n,)."""
    state = arithmetic_of(kind).state
    wide = parameters.view(BFLOAT16.dtype).astype(np.float32)
    codes = parameters if state == BFLOAT16 else wide.view(np.uint32)
    zeros = np.zeros(len(parameters), state.storage)
    held = zeros if kind == "kahan" else zeros[:0]
    return TrainState(*map(jnp.asarray, (codes, held, zeros, zeros)))


def seen(weights: TrainState, arithmetic: Arithmetic) -> jax.Array:
    """Return the parameters as the model sees them, codes of bfloat16 (n,)."""
    if arithmetic.state == BFLOAT16:
        return weights.parameters
    wide = widen(weights.parameters, arithmetic.state)
    return quantise(wide, BFLOAT16, "nearest").astype(jnp.uint16)


def update(
    weights: TrainState, gradient: jax.Array, now: Scalars, every: Constants, arithmetic: Arithmetic
) -> TrainState:
    """Return the weights after a step, whose `gradient` is float32 (n,) that is bfloat16."""
    state, zero = arithmetic.state, jnp.asarray(every.zero)

    def rounded(values: jax.Array) -> jax.Array:
        return widen(quantise(values, state, "nearest"), state)

    g, m, v = gradient, widen(weights.m, state), widen(weights.v, state)
    m = rounded(fma(every.new1, g - m, m, zero))
    v = rounded(fma(every.new2 * g, g, rounded(v * every.kept2), zero))
    s = rounded(quotient(rounded(square_root(v, zero)), now.root, zero))
    c = quotient(now.rate * m, rounded(s + every.eps), zero)
    c = jnp.where(jnp.abs(c) < np.float32(SMALLEST_DISPLACEMENT), np.float32(0), c)
    parameters, compensations = _moved(weights, c, now, zero, arithmetic)
    return TrainState(parameters, compensations, _codes(m, arithmetic), _codes(v, arithmetic))


def _moved(
    weights: TrainState, c: jax.Array, now: Scalars, zero: jax.Array, arithmetic: Arithmetic
) -> tuple[jax.Array, jax.Array]:
    """Return parameters and compensations after the step of a drift of one token, n dims."""
    one = jnp.zeros(1, jnp.uint32)
    tokens = stepping.Tokens(one, jnp.ones(1, jnp.float32), jnp.ones(1, bool))
    first = jnp.int32(0)
    key, factor = (jnp.asarray(each)[None] for each in (now.key, now.factor))
    steps = stepping.Steps(c[None], key, jnp.int32(1), zero, factors=factor)
    values = widen(weights.parameters, arithmetic.state)[None]
    if not arithmetic.kahan:
        moved = stepping.step(values, first, tokens, steps, arithmetic)
        return _codes(moved[0], arithmetic), weights.compensations
    held = stepping.Held(values, widen(weights.compensations, arithmetic.state)[None])
    after = stepping.compensated_step(held, first, tokens, steps, arithmetic)
    return _codes(after.values[0], arithmetic), _codes(after.compensations[0], arithmetic)


def _codes(values: jax.Array, arithmetic: Arithmetic) -> jax.Array:
    """Return codes of values of the state format; nothing is rounded."""
    return quantise(values, arithmetic.state, "nearest").astype(arithmetic.state.storage)
