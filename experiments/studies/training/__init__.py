"""`drift study training`: do tokens of a language model coalesce and freeze, and is that rounding?

plan        its parts: trainings that differ in one thing each, over several seeds
measured    what is kept of each training: its dead and its live tokens, and replays of the dead
facts       facts of the page, drawn from the notes; figures
page.md.j2  the page
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from drift.experiments.studies.page import Page
    from drift.experiments.studies.parts import Part, StudyStores


def parts(quick: bool = False, **options: Any) -> "list[Part]":
    """Return the parts of the study, in the order they are carried out.

    Raises BadInput for options that make no sense.
    """
    from drift.experiments.studies.training import plan

    return plan.parts(quick, options)


def page(made: "StudyStores", command: str) -> "Page":
    """Return the page drawn from the stores."""
    from drift.experiments.studies.page import Page, Table
    from drift.experiments.studies.training import facts, figures

    found = facts.TrainingFacts(made)
    tables = {"runs": Table(found.runs), "samples": Table(found.samples)}
    return Page(
        "training/page.md.j2", facts.of_page(found), command, figures.figures(found), tables
    )
