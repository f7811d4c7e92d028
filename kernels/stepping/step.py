"""One step of the drift, as every engine's inner loop takes it.

    y = x + c                one IEEE float32 add
    y = x + float32(c * g)   with jitter, the product rounded before the add
    x <- Q(y)                to the state format

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


class Tokens(NamedTuple):
    """The tokens in the rows of a chunk, each column (tiles, tile rows) or (rows,)."""

    number: jax.Array
    """uint32: the token's number in the cloud, of which its random words are a function"""
    strength: jax.Array
    """float32: the g that jitter multiplies displacements by"""
    present: jax.Array
    """bool: true for the rows that are observed; all move"""


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


def step(
    values: jax.Array, t: jax.Array, tokens: Tokens, steps: Steps, arithmetic: Arithmetic
) -> jax.Array:
    """Take step `t` of the block: float32 `values` (rows, dims) of the state format."""
    displacement = lax.dynamic_index_in_dim(steps.displacements, t)
    if arithmetic.jitter:
        displacement = jittered(displacement, tokens.strength[:, None], steps.zero)
    random = key = None
    if arithmetic.rounding == "stochastic":
        key = lax.dynamic_index_in_dim(steps.keys, t, keepdims=False)
        random = words(key, tokens.number, values.shape[1])
    if arithmetic.decay != "none":
        assert steps.factors is not None, "a decay has factors"
        factor = lax.dynamic_index_in_dim(steps.factors, t, keepdims=False)
        mine = (
            None
            if key is None
            else words(key ^ jnp.uint32(DECAY_WORDS), tokens.number, values.shape[1])
        )
        values = decayed(values, factor, steps.zero, arithmetic, mine)
    moved = quantise(values + displacement, arithmetic.state, arithmetic.rounding, random)
    return widen(moved, arithmetic.state)


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
