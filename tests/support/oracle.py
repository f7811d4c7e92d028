"""An independent simulation: NumPy and ml_dtypes, slow and readable.

It shares no code with the packages it judges: words come from one sequential
Philox stream, values from the inverse of the normal distribution of Python's
statistics module, roundings from ml_dtypes and from a table of a format's finite
values, cells from sets of byte strings. A drift `d` is anything with the fields
of drift.Drift.
"""

import json
import math
from collections import Counter
from functools import cache
from statistics import NormalDist

import ml_dtypes
import numpy as np

CLOUD, CLOUD_LOW, DIRECTION, JITTER, SURVIVORS, ROUNDING, NOISE, CENTRE = 1, 2, 3, 4, 5, 6, 8, 9


def dtype(name):
    """The array type of a format."""
    return np.dtype(getattr(ml_dtypes, name, None) or name)


def precision(name):
    return ml_dtypes.finfo(dtype(name)).nmant + 1


def bits(x):
    """The codes of an array of a format's type."""
    return x.view(f"u{x.dtype.itemsize}")


@cache
def magnitudes(name):
    """All finite non-negative values of a format of 16 bits or fewer, rising, float64."""
    width = 4 if "float4" in name else 8 * dtype(name).itemsize
    codes = np.arange(1 << (width - 1)).astype(f"u{dtype(name).itemsize}")
    with np.errstate(invalid="ignore"):
        values = codes.view(dtype(name)).astype(np.float64)
    return np.sort(values[np.isfinite(values)])


def quantise(y, name, rounding, words=None):
    """float32 `y` rounded to a format, as an array of its type."""
    if rounding == "nearest" or name == "float32":
        return y.astype(dtype(name))
    table, size = magnitudes(name), np.abs(y).astype(np.float64)
    at = np.searchsorted(table, size, side="right") - 1
    low, high = table[at], table[np.minimum(at + 1, len(table) - 1)]
    if rounding == "stochastic":
        with np.errstate(invalid="ignore"):
            fraction = np.where(high > low, (size - low) / (high - low), 0.0)
        low = np.where(words < fraction * 2.0**32, high, low)
    return np.copysign(low, y).astype(dtype(name))


def words(seed, stream, count):
    """The first `count` 64-bit words of a stream."""
    key = np.array([seed, stream], np.uint64)
    return [int(w) for w in np.random.Philox(key=key).random_raw(count)]


def halves(seed, stream, count):
    """The same as 32-bit words, low half first."""
    both = words(seed, stream, (count + 1) // 2)
    return [half for w in both for half in (w & 0xFFFFFFFF, w >> 32)][:count]


def normal(word, tail_bits=63):
    """A signed standard normal number from a 64-bit word."""
    tail = (((word & (2**63 - 1)) >> (63 - tail_bits)) + 0.5) / 2 ** (tail_bits + 1)
    return math.copysign(-NormalDist().inv_cdf(tail), -1 if word >> 63 else 1)


def threefry(key, token, dim):
    """The first word of Threefry-2x32-20; key a 64-bit word, counters arrays of uint32."""
    k = [np.uint32(key & 0xFFFFFFFF), np.uint32(key >> 32)]
    k.append(k[0] ^ k[1] ^ np.uint32(0x1BD11BDA))
    a, b = token + k[0], dim + k[1]
    for n in range(20):
        r = (13, 15, 26, 6, 17, 29, 16, 24)[n % 8]
        a = a + b
        b = ((b << np.uint32(r)) | (b >> np.uint32(32 - r))) ^ a
        if n % 4 == 3:
            s = n // 4 + 1
            a, b = a + k[s % 3], b + k[(s + 1) % 3] + np.uint32(s)
    return a


def centre(d):
    """The vector around which a cloud is drawn, float64 (dims,)."""
    if d.centre is None:
        return np.zeros(d.dims)
    if d.centre.startswith("random:"):
        z = np.array([normal(w, 53) for w in words(d.seed, CENTRE, d.dims)])
        return float(d.centre[7:]) * (z / math.sqrt(math.fsum(x * x for x in z)))
    return d.centre.values if hasattr(d.centre, "values") else np.load(d.centre)


def laplace(word):
    """A signed number of Laplace's distribution, of variance 1, from a 64-bit word."""
    share = ((word & (2**63 - 1)) + 0.5) / 2**63
    return math.copysign(-math.log(share) / math.sqrt(2), -1 if word >> 63 else 1)


def cloud_around(d):
    """Q(centre + sigma * Z), rounded once, in the format's type, (tokens, dims)."""
    count, name = d.tokens * d.dims, d.format
    number = normal if d.shape == "normal" else laplace
    if name == "float32":
        every = words(d.seed, CLOUD, count)
    else:
        pairs = zip(halves(d.seed, CLOUD, count), halves(d.seed, CLOUD_LOW, count), strict=True)
        every = [high << 32 | low for high, low in pairs]
    z = np.array([number(w) for w in every]).reshape(d.tokens, d.dims)
    exact = centre(d) + z * d.sigma
    if name == "float32":
        values = exact.astype(np.float32).astype(np.float64)
    else:
        table = magnitudes(name)
        signed = np.concatenate([-table[:0:-1], table])
        values = signed[np.searchsorted((signed[1:] + signed[:-1]) / 2, exact)]
    p = 24 if d.master == "float32" else precision(name)
    values[np.abs(values) < 2.0 ** (p - 127)] = 0.0
    return values.astype(dtype(name))


def cloud(d):
    """Q(sigma * Z) in the format's type, (tokens, dims)."""
    if d.centre is not None or d.shape != "normal":
        return cloud_around(d)
    count, name = d.tokens * d.dims, d.format
    if name == "float32":
        z = [normal(w, 53) for w in words(d.seed, CLOUD, count)]
        values = (np.array(z) * d.sigma).astype(np.float32).astype(np.float64)
    else:
        pairs = zip(halves(d.seed, CLOUD, count), halves(d.seed, CLOUD_LOW, count), strict=True)
        exact = np.array([normal(high << 32 | low) for high, low in pairs]) * d.sigma
        table = magnitudes(name)
        rank = np.searchsorted((table[1:] + table[:-1]) / 2, np.abs(exact))
        values = np.copysign(table[rank], exact)
    p = 24 if d.master == "float32" else precision(name)
    values[np.abs(values) < 2.0 ** (p - 127)] = 0.0
    return values.astype(dtype(name)).reshape(d.tokens, d.dims)


def rows(path, tensor):
    """A matrix of a safetensors file, in the type of its format."""
    names = {"BF16": "bfloat16", "F16": "float16", "F32": "float32"}
    names |= {"F8_E4M3": "float8_e4m3fn", "F8_E5M2": "float8_e5m2"}
    with open(path, "rb") as file:
        raw = file.read()
    length = int.from_bytes(raw[:8], "little")
    entry = json.loads(raw[8 : 8 + length])[tensor]
    begin, end = (8 + length + offset for offset in entry["data_offsets"])
    return np.frombuffer(raw[begin:end], dtype(names[entry["dtype"]])).reshape(entry["shape"])


def taken(d, x):
    """Rows `x` as a drift starts from them: in its format's type, or in that of its master."""
    master = d.master == "float32"
    with np.errstate(over="ignore"):
        x = x.astype(np.float32).astype(np.float32 if master else dtype(d.format))
    p = 24 if master else precision(d.format)
    values = x.astype(np.float64)
    x[(np.abs(values) < 2.0 ** (p - 127)) & (values != 0)] = 0
    return x


def weights(d):
    """The schedule's weights w_1 ... w_X."""
    t = np.arange(1, d.steps + 1)
    shapes = {
        "constant": np.ones(d.steps),
        "linear": (d.steps - t + 1).astype(np.float64),
        "cosine": 1 + np.cos(np.pi * (t - 1) / d.steps),
        "exponential": d.decay ** (t - 1.0),
    }
    if d.schedule == "constant":
        return np.full(d.steps, 1 / d.steps)
    w = shapes[d.schedule]
    return w / math.fsum(w)


def displacement(d, u, t):
    """c_t, float32 (dims,)."""
    return small_to_zero(((d.radius * weights(d)[t - 1]) * u).astype(np.float32))


def small_to_zero(c):
    return np.where(np.abs(c) < 2.0**-103, np.float32(0), c)


@cache
def noise_table():
    """Normal numbers, float32, by the upper half of a word."""
    return np.array([NormalDist().inv_cdf((i + 0.5) / 65536) for i in range(65536)], np.float32)


def noise(d, c, key, token, dim):
    """The noise of a step by `c`, float32 (tokens, dims), by a key of 64 bits."""
    rms = math.sqrt(math.fsum(float(x) ** 2 for x in c) / len(c))
    xi = noise_table()[threefry(key, token, dim) >> np.uint32(16)]
    return small_to_signed_zero(np.float32(d.noise * rms) * xi)


def small_to_signed_zero(y):
    return np.where(np.abs(y) < 2.0**-103, np.copysign(np.float32(0), y), y)


def compensated(x, k, c, name, rounding, random=None):
    """Kahan's sum of float32 `x`, `k` and `c`: the new x and k, on the lattice of a format."""

    def near(y):
        return quantise(y, name, "nearest").astype(np.float32)

    k = small_to_signed_zero(near(k + c))
    after = quantise(x + k, name, rounding, random).astype(np.float32)
    return after, small_to_signed_zero(near(k + near(x - after)))


def walk(d, u, start=None):
    """The clouds of steps 0 ... X as held, and as seen, from `start` or a drawn one."""
    held = [cloud(d) if start is None else start]
    if d.master == "float32":
        held[0] = held[0].astype(np.float32)
    seen = [quantise(held[0], d.format, "nearest") if d.master == "float32" else held[0]]
    g = np.array([1 + d.jitter * normal(w, 53) for w in words(d.seed, JITTER, d.tokens)])
    g = g.astype(np.float32)[:, None]
    keys, noises = (words(d.seed, stream, d.steps + 1) for stream in (ROUNDING, NOISE))
    k = np.zeros((d.tokens, d.dims), np.float32)
    token, dim = np.indices((d.tokens, d.dims)).astype(np.uint32)
    w = weights(d)
    for t in range(1, d.steps + 1):
        c = small_to_zero(((d.radius * w[t - 1]) * u).astype(np.float32))
        each = small_to_zero(c * g) if d.jitter else c
        if d.noise:
            each = each + noise(d, c, noises[t], token, dim)
        x = held[-1].astype(np.float32)
        y = x + each
        if d.master == "float32":
            held.append(y)
            seen.append(quantise(y, d.format, "nearest"))
        else:
            random = threefry(keys[t], token, dim) if d.rounding == "stochastic" else None
            if d.kahan:
                after, k = compensated(x, k, each, d.format, d.rounding, random)
                held.append(after.astype(dtype(d.format)))
                seen.append(held[-1])
                continue
            held.append(quantise(y, d.format, d.rounding, random))
            seen.append(held[-1])
    return held, seen


def present(d, step):
    """Which tokens are there after a step, bool (tokens,)."""
    there = np.ones(d.tokens, bool)
    if d.survivors is not None:
        keep = d.tokens - (d.tokens - d.survivors) * step // d.steps
        order = sorted(range(d.tokens), key=words(d.seed, SURVIVORS, d.tokens).__getitem__)
        there[order[keep:]] = False
    return there


def occupancies(x):
    """How many tokens sit in each occupied cell, falling."""
    cells = Counter((row.astype(np.float64) + 0.0).tobytes() for row in x)
    return sorted(cells.values(), reverse=True)


def counts(d, held, seen, step, u):
    """What is to be reported of a step, by the names of the JSON; radius as float64."""
    there = present(d, step)
    x = seen[step][there]
    cells = occupancies(x)
    holes = [n for n in cells if n > 1]
    still = 0.0
    if step:
        before, after = held[step - 1].astype(np.float64), held[step].astype(np.float64)
        same = (before == after)[there] & (displacement(d, u, step) != 0)
        still = float(np.count_nonzero(same) / x.size)
    return {
        "step": step,
        "distinct": len(cells),
        "black_holes": len(holes),
        "black_hole_tokens": sum(holes),
        "singletons": len(cells) - len(holes),
        "largest": cells[0],
        "pairs": sum(n * (n - 1) // 2 for n in holes),
        "alive": len(x),
        "radius": float(np.mean(x.astype(np.float64), axis=0) @ u),
        "stalled": still,
    }
