"""The drifts that have an exact prediction: derivation.md says why others have none."""

from typing import NoReturn

from drift.kernels.formats import FLOAT32
from drift.kernels.stepping import host
from drift.sim.array_text import DIGEST
from drift.sim.errors import BadInput
from drift.sim.spec.drift import Drift

ROWS = "a cloud that is a checkpoint's rows"
ARRAY = "a cloud that is given as an array"


def unsupported_reason(drift: Drift) -> str:
    """Return why no exact form applies; empty where one does."""
    if drift.origin is not None:
        return ARRAY if drift.origin.path.startswith(DIGEST) else ROWS
    if drift.rounding == "stochastic":
        return "stochastic rounding"
    if drift.jitter > 0:
        return "jitter"
    if drift.noise > 0:
        return "noise"
    if drift.kahan:
        return "compensated sums (kahan)"
    if drift.weight_decay and not host.supports(drift.arithmetic):
        return f"weight decay rounded {drift.rounding} in {drift.format}"
    return "float32" if drift.target == FLOAT32 else ""


def check_supported(drift: Drift) -> None:
    """Raise BadInput where no exact form applies."""
    if missing := unsupported_reason(drift):
        refuse_unsupported(missing)


def refuse_unsupported(what: str) -> NoReturn:
    """Raise BadInput, since `what` has no exact form."""
    raise BadInput(f"no exact form is implemented for {what}; drift run simulates it")
