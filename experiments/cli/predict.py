"""`drift predict`: what is to be expected of a drift, without simulating it."""

import json
from typing import TYPE_CHECKING, Annotated, Any

from drift.experiments.cli.options import (
    AsJson,
    Decay,
    Dims,
    Direction,
    DirectionSeed,
    Format,
    From,
    Jitter,
    Master,
    Radius,
    Rounding,
    Schedule,
    Steps,
    Survivors,
    Tokens,
    drift_of,
)
from drift.experiments.console.terminal import remark
from drift.experiments.console.values import option, reals, spelled

if TYPE_CHECKING:
    from drift.sim.spec.drift import Drift

EXAMPLE = "drift predict --sigma 2e-9:2e-7:5 --tokens 400 --dims 256"

_MOST = 1000
"""Sigmas of a curve."""


def command(
    sigma: Annotated[
        tuple | None, option(reals, "Standard deviation of a drawn cloud; several give a curve.")
    ] = None,
    tokens: Tokens = None,
    dims: Dims = None,
    from_: From = None,
    radius: Radius = 0.371,
    steps: Steps = 100,
    direction: Direction = "random",
    direction_seed: DirectionSeed = 0,
    format_: Format = None,
    rounding: Rounding = "nearest",
    schedule: Schedule = "constant",
    decay: Decay = 0.99,
    master: Master = "none",
    jitter: Jitter = 0.0,
    survivors: Survivors = None,
    as_json: AsJson = False,
) -> None:
    """Say exactly what to expect of a drift, over all clouds, without simulating one.

    How many pairs of tokens share a cell after the last step, the radius that
    is reached, what stalls and when, and the sigma at which one pair is expected.
    Drawn clouds of 16 bits or fewer have an exact form, where nothing is random
    to a token.
    """
    from drift.sim.errors import BadInput
    from drift.sim.prediction.supported import ROWS, refuse_unsupported

    if from_ is not None:
        refuse_unsupported(ROWS)
    if sigma is None:
        raise BadInput("no cloud is named; --sigma draws one, and takes several values")
    sigmas = spelled({"sigma": sigma})["sigma"]
    if len(sigmas) > _MOST:
        raise BadInput(f"sigma has {len(sigmas):,} values; at most {_MOST:,} are predicted at once")
    drift = drift_of(
        None,
        None,
        None,
        None,
        sigma=sigmas[0],
        tokens=tokens,
        dims=dims,
        radius=radius,
        steps=steps,
        direction=direction,
        direction_seed=direction_seed,
        format=format_,
        rounding=rounding,
        schedule=schedule,
        decay=decay,
        master=master,
        jitter=jitter,
        survivors=survivors,
    )
    found = _predicted(drift, sigmas)
    if found["onset_sigma"] is None:
        remark("at no sigma is one coalesced pair expected")
    if as_json:
        print(json.dumps(found))
    else:
        from drift.experiments.tables.predict import show

        show(drift.as_json(), found)


def _predicted(drift: "Drift", sigmas: tuple[float, ...]) -> dict[str, Any]:
    """What is printed, as plain values; those of one sigma are None where there are several."""
    from drift.sim.devices import cache, device
    from drift.sim.prediction.predict import predict

    cache.turn_on()
    device.only_cpu()
    found = predict(drift, sigmas).as_json()
    of_one = [name for name in found["curve"][0] if name != "sigma"]
    del found["sigma"]
    return found if len(sigmas) == 1 else {**found, **dict.fromkeys(of_one)}
