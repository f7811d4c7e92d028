"""`drift study replay SOURCE`: what does rounding of the common motion do, against what happened?

source      the trajectory that is replayed: all that drift track takes
observed    the trajectory, measured; its first sample and the motion of its centroid
replayed    that sample, moved by that motion as drift run does it, and how the two compare
figures     the figure
page.md.j2  the page
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from drift.experiments.studies.page import Page
    from drift.experiments.studies.parts import Part, StudyStores


def parts(quick: bool = False, **options: Any) -> "list[Part]":
    """Return the parts of the study, in the order they are carried out.

    Raises BadInput where there is no source, or none that can be replayed.
    """
    from drift.experiments.studies.replay import source

    return source.parts(quick, options)


def page(made: "StudyStores", command: str) -> "Page":
    """Return the page drawn from the stores."""
    from drift.experiments.studies.page import Page, Table
    from drift.experiments.studies.replay import facts, figures

    found = facts.ReplayFacts(made)
    return Page(
        "replay/page.md.j2",
        facts.of_page(found),
        command,
        {"replay": figures.figure(found)},
        {"samples": Table(found.rows)},
    )
