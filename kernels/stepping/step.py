"""One step of the drift, as every engine's inner loop takes it.

    y = x + c                one IEEE float32 add
    y = x + float32(c * g)   with jitter, the product rounded before the add
    x <- Q(y)                to the state format

With noise f32(c + n) takes the place of c, n = float32(a * xi) rounded before it is added: a is the
step's amplitude, xi what a table has for the upper half of a random word of the coordinate's own.

Compensated (Kahan's) sums keep a compensation k of the state format beside each value:

    k <- N(k + c);  t = Q(x + k);  k <- N(k + N(x - t));  x <- t

N rounds to nearest whatever Q does, and magnitudes of k below 2**-103 become zeros of their sign.

Where values decay, x <- Q(float32(x * f)) before that, f the step's factor; fused, Q is left out
there, and all is rounded once. Magnitudes that are then too small become zeros of their sign.

x is carried as a float32 that is a value of the state format. Nothing is fused,
kept wider or re-associated: the result equals NumPy with ml_dtypes, bit for bit.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from drift.kernels.formats import FLOAT32, Arithmetic
from drift.kernels.rounding import quantise, widen
from drift.kernels.threefry import words

NO_DECAY = -1.0
"""The factor that leaves values as they are."""
DECAY_WORDS = 0x9E3779B9
"""The bits in which keys of a decay's random words differ from those of the step's own rounding."""
_SMALLEST_BITS = (127 - 103) << 23
_MINUS_ZERO = 1 << 31


class Held(NamedTuple):
    """The values of some rows and their compensations: as codes of the state format, or float32."""

    values: jax.Array
    """(rows, dims)"""
    compensations: jax.Array
    """(rows, dims)"""


class Tokens(NamedTuple):
    """The tokens in the rows of a chunk, each column (tiles, tile rows) or (rows,)."""

    number: jax.Array
    """uint32: the token's number in the cloud, of which its random words are a function"""
    strength: jax.Array
    """float32: the g that jitter multiplies displacements by"""
    present: jax.Array
    """bool: true for the rows that are observed; all move"""


class Noise(NamedTuple):
    """The noise of a block of steps."""

    amplitudes: jax.Array
    """float32 (block,): the a of each step"""
    keys: jax.Array
    """uint32 (block, 2): the keys of its random words"""
    table: jax.Array
    """float32 (2**16,): xi for each upper half of a word"""


class Steps(NamedTuple):
    """A block of steps, the same for all tokens."""

    displacements: jax.Array
    """float32 (block, dims): one row for each step"""
    keys: jax.Array
    """uint32 (block, 2): the keys of the random words of stochastic rounding"""
    taken: jax.Array
    """int32: how many of the block's steps are taken, 1 or more"""
    zero: jax.Array
    """uint32: a 0 that no compiler knows to be 0"""
    observed: jax.Array | np.bool_ = np.True_
    """bool: true where the cloud is observed after the last step"""
    factors: jax.Array | None = None
    """float32 (block,): what each step multiplies values by, NO_DECAY for nothing; None where the
    arithmetic has no decay"""
    noise: Noise | None = None
    """None where the arithmetic has no noise"""
    first_dim: jax.Array | None = None
    """uint32: the number of the first dim here, where devices share the dims; None for 0"""


def step(
    values: jax.Array, t: jax.Array, tokens: Tokens, steps: Steps, arithmetic: Arithmetic
) -> jax.Array:
    """Take step `t` of the block: float32 `values` (rows, dims) of the state format."""
    displacement, random = _displacement(values.shape[1], t, tokens, steps, arithmetic)
    left = _decayed_at(values, t, tokens, steps, arithmetic)
    moved = quantise(left + displacement, arithmetic.state, arithmetic.rounding, random)
    after = widen(moved, arithmetic.state)
    return jnp.where(jnp.isnan(displacement), values, after) if arithmetic.noise else after


def compensated_step(
    held: Held, t: jax.Array, tokens: Tokens, steps: Steps, arithmetic: Arithmetic
) -> Held:
    """Take step `t` of the block: values and compensations of the state format."""
    displacement, random = _displacement(held.values.shape[1], t, tokens, steps, arithmetic)
    left = _decayed_at(held.values, t, tokens, steps, arithmetic)
    state, zero = arithmetic.state, steps.zero

    def nearest(values: jax.Array) -> jax.Array:
        return widen(quantise(values, state, "nearest"), state)

    pending = _without_small(nearest(held.compensations + displacement))
    moved = widen(quantise(left + pending, state, arithmetic.rounding, random), state)
    # x - (x + k) is no -k here: nothing may see through the sum, float32's above all.
    seen = lax.bitcast_convert_type(lax.bitcast_convert_type(moved, jnp.uint32) ^ zero, jnp.float32)
    kept = _without_small(nearest(pending + nearest(left - seen)))
    stays = jnp.isnan(displacement)
    return Held(jnp.where(stays, held.values, moved), jnp.where(stays, held.compensations, kept))


def _without_small(values: jax.Array) -> jax.Array:
    """Return `values` with zeros of their sign for those that are too small for a drift."""
    bits = lax.bitcast_convert_type(values, jnp.uint32)
    too_small = (bits & jnp.uint32(_MINUS_ZERO - 1)) < jnp.uint32(_SMALLEST_BITS)
    bits = jnp.where(too_small, bits & jnp.uint32(_MINUS_ZERO), bits)
    return lax.bitcast_convert_type(bits, jnp.float32)


def _displacement(
    dims: int, t: jax.Array, tokens: Tokens, steps: Steps, arithmetic: Arithmetic
) -> tuple[jax.Array, jax.Array | None]:
    """Return the displacements of step `t`, (1 or rows, dims), and its stochastic rounding's words.

    Of a NaN, which is to change no bit where noise or a compensation would, a NaN remains.
    """
    displacement = lax.dynamic_index_in_dim(steps.displacements, t)
    if arithmetic.jitter:
        displacement = jittered(displacement, tokens.strength[:, None], steps.zero)
    if arithmetic.noise:
        assert steps.noise is not None, "noise has amplitudes"
        displacement = displacement + _noise_at(dims, t, tokens, steps.noise, steps)
    if arithmetic.rounding != "stochastic":
        return displacement, None
    key = lax.dynamic_index_in_dim(steps.keys, t, keepdims=False)
    return displacement, words(key, tokens.number, dims, steps.first_dim)


def _noise_at(dims: int, t: jax.Array, tokens: Tokens, noise: Noise, steps: Steps) -> jax.Array:
    """Return the noise of every coordinate at step `t`, float32 (rows, dims)."""
    key = lax.dynamic_index_in_dim(noise.keys, t, keepdims=False)
    which = words(key, tokens.number, dims, steps.first_dim) >> jnp.uint32(16)
    xi = noise.table.at[which.astype(jnp.int32)].get(mode="promise_in_bounds")
    amplitude = lax.dynamic_index_in_dim(noise.amplitudes, t, keepdims=False)
    # As in `jittered`: nothing may fuse the product into the sum that follows.
    bits = lax.bitcast_convert_type(amplitude * xi, jnp.uint32) ^ steps.zero
    return _without_small(lax.bitcast_convert_type(bits, jnp.float32))


def _decayed_at(
    values: jax.Array, t: jax.Array, tokens: Tokens, steps: Steps, arithmetic: Arithmetic
) -> jax.Array:
    """Return what the decay of step `t` leaves of `values`, all of them without one."""
    if arithmetic.decay == "none":
        return values
    assert steps.factors is not None, "a decay has factors"
    factor = lax.dynamic_index_in_dim(steps.factors, t, keepdims=False)
    random = None
    if arithmetic.rounding == "stochastic":
        key = lax.dynamic_index_in_dim(steps.keys, t, keepdims=False)
        own = key ^ jnp.uint32(DECAY_WORDS)
        random = words(own, tokens.number, values.shape[1], steps.first_dim)
    return decayed(values, factor, steps.zero, arithmetic, random)


def decayed(
    values: jax.Array,
    factor: jax.Array,
    zero: jax.Array,
    arithmetic: Arithmetic,
    random: jax.Array | None,
) -> jax.Array:
    """Return float32 `values` times a `factor`, rounded as `arithmetic` says: its decay.

    `random` words are used by stochastic rounding alone.
    """
    state = arithmetic.state
    # As in `jittered`: nothing may fuse the product into what follows.
    bits = lax.bitcast_convert_type(values * factor, jnp.uint32) ^ zero
    smallest = FLOAT32.smallest_drawn
    if arithmetic.decay == "rounded":
        product = lax.bitcast_convert_type(bits, jnp.float32)
        rounded = widen(quantise(product, state, arithmetic.rounding, random), state)
        bits, smallest = lax.bitcast_convert_type(rounded, jnp.uint32), state.smallest_drawn
    least = jnp.uint32(np.float32(smallest).view(np.uint32))
    too_small = (bits & jnp.uint32(_MINUS_ZERO - 1)) < least
    bits = jnp.where(too_small, bits & jnp.uint32(_MINUS_ZERO), bits)
    left = lax.bitcast_convert_type(bits, jnp.float32)
    return jnp.where(factor == np.float32(NO_DECAY), values, left)


def jittered(displacement: jax.Array, strength: jax.Array, zero: jax.Array) -> jax.Array:
    """Return float32(c * g), of shapes that broadcast, rounded before anything is added to it.

    A product that is too small is +0; that of c = -0, which is to change no bit, is -0.
    """
    # Compilers fuse the product into the add that follows unless something stands between
    # that they cannot see through: here an XOR with a zero known only when the program runs
    # (an optimization barrier was not enough in jax 0.10).
    bits = lax.bitcast_convert_type(displacement * strength, jnp.uint32) ^ zero
    too_small = (bits & jnp.uint32(0x7FFFFFFF)) < jnp.uint32(_SMALLEST_BITS)
    asked = lax.bitcast_convert_type(displacement, jnp.uint32)
    least = jnp.where(asked == jnp.uint32(_MINUS_ZERO), asked, jnp.uint32(0))
    return lax.bitcast_convert_type(jnp.where(too_small, least, bits), jnp.float32)
