"""The cloud that a command line asks for: drawn, or the rows of a checkpoint."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from drift.sim.spec.drift import Drift


def drift_of(
    from_: Path | None,
    tensor: str | None,
    near: str | None,
    exponents: int | None,
    **fields: Any,
) -> "Drift":
    """The drift of the options of these names, None where one is not given.

    Raises BadInput where they do not go together.
    """
    from drift.sim.clouds.checkpoint_rows import from_checkpoint
    from drift.sim.errors import BadInput
    from drift.sim.spec.drift import Drift

    given = {name: value for name, value in fields.items() if value is not None}
    if from_ is not None:
        return from_checkpoint(from_, tensor, near, exponents, **given)
    for name, value in {"tensor": tensor, "near": near, "exponents": exponents}.items():
        if value is not None:
            raise BadInput(f"{name} is {value} without --from, which names a checkpoint")
    return Drift(**given)
