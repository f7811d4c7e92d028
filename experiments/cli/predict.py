"""`drift predict`: what is to be expected of a drift, or of a grid, without simulating it."""

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from drift.experiments.cli.fields import drift_of, with_fields
from drift.experiments.cli.options import AsJson, Out, Overwrite, path
from drift.experiments.cli.sources import (
    clouds_of,
    missing_parent,
    say_collapsed,
    say_complete,
    say_facts,
    say_made,
)
from drift.experiments.console.terminal import remark, say
from drift.experiments.console.values import parse_whole, spell_out
from drift.sim.spec.drift import FIELDS

if TYPE_CHECKING:
    from drift.sim.spec.drift import Drift
    from drift.sim.stores.location import StoreLocation
    from drift.sim.sweeps.grid import Grid

EXAMPLE = "drift predict --sigma 2e-9:2e-7:5 --tokens 400 --dims 256"

_MOST = 1000
"""Sigmas of a curve."""
_NOT_ASKED = ("tensor", "near", "exponents", "seed", "at", "snapshots")
"""Fields that nothing predicted depends on."""
_OF_ALL = ("sigma", "step", "alive")
"""Values of a curve's point that all of its points share, or that tell them apart."""


@with_fields(
    without=_NOT_ASKED,
    several=[n for n, row in FIELDS.items() if row.axis and row.goes_with != "rows"],
)
def command(
    fields: dict[str, Any],
    direction_seeds: Annotated[
        int | None,
        typer.Option(
            parser=parse_whole,
            metavar="K",
            help="Average over the random directions of seeds 0 to K-1, and show their spread.",
            rich_help_panel=FIELDS["direction_seed"].panel,
        ),
    ] = None,
    spectrum: Annotated[
        Path | None,
        typer.Option(
            "--spectrum",
            parser=path,
            metavar="FILE",
            help="Write the expected cells of every number of tokens as CSV.",
            show_default="none",
        ),
    ] = None,
    out: Out = None,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Predict a drift exactly, in expectation over random clouds, without simulating it.

    Prints how many cells are occupied after the last step, how many of them are
    black holes, the largest (its median, which is an approximation), and how many
    pairs of tokens share a cell; ± is the standard deviation over clouds. With
    --records N the whole curve over the steps. Several values of an option make
    a grid, as in drift sweep, which --out writes into a store that drift plot
    draws. There are exact forms for drawn clouds in formats of 16 bits or fewer,
    without per-token randomness.
    """
    from drift.sim.devices import device
    from drift.sim.errors import BadInput
    from drift.sim.prediction.supported import ROWS, refuse_unsupported

    if "from" in fields:
        refuse_unsupported(ROWS)
    if "sigma" not in fields:
        raise BadInput("no cloud is named; --sigma draws one, and takes several values")
    given = {
        name: found if isinstance(found, tuple) and FIELDS[name].axis else (found,)
        for name, found in fields.items()
    }
    spelled = spell_out(given)
    device.configure("cpu")
    several = [name for name, values in spelled.items() if len(values) > 1 and name != "sigma"]
    if out is None and overwrite:
        raise BadInput("overwrite is given without --out, which names a store")
    if out is not None or several or direction_seeds is not None:
        if spectrum is not None:
            raise BadInput("spectrum is for drifts that differ in sigma alone, and without --out")
        _grid(spelled, direction_seeds, out, overwrite, as_json)
        return
    sigmas = spelled["sigma"]
    if len(sigmas) > _MOST:
        raise BadInput(f"sigma has {len(sigmas):,} values; at most {_MOST:,} are predicted at once")
    drift = drift_of({**{name: each[0] for name, each in spelled.items()}, "sigma": sigmas[0]})
    found = _predicted(drift, sigmas, drift.record_steps if "records" in fields else ())
    say_collapsed(replace(drift, sigma=sigma) for sigma in sigmas)
    say_facts(drift)
    if found["onset_sigma"] is None:
        remark("no sigma gives one expected coalesced pair")
    if spectrum is not None:
        from drift.experiments.tables.spectrum import write_spectra

        write_spectra(spectrum, found["curve"])
    if as_json:
        print(json.dumps(found))
    else:
        from drift.experiments.tables.predict import show

        show(drift.as_json(), found)


def _predicted(drift: "Drift", sigmas: tuple[float, ...], steps: tuple[int, ...]) -> dict[str, Any]:
    """Return the values to print; those of a single sigma are None where there are several."""
    from drift.sim.prediction.predict import predict

    found = predict(drift, sigmas, steps).as_json()
    of_one = [name for name in found["curve"][0] if name not in _OF_ALL]
    del found["sigma"]
    return found if len(sigmas) == 1 else {**found, **dict.fromkeys(of_one)}


def _grid(
    spelled: dict[str, tuple[Any, ...]],
    direction_seeds: int | None,
    out: "StoreLocation | None",
    overwrite: bool,
    as_json: bool,
) -> None:
    """Predict a grid, into a store where `out` names one; exit with 1 where a point failed."""
    from drift.sim.sweeps.grid import Grid

    given = {"records": (1,), **spelled}
    if direction_seeds is not None:
        given["direction_seed"] = _directions(spelled, direction_seeds)
    from drift.sim.spec.rules import check_used

    check_used({name: values for name, values in given.items() if name != "records"})
    grid = Grid.given(given)
    if out is None:
        from drift.experiments.cli.predict_points import show_points

        failed = show_points(grid, direction_seeds is not None, "records" in spelled, as_json)
    else:
        failed = _stored(grid, out, overwrite, as_json)
    say_collapsed(clouds_of(grid))
    if failed:
        raise typer.Exit(1)


def _directions(spelled: dict[str, tuple[Any, ...]], count: int) -> tuple[int, ...]:
    """Return the seeds 0 ... count - 1 of directions, which have to be random."""
    from drift.sim.errors import BadInput
    from drift.sim.sweeps.grid import check_size

    if "direction_seed" in spelled:
        raise BadInput(
            "direction_seed and direction_seeds are both given; --direction-seeds 3 is"
            " --direction-seed 0,1,2, averaged"
        )
    if count < 1:
        raise BadInput(f"direction_seeds is {count}; it must be 1 or more")
    check_size([count])
    return tuple(range(count))


def _stored(grid: "Grid", out: "StoreLocation", overwrite: bool, as_json: bool) -> int:
    """Write the store, and say how it went; return how many points failed."""
    from drift.experiments.console.values import format_duration
    from drift.sim.predicted.store import predict_grid

    made = missing_parent(out)
    found = predict_grid(grid, out, overwrite=overwrite)
    result = found.as_json()
    say_made(made)
    if found.was_complete:
        say_complete(found.store.address, "predict")
    if as_json:
        print(json.dumps(result))
    else:
        say(str(grid))
        say(f"{result['done']:,} of {result['cells']:,} grid points predicted")
        say(format_duration(result["seconds"]["total"]))
        say(f"store: {result['store']}")
        for line in found.store.failures():
            say(line)
    return int(result["failed"])
