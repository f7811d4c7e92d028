"""The cloud that a drift starts from, wherever it comes from: the one way to it.

drawn   from the normal distribution (sim.cloud)
taken   the rows of a checkpoint, all or a selection (sim.taken)
"""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from drift.sim.cloud import draw
from drift.sim.spec import Drift
from drift.sim.taken import Taken


class Initial(Protocol):
    """The codes of a cloud at step 0, and what is to be known of them."""

    def codes(self, start: int, stop: int) -> np.ndarray:
        """Codes of tokens start ... stop - 1, of the drift's format; not to be written to."""

    @property
    def token_ids(self) -> np.ndarray | None:
        """The ids that tokens had before, int64 (tokens,); None for those of a drawn cloud."""

    @property
    def facts(self) -> dict[str, Any] | None:
        """What a store tells of it beside the spec (sim.layout); None for a drawn cloud."""


@dataclass(frozen=True)
class Drawn:
    """The cloud that a drift with a sigma draws."""

    drift: Drift
    token_ids = None
    facts = None

    def codes(self, start: int, stop: int) -> np.ndarray:
        """As sim.cloud draws them."""
        return draw(self.drift, start, stop)


def initial(drift: Drift) -> Initial:
    """The initial cloud of `drift`. Raises BadInput where it can't be had."""
    return Drawn(drift) if drift.origin is None else Taken(drift, drift.origin)
