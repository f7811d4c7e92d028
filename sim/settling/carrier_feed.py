"""Whom rows stand for, as calls take it beside the cloud; put on the devices where that changes."""

import jax
import numpy as np

from drift.kernels.stepping.carried import Carriers
from drift.kernels.stepping.step import Tokens
from drift.sim.settling.part import CloudPart
from drift.sim.settling.placing import Placing


class CarrierFeed:
    """Puts carriers where `placing` says.

    `strengths`, float32 (tokens,), are None where tokens do not differ in their steps.
    """

    def __init__(self, placing: Placing, strengths: np.ndarray | None):
        self._placing, self._strengths = placing, strengths
        self._of: tuple[CloudPart, tuple[jax.Array, jax.Array, jax.Array]] | None = None
        self._counts: tuple[CloudPart, np.ndarray, jax.Array] | None = None

    def carriers(self, part: CloudPart, present: np.ndarray) -> Carriers:
        """Return whom a part stands for, of the tokens that are `present`, bool (tokens,)."""
        if self._of is None or self._of[0] is not part:
            self._of = part, self._fixed(part, len(present))
        before = self._counts
        if before is None or before[0] is not part or not np.array_equal(before[1], present):
            before = self._counts = part, present, self._placing.whole(part.counts(present))
        number, strength, columns = self._of[1]
        return Carriers(Tokens(number, strength, before[2]), columns)

    def _fixed(self, part: CloudPart, tokens: int) -> tuple[jax.Array, jax.Array, jax.Array]:
        """Put on the devices what a part has of its own, whoever is present."""
        number, strength = np.zeros(part.rows, np.uint32), np.ones(part.rows, np.float32)
        if self._strengths is not None:  # then rows are tokens, and spare ones the first
            number[:tokens], strength[:tokens] = np.arange(tokens), self._strengths
            strength[tokens:] = self._strengths[0]
        whole = self._placing.whole
        return whole(number), whole(strength), self._placing.entries(part.on_devices)
