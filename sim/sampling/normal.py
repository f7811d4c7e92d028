"""The normal distribution from +, -, *, / and sqrt alone, and normal numbers by it.

IEEE 754 fixes those five operations to the last bit and NumPy never fuses them,
so what is computed here has the same bits on every machine and under every
version of the libraries, which erf, exp and log do not. Clouds and directions
depend on it: see sim.clouds.drawn.

A 64-bit random word is a sign and a tail probability, which goes through the
inverse of the distribution function: one normal number for each word.
"""

import math

import numpy as np

from drift.sim.sampling.philox import Stream, words64

_LN2_HIGH = float.fromhex("0x1.62e42fefa3800p-1")
"""ln 2 to 42 bits: its product with a small integer is exact."""
_LN2_LOW = float.fromhex("0x1.ef35793c76730p-45")
_SERIES_TERMS = 40
_FRACTION_TERMS = 160


def exp(x: np.ndarray) -> np.ndarray:
    """Return e**x for x in [-700, 0], to a few ulps: powers of two times a Taylor series."""
    powers = np.rint(x * (1 / math.log(2)))
    rest = (x - powers * _LN2_HIGH) - powers * _LN2_LOW
    series = np.ones_like(rest)
    for n in range(18, 0, -1):
        series = series * rest / n + 1.0
    return np.ldexp(series, powers.astype(np.int64))


def log(x: np.ndarray) -> np.ndarray:
    """Return the logarithm of positive x: 2 artanh((m - 1) / (m + 1)) plus powers of two."""
    mantissa, powers = np.frexp(x)
    small = mantissa < math.sqrt(0.5)
    mantissa = np.where(small, 2 * mantissa, mantissa)
    powers = (powers - small).astype(np.float64)
    ratio = (mantissa - 1) / (mantissa + 1)
    square = ratio * ratio
    series = np.zeros_like(ratio)
    for n in range(25, 0, -2):
        series = series * square + 1.0 / n
    return powers * _LN2_HIGH + (2 * ratio * series + powers * _LN2_LOW)


def masses(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return P(|Z| < z) and P(|Z| > z), standard normal Z, for z in [0, 37].

    The smaller of the two is given to a relative error below 1e-13, so tails
    need no 1 - p. Below z = sqrt 2 the series

        P(|Z| < z) = z sqrt(2/pi) exp(-z*z/2) (1 + z*z/3 + z**4/(3*5) + ...),

    above it Laplace's continued fraction

        P(|Z| > z) = sqrt(2/pi) exp(-z*z/2) / (z + 1/(z + 2/(z + 3/(z + ...))))

    (Abramowitz & Stegun, 26.2.11 and 26.2.14).
    """
    z = np.asarray(z, np.float64)
    density = math.sqrt(2 / math.pi) * exp(-0.5 * z * z)
    near = z < math.sqrt(2)
    inner_z, outer_z = z[near], z[~near]
    series = np.ones_like(inner_z)
    for n in range(_SERIES_TERMS, 0, -1):
        series = series * inner_z * inner_z / (2 * n + 1) + 1.0
    fraction = outer_z
    for n in range(_FRACTION_TERMS, 0, -1):
        fraction = outer_z + n / fraction
    inside, outside = np.empty_like(z), np.empty_like(z)
    inside[near] = density[near] * inner_z * series
    outside[near] = 1 - inside[near]
    outside[~near] = density[~near] / fraction
    inside[~near] = 1 - outside[~near]
    return inside, outside


def _ratio(
    x: np.ndarray, numerator: tuple[float, ...], denominator: tuple[float, ...]
) -> np.ndarray:
    """Return the quotient of two polynomials, coefficients from the constant up."""
    above, below = np.zeros_like(x), np.zeros_like(x)
    for a, b in zip(reversed(numerator), reversed(denominator), strict=True):
        above, below = above * x + a, below * x + b
    return above / below


# fmt: off
_CENTRE = (
    (3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3,
     1.3731693765509461125e4, 4.5921953931549871457e4, 6.7265770927008700853e4,
     3.3430575583588128105e4, 2.5090809287301226727e3),
    (1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3,
     2.1213794301586595867e4, 3.9307895800092710610e4, 2.8729085735721942674e4,
     5.2264952788528545610e3))
_MIDDLE = (
    (1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0,
     3.64784832476320460504e0, 1.27045825245236838258e0, 2.41780725177450611770e-1,
     2.27238449892691845833e-2, 7.74545014278341407640e-4),
    (1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
     1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4,
     1.05075007164441684324e-9))
_FAR = (
    (6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0,
     2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
     2.71155556874348757815e-5, 2.01033439929228813265e-7),
    (1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
     7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7,
     2.04426310338993978564e-15))
# fmt: on


def upper_quantile(tail: np.ndarray) -> np.ndarray:
    """Return the z >= 0 with P(Z > z) = tail, for tail in (1e-300, 1/2], to about 1e-15.

    M. J. Wichura, Algorithm AS 241 (PPND16), Applied Statistics 37 (1988) 477-484.
    """
    tail = np.asarray(tail, np.float64)
    centre = 0.5 - tail
    from_centre = centre * _ratio(0.180625 - centre * centre, *_CENTRE)
    depth = np.sqrt(-log(tail))
    from_tail = np.where(depth <= 5, _ratio(depth - 1.6, *_MIDDLE), _ratio(depth - 5, *_FAR))
    return np.where(centre <= 0.425, from_centre, from_tail)


def gaussian(words: np.ndarray) -> np.ndarray:
    """Return normal numbers, float64, for uint64 `words`, any shape."""
    tails = ((words & np.uint64((1 << 63) - 1)) >> np.uint64(10)).astype(np.float64) + 0.5
    signs = np.where(words >> np.uint64(63), -1.0, 1.0)
    return signs * upper_quantile(np.ldexp(tails, -54))


def draw_normal(seed: int, stream: Stream, count: int) -> np.ndarray:
    """Return normal numbers, float64 (count,), from the first words of a stream."""
    return gaussian(words64(seed, stream, 0, count))
