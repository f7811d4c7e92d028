"""A small language model, in the format of its parameters: two layers, two heads, tied embeddings.

Of tokens x_1 ... x_L, with W the embeddings (vocabulary, DIMS) and P the positions (length, DIMS):

    r = W[x] + P
    r <- r + attention(norm(r)) ;  r <- r + (gelu(norm(r) A) B)     for each of the layers
    h = norm(r) ;  logits = h W^T ;  loss = mean of -log softmax(logits)[next token]

    norm(r)       gain * (r - mean) / sqrt(variance + 1e-5) + bias
    attention(r)  q, k, v = r Q, of HEADS parts each; softmax(q k^T / sqrt(part)) v, not of later
                  tokens; all parts together times O

Every parameter, activation and gradient is of one format, bfloat16 in training. What sums up within
an operation (a product of matrices, a norm, a softmax, the rows of W's gradient) is summed in
float32 and rounded once, as accelerators do it. With float64 parameters all of it is float64.

dead  of a token: it never occurs. Only the softmax moves its row, by the mean of p * h, where p is
      its probability: nearly the same h for all dead tokens
"""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

LAYERS, HEADS, DIMS, WIDTH = 2, 2, 64, 4
"""Layers, heads of attention, dimensions of a token, and the inner layer's times these."""
_EPS = 1e-5
_LAYER = {
    "gain1": (DIMS,),
    "bias1": (DIMS,),
    "qkv": (DIMS, 3 * DIMS),
    "out": (DIMS, DIMS),
    "gain2": (DIMS,),
    "bias2": (DIMS,),
    "up": (DIMS, WIDTH * DIMS),
    "down": (WIDTH * DIMS, DIMS),
}

Parameters = dict[str, jax.Array]
"""The parameters by their names."""


class Seen(NamedTuple):
    """The outcome of a batch."""

    loss: jax.Array
    """the mean over its tokens, float32 ()"""
    hidden: jax.Array
    """the mean of h, float32 (DIMS,)"""


def shapes(vocabulary: int, length: int) -> dict[str, tuple[int, ...]]:
    """Return the shape of each parameter; the embeddings come first."""
    found: dict[str, tuple[int, ...]] = {"W": (vocabulary, DIMS), "P": (length, DIMS)}
    for layer in range(LAYERS):
        found |= {f"{name}.{layer}": shape for name, shape in _LAYER.items()}
    return {**found, "gain": (DIMS,), "bias": (DIMS,)}


def size(vocabulary: int, length: int) -> int:
    """Return the number of all parameters together."""
    return sum(math.prod(shape) for shape in shapes(vocabulary, length).values())


def deviation(name: str, sigma: float) -> float | None:
    """Return the standard deviation that a parameter begins with; None where it is constant.

    Of the embeddings it is `sigma`, of a matrix (n, m) 1 / sqrt(n), less where it ends a layer.
    """
    kind = name.partition(".")[0]
    if kind == "W":
        return sigma
    if kind == "P":
        return 0.02
    if len(_LAYER.get(kind, ())) < 2:
        return None
    return 1 / math.sqrt(_LAYER[kind][0] * (2 * LAYERS if kind in ("out", "down") else 1))


def unflatten(flat: jax.Array, vocabulary: int, length: int) -> Parameters:
    """Return the parameters that stand one after another in `flat` (size,)."""
    found, at = {}, 0
    for name, shape in shapes(vocabulary, length).items():
        end = at + math.prod(shape)
        found[name] = flat[at:end].reshape(shape)
        at = end
    return found


def loss(of: Parameters, tokens: jax.Array) -> tuple[jax.Array, Seen]:
    """Return the loss of a batch of `tokens`, int32 (batch, length + 1), and what was seen."""
    before, after = tokens[:, :-1], tokens[:, 1:]
    h = hidden(of, before)
    logits = _product(h, of["W"].T)
    # Less the largest: only differences count, and their exponentials stay within reach.
    wide = _wide(logits)
    wide = wide - lax.stop_gradient(wide.max(axis=-1, keepdims=True))
    chosen = jnp.take_along_axis(wide, after[..., None], axis=-1)[..., 0]
    each = jnp.log(jnp.exp(wide).sum(axis=-1)) - chosen
    found = each.mean()
    return found, Seen(found, _wide(h).mean(axis=(0, 1)))


def hidden(of: Parameters, tokens: jax.Array) -> jax.Array:
    """Return h of each token, (batch, length, DIMS)."""
    kind = of["W"].dtype
    # By way of float32 the gradients of a token's occurrences are summed there, and rounded once.
    r = _wide(of["W"])[tokens].astype(kind) + of["P"][None]
    for layer in range(LAYERS):
        own = {name: of[f"{name}.{layer}"] for name in _LAYER}
        r = r + _attention(_norm(r, own["gain1"], own["bias1"]), own)
        inner = _product(_norm(r, own["gain2"], own["bias2"]), own["up"])
        r = r + _product(_gelu(inner), own["down"])
    return _norm(r, of["gain"], of["bias"])


def _attention(r: jax.Array, own: Parameters) -> jax.Array:
    batch, length, dims = r.shape
    parts = _product(r, own["qkv"]).reshape(batch, length, 3, HEADS, dims // HEADS)
    q, k, v = (jnp.swapaxes(parts[:, :, each], 1, 2) for each in range(3))
    scores = _wide(_product(q, jnp.swapaxes(k, -1, -2))) * _number(1 / math.sqrt(dims // HEADS), q)
    later = jnp.asarray(np.triu(np.ones((length, length), bool), 1))[None, None]
    weights = jax.nn.softmax(jnp.where(later, _number(-1e30, q), scores), axis=-1)
    mixed = jnp.swapaxes(_product(weights.astype(r.dtype), v), 1, 2)
    return _product(mixed.reshape(batch, length, dims), own["out"])


def _norm(r: jax.Array, gain: jax.Array, bias: jax.Array) -> jax.Array:
    wide = _wide(r)
    apart = wide - wide.mean(axis=-1, keepdims=True)
    scale = lax.rsqrt((apart * apart).mean(axis=-1, keepdims=True) + _number(_EPS, r))
    return (apart * scale * _wide(gain)[None, None] + _wide(bias)[None, None]).astype(r.dtype)


def _gelu(r: jax.Array) -> jax.Array:
    return jax.nn.gelu(_wide(r), approximate=True).astype(r.dtype)


def _product(a: jax.Array, b: jax.Array) -> jax.Array:
    """Return the product of matrices, its sums in float32 at least, rounded once."""
    wide = _wide_type(a)
    return jnp.matmul(a, b, preferred_element_type=wide).astype(a.dtype)


def _wide(values: jax.Array) -> jax.Array:
    return values.astype(_wide_type(values))


def _wide_type(values: jax.Array) -> np.dtype:
    """Return the type in which sums are made."""
    return np.dtype(np.float64 if values.dtype == np.float64 else np.float32)


def _number(value: float, like: jax.Array) -> jax.Array:
    return jnp.asarray(value, _wide_type(like))
