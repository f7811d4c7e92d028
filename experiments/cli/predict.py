"""`drift predict`: what is to be expected of a drift, without simulating it."""

import json
from typing import TYPE_CHECKING, Any

from drift.experiments.cli.fields import drift_of, with_fields
from drift.experiments.cli.options import AsJson
from drift.experiments.console.terminal import remark
from drift.experiments.console.values import spell_out

if TYPE_CHECKING:
    from drift.sim.spec.drift import Drift

EXAMPLE = "drift predict --sigma 2e-9:2e-7:5 --tokens 400 --dims 256"

_MOST = 1000
"""Sigmas of a curve."""
_NOT_ASKED = ("tensor", "near", "exponents", "seed", "records", "at", "snapshots")
"""Fields that nothing predicted depends on."""
_OF_ALL = ("sigma", "step", "alive")
"""Values of a curve's point that all of its points share, or that tell them apart."""


@with_fields(without=_NOT_ASKED, several=("sigma",))
def command(
    fields: dict[str, Any],
    as_json: AsJson = False,
) -> None:
    """Predict a drift exactly, in expectation over random clouds, without simulating it.

    Prints how many pairs of tokens share a cell after the last step, the radius
    that is reached, what stalls and when, and the sigma at which one pair is
    expected. There are exact forms for drawn clouds in formats of 16 bits or
    fewer, without per-token randomness.
    """
    from drift.sim.errors import BadInput
    from drift.sim.prediction.supported import ROWS, refuse_unsupported

    if "from" in fields:
        refuse_unsupported(ROWS)
    if "sigma" not in fields:
        raise BadInput("no cloud is named; --sigma draws one, and takes several values")
    sigmas = spell_out({"sigma": fields["sigma"]})["sigma"]
    if len(sigmas) > _MOST:
        raise BadInput(f"sigma has {len(sigmas):,} values; at most {_MOST:,} are predicted at once")
    drift = drift_of({**fields, "sigma": sigmas[0]})
    found = _predicted(drift, sigmas)
    if found["onset_sigma"] is None:
        remark("no sigma gives one expected coalesced pair")
    if as_json:
        print(json.dumps(found))
    else:
        from drift.experiments.tables.predict import show

        show(drift.as_json(), found)


def _predicted(drift: "Drift", sigmas: tuple[float, ...]) -> dict[str, Any]:
    """Return the values to print; those of a single sigma are None where there are several."""
    from drift.sim.devices import device
    from drift.sim.prediction.predict import predict

    device.configure("cpu")
    found = predict(drift, sigmas).as_json()
    of_one = [name for name in found["curve"][0] if name not in _OF_ALL]
    del found["sigma"]
    return found if len(sigmas) == 1 else {**found, **dict.fromkeys(of_one)}
