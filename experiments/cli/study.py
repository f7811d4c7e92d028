"""`drift study`: a named study, from its first run to its page."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from drift.experiments.cli.execution import Device
from drift.experiments.cli.options import AsJson, path
from drift.experiments.cli.study_options import with_study_options
from drift.experiments.console.terminal import say
from drift.experiments.studies.registry import STUDIES, study_of
from drift.sim.errors import BadInput

EXAMPLE = "drift study stall --quick"


@with_study_options
def command(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help=f"{', '.join(STUDIES)}.", show_default=False),
    ] = None,
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SOURCE…", help="Of replay: what drift track takes.", show_default=False
        ),
    ] = None,
    *,
    options: dict[str, Any],
    out: Annotated[
        Path | None,
        typer.Option(
            parser=path, metavar="DIR", help="Directory of the study.", show_default="results/NAME"
        ),
    ] = None,
    quick: Annotated[
        bool,
        typer.Option("--quick", help="Tiny clouds, a few seconds; written to results/NAME-quick."),
    ] = False,
    device: Device = "auto",
    listing: Annotated[
        bool,
        typer.Option(
            "--list", help="List what each study asks, how long it takes and what it writes."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Run a named study: its drifts, its figures, its tables and its page.

    Writes DIR/README.md with its figures (PNG, SVG) and tables (CSV); every
    number comes from the stores in DIR/stores. What is complete is kept: the same
    command goes on with the rest, and draws the page again where nothing is
    missing. What training will write is said before it begins.
    """
    if listing:
        _list(as_json)
        return
    if name is None:
        raise BadInput(
            f"no study is named; the studies are {', '.join(STUDIES)}; --list describes them"
        )
    given = {**options, **({"sources": sources} if sources else {})}
    study = study_of(name).given(given)
    from drift.experiments.studies.run_study import run_study

    at = out or Path("results") / (f"{name}-quick" if quick else name)
    found = run_study(study, at, quick, device)
    if as_json:
        print(json.dumps(found))
    else:
        for line in _told(found):
            say(line)


def _told(found: dict[str, Any]) -> list[str]:
    from drift.experiments.console.values import format_duration

    before = sum(part["before"] for part in found["parts"])
    parts = f"{len(found['parts'])} parts"
    if before:
        parts += f", {before} of which were there"
    return [f"{parts}, {format_duration(found['seconds']['total'])}", f"page: {found['page']}"]


def _list(as_json: bool) -> None:
    told = [
        {
            "name": study.name,
            "asks": study.asks,
            "takes": study.takes,
            "writes": f"results/{study.name}: a page, figures, tables; stores, {study.holds}",
        }
        for study in STUDIES.values()
    ]
    if as_json:
        print(json.dumps(told))
        return
    for each in told:
        print(f"{each['name']}\n  {each['asks']}")
        print(f"  takes {each['takes']} on two CPU cores; writes {each['writes']}\n")
