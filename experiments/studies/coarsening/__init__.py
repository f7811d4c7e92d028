"""`drift study coarsening`: could drift alone have made the black holes that were observed?

plan        its parts, at the shape of the observed cloud
similarity  how similar a run is to the observed cloud
facts       facts of the page, drawn from the stores; figures, tables
page.md.j2  the page
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from drift.experiments.studies.page import Page
    from drift.experiments.studies.parts import Part, StudyStores


def parts(quick: bool = False) -> "list[Part]":
    """Return the parts of the study, in the order they are carried out."""
    from drift.experiments.studies.coarsening import plan

    return plan.parts(quick)


def page(made: "StudyStores", command: str) -> "Page":
    """Return the page drawn from the stores."""
    from drift.experiments.studies.coarsening import facts, figures, tables
    from drift.experiments.studies.page import Page

    found = facts.Facts(made)
    return Page(
        "coarsening/page.md.j2",
        facts.of_page(found),
        command,
        figures.figures(found),
        tables.tables(found),
    )
