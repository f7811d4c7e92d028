"""Rows of a checkpoint as the cloud of a drift: which file, which tensor, which of its rows."""

import dataclasses
from pathlib import Path
from typing import Any

from drift.sim.errors import BadInput
from drift.sim.spec.fields import MOST_WHOLE, convert, field, plain_text, rows

EXPONENTS = 5
"""The largest difference of exponents from the token `near`, where none is given."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Origin:
    """Rows of a checkpoint, all or a selection. Raises BadInput for half a selection.

    drift.from_checkpoint makes a drift that has one, and what the rows say beside.

        >>> import drift
        >>> drift.Origin(path="model", tensor="lm_head.weight", near="largest", exponents=5).near
        'largest'
    """

    path: str = field(
        *("path", "checkpoint whose rows are the cloud", "Cloud"),
        name="from",
        hint=", or the rows of a FILE.npy; nothing is drawn",
        goes_with="rows",
        axis=16,
        caption="{}",
    )
    """a file, a directory, an index or a hub's ORG/NAME (sim.checkpoints.layouts); or
    sha256:… of an array, which the text carries along: sim.arrays.rows"""
    tensor: str = field(
        *("text", "tensor of the checkpoint", "Cloud"),
        shown_default="the unembedding",
        goes_with="rows",
        axis=17,
        caption="{}",
    )
    """the name of a matrix in it; of an array, the type of its values"""
    near: str | None = field(
        *("text", "token whose neighbourhood is taken", "Cloud"),
        default=None,
        optional=True,
        hint=": largest (in the largest black hole) or an id",
        goes_with="rows",
        axis=18,
        caption="near {}",
    )
    """the token they are selected around, largest or its id: sim.checkpoints.selection"""
    exponents: int | None = field(
        *("whole", "largest difference of exponents within the neighbourhood", "Cloud"),
        default=None,
        optional=True,
        shown_default=str(EXPONENTS),
        goes_with="rows",
        axis=19,
        caption="{} exponents",
        least=0,
        most=MOST_WHOLE,
        bounds="0 or more",
    )
    """how far their exponents may be from its; with `near` alone"""

    def __post_init__(self) -> None:
        convert(self, ORIGIN)
        if (self.near is None) != (self.exponents is None):
            given, other = ("exponents", "near") if self.near is None else ("near", "exponents")
            raise BadInput(
                f"{given} is {getattr(self, given)} without {other}; together they select rows"
            )

    @property
    def model(self) -> Path | None:
        """The path of the checkpoint; None where the rows are of an array."""
        return Path(self.path) if isinstance(self.path, str) else None

    def as_json(self) -> dict[str, Any]:
        """Return the fields as plain JSON values; the path is `from`."""
        found = {row.name: getattr(self, name) for name, row in ORIGIN.items()}
        return {name: plain_text(value) for name, value in found.items()}


ORIGIN = rows(Origin)
"""The rows of its fields, by attribute."""
