"""Floating-point formats, each one record that all other code reads.

code        a value as the unsigned integer of its bits; sign, exponent, fraction
magnitude   a code without its sign: the number of |value| among the format's
            non-negative values, since their order is that of their codes
rank        the number of a code among all codes by value, -0 just below +0
coordinate  the lattice coordinate of a value: its number in the lattice, 0 for both
            zeros, negative for negative values
ordinal     the coordinate plus 2**(width - 1), which fits an unsigned code
ulp         the spacing of the lattice at a value, away from zero

Every value of every format here is a float32 exactly. Infinities and NaNs are
no part of the lattice. Layouts: IEEE 754 (float16, float32), its truncation
(bfloat16), and the OCP specifications OFP8 (2023) and MX (2023) for the rest.
Nothing here loads JAX.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np


@dataclass(frozen=True)
class Format:
    """A binary format: sign, then magnitude as exponent and fraction.

    Arrays may have any shape, and what comes back for them has the same.
    """

    name: str
    """as ml_dtypes and the command line call it"""
    width: int
    """bits of a code"""
    precision: int
    """significand bits, the hidden one included"""
    smallest_exponent: int
    """e of the smallest normal value 2**e; below it the spacing stays"""
    largest_magnitude: int
    """the code of the largest finite value"""

    @property
    def sign(self) -> int:
        """The code of -0, the sign bit."""
        return 1 << (self.width - 1)

    @cached_property
    def storage(self) -> np.dtype:
        """The unsigned integers that codes are kept in, one code each."""
        return np.dtype(f"uint{max(8, self.width)}")

    @cached_property
    def dtype(self) -> np.dtype:
        """The type of NumPy or ml_dtypes whose values have these codes."""
        import ml_dtypes  # late, since few who ask for a format convert its values

        return np.dtype(getattr(ml_dtypes, self.name, None) or self.name)

    @cached_property
    def largest(self) -> float:
        """The largest finite value."""
        return float(self.value(self.largest_magnitude))

    @property
    def smallest_drawn(self) -> float:
        """Initial magnitudes below it become +0, so that no float32 subnormal ever arises."""
        return 2.0 ** (self.precision - 127)

    def value(self, codes: np.ndarray | int) -> np.ndarray:
        """Return the values of `codes`, float64, exact.

        The magnitude after the largest is given the value that would follow it, but
        for float4, which has no such code.
        """
        codes = np.asarray(codes, np.int64)
        exponent, fraction = np.divmod(codes & (self.sign - 1), 1 << (self.precision - 1))
        # Below the smallest normal value no bit is hidden, and the unit stays.
        hidden = np.where(exponent > 0, 1 << (self.precision - 1), 0)
        unit = np.maximum(exponent - 1, 0) + self.smallest_exponent - self.precision + 1
        values = np.ldexp((fraction + hidden).astype(np.float64), unit)
        return np.where(codes & self.sign, -values, values)

    def magnitudes(self) -> np.ndarray:
        """Return all values from 0 up, and the one that would follow the largest, float64."""
        largest = np.array([self.largest])
        there = self.value(np.arange(self.largest_magnitude + 1))
        return np.append(there, largest + self.ulp(largest))

    def code(self, values: np.ndarray) -> np.ndarray:
        """Return codes, in the storage type, of `values` on the lattice: nothing is rounded."""
        values = np.asarray(values, np.float64)
        exponent = self._exponent(values)
        units = np.ldexp(np.abs(values), self.precision - 1 - exponent).astype(np.int64)
        # The hidden bit of a normal value carries into the exponent field, which so begins at 1.
        magnitude = units + ((exponent - self.smallest_exponent) << (self.precision - 1))
        return np.where(np.signbit(values), magnitude | self.sign, magnitude).astype(self.storage)

    def coordinate(self, codes: np.ndarray) -> np.ndarray:
        """Return lattice coordinates, int64, of `codes`."""
        codes = np.asarray(codes, np.int64)
        magnitude = codes & (self.sign - 1)
        return np.where(codes & self.sign, -magnitude, magnitude)

    def code_at(self, coordinates: np.ndarray) -> np.ndarray:
        """Return codes, in the storage type, of lattice `coordinates`; +0 for 0."""
        coordinates = np.asarray(coordinates, np.int64)
        signs = np.where(coordinates < 0, self.sign, 0)
        return (np.abs(coordinates) | signs).astype(self.storage)

    def finite(self, codes: np.ndarray) -> np.ndarray:
        """Return whether each code, in the storage type, is a value of the lattice, bool."""
        return (codes & self._one(self.sign - 1)) <= self._one(self.largest_magnitude)

    def ordinal(self, codes: np.ndarray) -> np.ndarray:
        """Return ordinals, in the storage type, of `codes` in it."""
        negative = (codes & self._one(self.sign)) != 0
        return self.rank_of(codes) + negative.astype(self.storage)  # ranks tell the zeros apart

    def rank_of(self, codes: np.ndarray) -> np.ndarray:
        """Return ranks, in the storage type, of `codes` in it."""
        return codes ^ self._flip((codes & self._one(self.sign)) != 0)

    def code_of_rank(self, ranks: np.ndarray) -> np.ndarray:
        """Return codes, in the storage type, of `ranks` in it."""
        return ranks ^ self._flip((ranks & self._one(self.sign)) == 0)

    def extremes(self, codes: np.ndarray) -> np.ndarray:
        """Return the codes of the least and of the largest value in each column, (2, columns)."""
        signed = codes.view(f"i{codes.itemsize}")
        if self.sign != np.iinfo(signed.dtype).max + 1:
            ranks = self.rank_of(codes)
            return self.code_of_rank(np.stack([ranks.min(axis=0), ranks.max(axis=0)]))
        # Codes of negative values are the larger ones, and the smaller ones as signed integers.
        nearest, farthest, above = codes.min(axis=0), codes.max(axis=0), signed.max(axis=0)
        least = np.where(farthest >= self.sign, farthest, nearest)
        return np.stack([least, np.where(above >= 0, above.view(codes.dtype), nearest)])

    def _flip(self, negative: np.ndarray) -> np.ndarray:
        """Return the bits in which code and rank differ: all of a negative code, else the sign."""
        lower = negative.astype(self.storage) * self._one(self.sign - 1)
        return lower | self._one(self.sign)

    def _one(self, bits: int) -> np.unsignedinteger:
        return self.storage.type(bits)

    def ulp(self, values: np.ndarray) -> np.ndarray:
        """Return the spacing, float64, between each value and the next one away from zero."""
        return np.ldexp(1.0, self._exponent(np.asarray(values)) - self.precision + 1)

    def _exponent(self, values: np.ndarray) -> np.ndarray:
        """Return e of the binade [2**e, 2**(e+1)); the smallest normal one for values below it."""
        exponent = np.frexp(values)[1] - 1
        return np.where(
            values == 0, self.smallest_exponent, np.maximum(exponent, self.smallest_exponent)
        )


BFLOAT16 = Format("bfloat16", 16, 8, -126, 0x7F7F)
FLOAT16 = Format("float16", 16, 11, -14, 0x7BFF)
FLOAT8_E4M3FN = Format("float8_e4m3fn", 8, 4, -6, 0x7E)
FLOAT8_E5M2 = Format("float8_e5m2", 8, 3, -14, 0x7B)
FLOAT4_E2M1FN = Format("float4_e2m1fn", 4, 2, 0, 0x7)
FLOAT32 = Format("float32", 32, 24, -126, 0x7F7FFFFF)

FORMATS = {
    each.name: each
    for each in (BFLOAT16, FLOAT16, FLOAT8_E4M3FN, FLOAT8_E5M2, FLOAT4_E2M1FN, FLOAT32)
}

Rounding = Literal["nearest", "toward-zero", "stochastic"]
"""The roundings, which kernels.rounding defines."""

Decay = Literal["none", "rounded", "fused"]
"""The decay of a step: a factor that is rounded before the displacement is added, or with it."""

SMALLEST_DISPLACEMENT = 2.0**-103
"""Smaller displacements are +0, so that no float32 subnormal ever arises."""


@dataclass(frozen=True)
class Compensated:
    """A value of a format with its compensation, as one unsigned integer twice as wide.

    The value's code stands in the lower half. Two tokens whose integers are equal hold one state.
    """

    each: Format
    """the format of both"""

    @property
    def name(self) -> str:
        """The name of the pair."""
        return f"{self.each.name}, compensated"

    @cached_property
    def storage(self) -> np.dtype:
        """The unsigned integers that pairs are kept in."""
        return np.dtype(f"uint{16 * self.each.storage.itemsize}")

    def pair(self, codes: np.ndarray, compensations: np.ndarray | None = None) -> np.ndarray:
        """Return pairs of `codes` and codes of `compensations`, by default +0, of one shape."""
        pairs = codes.astype(self.storage)
        if compensations is not None:
            pairs |= compensations.astype(self.storage) << self._half
        return pairs

    def codes(self, pairs: np.ndarray) -> np.ndarray:
        """Return the codes of the values, in the storage type of the format."""
        return pairs.astype(self.each.storage)

    def compensations(self, pairs: np.ndarray) -> np.ndarray:
        """Return the codes of the compensations, in the storage type of the format."""
        return (pairs >> self._half).astype(self.each.storage)

    @property
    def _half(self) -> np.unsignedinteger:
        return self.storage.type(8 * self.each.storage.itemsize)


class Arithmetic(NamedTuple):
    """The arithmetic of a step: its two formats, its rounding, and what is added."""

    state: Format = BFLOAT16
    """the state format, in which the cloud is kept between steps: float32 with master weights"""
    view: Format = BFLOAT16
    """the view format, in which the cloud is counted and stored"""
    rounding: Rounding = "nearest"
    """how a step rounds to the state format; the view is always rounded to nearest"""
    jitter: bool = False
    """true where each token's displacement is multiplied by a strength of its own"""
    decay: Decay = "none"
    """what multiplies the value before the displacement is added"""
    kahan: bool = False
    """true where what rounding takes from a sum is kept, and added to the next displacement"""
    noise: bool = False
    """true where noise is added to the displacement, of every coordinate's own"""

    @property
    def shared(self) -> bool:
        """True where a step is one function of the state (`held`) for all tokens.

        Then tokens of one state go on together for ever.
        """
        return not self.jitter and not self.noise and self.rounding != "stochastic"

    @property
    def held(self) -> "Format | Compensated":
        """The codes from which a step starts: of the state format, or pairs of them."""
        return Compensated(self.state) if self.kahan else self.state

    @property
    def moves_unasked(self) -> bool:
        """True where a step may also change a coordinate that it does not displace."""
        return self.decay != "none" or self.kahan or self.noise
