"""Many steps as one program: batches in, weights, losses and mean hidden states out.

The program is compiled for the shapes and the kind of arithmetic, not for rates or seeds. The same
program on the same machine gives the same bits; on a GPU it is asked for sums in a fixed order.
"""

from functools import cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from drift.experiments.training import model, optimizer
from drift.experiments.training.optimizer import Constants, Scalars, TrainState
from drift.experiments.training.settings import Kind, Settings
from drift.kernels.formats import BFLOAT16, Arithmetic
from drift.kernels.rounding import widen
from drift.sim.matrix import float32_of, nearest
from drift.sim.sampling.normal import gaussian
from drift.sim.sampling.philox import Stream, words64

_OPTIONS: dict[str, dict[str, bool | int]] = {"gpu": {"xla_gpu_deterministic_ops": True}}
"""Options of the compiler, by platform: on a GPU sums in a fixed order, and no trials of what is
fastest, which may choose another order the next time."""


def first_parameters(of: Settings) -> np.ndarray:
    """Return the parameters before the first step, codes of bfloat16 (n,): Q(deviation * Z)."""
    found, at = [], 0
    for name, shape in model.shapes(of.vocabulary, of.length).items():
        count, deviation = int(np.prod(shape)), model.deviation(name, of.sigma)
        if deviation is None:
            values = np.full(count, float(name.startswith("gain")), np.float32)
        else:
            drawn = gaussian(words64(of.seed, Stream.PARAMETERS, at, count))
            values = float32_of(deviation * drawn, exactly=False)
        small = np.abs(values) < BFLOAT16.smallest_drawn
        found.append(nearest(np.where(small, np.float32(0), values), BFLOAT16))
        at += count
    return np.concatenate(found)


def gradient(
    codes: jax.Array, tokens: jax.Array, vocabulary: int, length: int
) -> tuple[jax.Array, model.Seen]:
    """Return the gradient, float32 (n,) that is bfloat16, at parameters `codes`, and what was seen.

    `tokens` is int32 (batch, length + 1).
    """
    flat = lax.bitcast_convert_type(codes, jnp.bfloat16)
    of = model.unflatten(flat, vocabulary, length)
    found, what = jax.grad(model.loss, has_aux=True)(of, tokens)
    joined = jnp.concatenate([found[name].ravel() for name in model.shapes(vocabulary, length)])
    # By way of its bits, so that no compiler leaves a gradient wider than it is.
    bits = lax.bitcast_convert_type(joined, jnp.uint16)
    return widen(bits, BFLOAT16), what


def take(of: Settings, weights: TrainState, tokens: np.ndarray, now: Scalars) -> Any:
    """Return the weights after some steps, W's codes as the model sees them, and what was seen.

    `tokens` is int32 (steps, batch, length + 1).
    """
    (device,) = weights.parameters.devices()
    program = _program(of.arithmetic, of.vocabulary, of.length, device.platform)
    with jax.enable_x64(True):  # for kernels.fma_jax
        return program(weights, tokens, now, optimizer.constants(of))


def first_rows(of: Settings, weights: TrainState) -> np.ndarray:
    """Return W's codes as the model sees them before the first step, (vocabulary, DIMS)."""
    codes = np.asarray(optimizer.seen(weights, optimizer.arithmetic_of(of.arithmetic)))
    return codes[: of.vocabulary * model.DIMS].reshape(of.vocabulary, model.DIMS)


@cache
def _program(kind: Kind, vocabulary: int, length: int, platform: str) -> Any:
    arithmetic = optimizer.arithmetic_of(kind)
    run = partial(_take, arithmetic, vocabulary, length)
    return jax.jit(run, donate_argnums=0, compiler_options=_OPTIONS.get(platform))


def _take(
    arithmetic: Arithmetic,
    vocabulary: int,
    length: int,
    weights: TrainState,
    tokens: jax.Array,
    now: Scalars,
    every: Constants,
) -> tuple[TrainState, jax.Array, model.Seen]:
    def one(before: TrainState, given: tuple[jax.Array, Scalars]) -> tuple[TrainState, model.Seen]:
        batch, scalars = given
        codes = optimizer.seen(before, arithmetic)
        g, what = gradient(codes, batch, vocabulary, length)
        return optimizer.update(before, g, scalars, every, arithmetic), what

    after, what = lax.scan(one, weights, (tokens, now))
    rows = optimizer.seen(after, arithmetic)[: vocabulary * model.DIMS]
    return after, rows.reshape(vocabulary, model.DIMS), what
