"""`drift study coarsening`: could drift alone have made the black holes that were observed?

plan     its parts, at the shape of the observed cloud; facts: what its page says, as plain values
tables, figures, and the page's text: text, reading, meaning, arithmetic
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from drift.experiments.studies.page import Page
    from drift.experiments.studies.parts import Made, Part


def parts(quick: bool = False) -> "list[Part]":
    """What is carried out, in this order."""
    from drift.experiments.studies.coarsening import plan

    return plan.parts(quick)


def page(made: "Made", command: str) -> "Page":
    """The page of what was made, by that command."""
    from drift.experiments.studies.coarsening import outline

    return outline.page(made, command)
