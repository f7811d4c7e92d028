"""`drift study optimizers`: what do updates as optimizers make them do to a cloud?

plan        its parts: four motions, five kinds of arithmetic, two places to start from
measured    what is kept of each drift
facts       facts of the page, drawn from the stores; figures
page.md.j2  the page
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from drift.experiments.studies.page import Page
    from drift.experiments.studies.parts import Part, StudyStores


def parts(quick: bool = False) -> "list[Part]":
    """Return the parts of the study, in the order they are carried out."""
    from drift.experiments.studies.optimizers import plan

    return plan.parts(quick)


def page(made: "StudyStores", command: str) -> "Page":
    """Return the page drawn from the stores."""
    from drift.experiments.studies.optimizers import facts, figures
    from drift.experiments.studies.page import Page, Table

    found = facts.StudyFacts(made)
    tables = {
        "arithmetic": Table(found.runs),
        "records": Table(found.records),
        "sigma": Table(found.widths),
    }
    return Page(
        "optimizers/page.md.j2", facts.of_page(found), command, figures.figures(found), tables
    )
