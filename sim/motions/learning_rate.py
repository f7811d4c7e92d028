"""The learning rate of each step: a warm-up, then a schedule over the steps that are left.

warm-up   lr * t / W for the first W steps
constant  lr
linear    lr * (1 - (t - 1) / X)
cosine    lr * (1 + cos(pi (t - 1) / X)) / 2

t and X count from the end of the warm-up. All of it is float64.
"""

from typing import Protocol

import numpy as np

from drift.sim.spec.schedule import half_cosine


class Scheduled(Protocol):
    """A drift, or a training, whose learning rate has a schedule."""

    @property
    def lr(self) -> float:
        """The learning rate."""

    @property
    def lr_schedule(self) -> str:
        """The name of its schedule."""

    @property
    def warmup(self) -> int:
        """The steps of the warm-up."""

    @property
    def steps(self) -> int:
        """All steps."""


def learning_rates(drift: Scheduled, first: int, last: int) -> np.ndarray:
    """Return the learning rates of steps `first` ... `last`, float64 (steps,)."""
    steps = np.arange(first, last + 1, dtype=np.float64)
    t, whole = steps - drift.warmup, max(1, drift.steps - drift.warmup)
    if drift.lr_schedule == "linear":
        rates = drift.lr * (1 - (t - 1) / whole)
    elif drift.lr_schedule == "cosine":
        rates = drift.lr * half_cosine(np.maximum(t - 1, 0), whole)
    else:
        rates = np.full(len(steps), drift.lr)
    if drift.warmup:
        rates = np.where(t < 1, drift.lr * steps / drift.warmup, rates)
    return rates
