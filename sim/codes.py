"""What may be asked of a cloud on its way to a store, wherever it is kept."""

from typing import Protocol

import numpy as np

from kernels.formats import Format
from sim.chunks import Chunks


class Cloud(Protocol):
    """The codes of all tokens at one step."""

    @property
    def chunks(self) -> Chunks:
        """Its shape, and how it is cut."""

    @property
    def format(self) -> Format:
        """Whose codes they are."""

    def span(self, start: int, stop: int) -> np.ndarray:
        """Codes of tokens start ... stop - 1 as they are, (stop - start, dims)."""
