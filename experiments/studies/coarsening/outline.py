"""The page of the study `coarsening`: its order, and the files beside it."""

from drift.experiments.studies.coarsening.arithmetic import arithmetic, prediction
from drift.experiments.studies.coarsening.facts import Facts
from drift.experiments.studies.coarsening.figures import closest, drawn
from drift.experiments.studies.coarsening.meaning import limits_of_it, meaning
from drift.experiments.studies.coarsening.reading import structure
from drift.experiments.studies.coarsening.tables import tables
from drift.experiments.studies.coarsening.text import beginning, controls, question, short
from drift.experiments.studies.page import Page, Table, files
from drift.experiments.studies.parts import Made

_HIDDEN = ("digest", "name")


def page(made: Made, command: str) -> Page:
    """The page of what was made, by that command."""
    facts = Facts(made)
    columns = {
        "controls": Table(facts.controls),
        "transition": Table(facts.transition),
        "onsets": Table(facts.onsets),
        "structure": Table(
            [{k: v for k, v in cloud.items() if k not in _HIDDEN} for cloud in facts.clouds]
        ),
        **tables(facts),
        "arithmetic": Table(
            [
                {"arithmetic": name, **_plain(cell)}
                for name, cells in facts.variants
                for cell in cells
            ]
        ),
        "formats": Table(facts.formats),
        "prediction": Table(facts.agreement),
        "prediction-everywhere": Table(facts.agreement_everywhere),
    }
    parts = [
        "# Can drift alone make the frozen smoke of Qwen3-4B?",
        *short(facts),
        *question(facts),
        *controls(facts),
        *beginning(facts),
        *structure(facts, closest(facts)),
        *arithmetic(facts),
        *prediction(facts),
        *meaning(facts),
        *limits_of_it(facts),
        files(list(columns), command),
    ]
    return Page(parts, drawn(facts), columns)


def _plain(cell: dict) -> dict:
    """What cells of all arithmetics have."""
    axes = ("steps", "direction_seed", "seed", "jitter")
    return {name: value for name, value in cell.items() if name not in axes}
