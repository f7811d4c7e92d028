"""What a page tells of a study: its own text, tables and figures, drawn from its stores."""

from itertools import chain
from pathlib import Path

from drift.experiments.report import wording
from drift.experiments.report.blocks import Command, Part, Section
from drift.experiments.report.prose import sections
from drift.experiments.study.named import STUDIES, Study
from drift.experiments.study.parts import Made, Run, Sweep
from drift.sim.errors import BadInput


def study_at(place: Path) -> tuple[Study, bool] | None:
    """The study whose directory is at `place`, and whether it was quick; None where none is."""
    name = place.name.removesuffix("-quick")
    if name not in STUDIES or not (place / "stores").is_dir():
        return None
    return STUDIES[name], place.name != name


def part(place: Path, study: Study, quick: bool) -> Part:
    """The part of a study that is complete. Raises BadInput for one that is not."""
    made, parts = Made(place / "stores"), study.parts(quick)
    missing = [each.name for each in parts if not each.complete(made)]
    command = study.command(quick)
    if missing:
        raise BadInput(
            f"{place} lacks {len(missing)} of {len(parts)} parts, such as {missing[0]};"
            f" {command} goes on"
        )
    page = study.page(made, command)
    title, found = sections(page.text, page.figures)
    stores = (made.run(each.name) for each in parts if isinstance(each, Run))
    sweeps = (made.sweep(each.name) for each in parts if isinstance(each, Sweep))
    first = next(chain(stores, sweeps))  # the others need not be opened
    ran = Section("Where it ran", [wording.made_on(first.attrs, str(first.address))])
    again = Section("Run it again", [Command(command)])
    return Part(title, study.asks, [*found, ran, again])
