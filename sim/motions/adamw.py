"""AdamW, as PyTorch has it: bit for bit its for-loop, or its fused kernel on a CPU.

Q rounds to the format of the state, and scalars are float32. For-loop:

    m <- Q(fma(1 - beta1, g - m, m))
    v <- Q(fma((1 - beta2) g, g, Q(v beta2)))
    s = Q(Q(Q(sqrt v) / sqrt(1 - beta2**t)) + Q(eps))
    c = (-lr / (1 - beta1**t)) m / s

Fused, moments are rounded only where they are kept:

    m' = fma(1 - beta1, g - m, m);   v' = fma((1 - beta2) g, g, v beta2)
    c = -(lr / (1 - beta1**t)) m' / (sqrt v' / sqrt(1 - beta2**t) + eps)
"""

import decimal
import math

import numpy as np

from drift.sim.motions.arithmetic import fma, rounding_to
from drift.sim.motions.optimizer import OptimizerMotion

_DIGITS = decimal.Context(prec=40)
"""Digits in which powers are reckoned: the nearest float64 is then the same on every machine."""


class AdamWMotion(OptimizerMotion):
    """The steps of AdamW; its decay is decoupled, and no part of the displacements."""

    def block(
        self, first: int, gradients: np.ndarray, moments: tuple[np.ndarray, ...]
    ) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
        """Return the displacements of steps from `first` on, and both moments after them."""
        drift, rounded, f32 = self.drift, rounding_to(self.state), np.float32
        m, v = moments or (np.zeros(self.dims, f32), np.zeros(self.dims, f32))
        made = np.empty_like(gradients)
        rates = self.rates(first, first + len(gradients) - 1)
        new, newer, kept = f32(1 - drift.beta1), f32(1 - drift.beta2), f32(drift.beta2)
        eps = rounded(np.array([drift.eps], f32))[0] if not drift.fused else f32(drift.eps)
        for k, g in enumerate(gradients):
            rate, root = step_scalars(float(rates[k]), drift.beta1, drift.beta2, first + k)
            if drift.fused:
                m, v = fma(new, g - m, m), fma(newer * g, g, v * kept)
                made[k] = rate * m / (np.sqrt(v) / root + eps)
                m, v = rounded(m), rounded(v)
                continue
            m = rounded(fma(new, g - m, m))
            v = rounded(fma(newer * g, g, rounded(v * kept)))
            s = rounded(rounded(np.sqrt(v)) / root)
            made[k] = rate * m / rounded(s + eps)
        return made, (m, v)


def step_scalars(
    rate: float, beta1: float, beta2: float, step: int
) -> tuple[np.float32, np.float32]:
    """Return -rate / (1 - beta1**step) and sqrt(1 - beta2**step): the scalars of a step, from 1."""
    bias = 1 - _power(beta1, step)
    root = math.sqrt(1 - _power(beta2, step))
    return np.float32(-(rate / bias)), np.float32(root)


def _power(base: float, exponent: int) -> float:
    """Return base**exponent, the nearest float64."""
    return float(_DIGITS.power(decimal.Decimal(base), exponent))
