"""The studies there are, by name; the modules that make them are imported when one is asked for."""

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from drift.sim.errors import BadInput

if TYPE_CHECKING:
    from drift.experiments.studies.page import Page
    from drift.experiments.studies.parts import Made, Part


@dataclass(frozen=True)
class Study:
    """What is said of a study before it is run; `module` has `parts` and `page`."""

    name: str
    asks: str
    takes: str
    """how long, on two CPU cores"""
    holds: str
    """bytes of its stores, roughly"""

    @property
    def module(self) -> str:
        """The name of its module."""
        return f"{__package__}.{self.name}"

    def command(self, quick: bool) -> str:
        """The line that carries it out."""
        return f"drift study {self.name}{' --quick' if quick else ''}"

    def parts(self, quick: bool) -> "list[Part]":
        """What is carried out, in this order."""
        found: list[Part] = import_module(self.module).parts(quick)
        return found

    def page(self, made: "Made", command: str) -> "Page":
        """The page of what was made, by that command."""
        found: Page = import_module(self.module).page(made, command)
        return found


STUDIES = {
    study.name: study
    for study in (
        Study(
            "coarsening",
            "Can a small cloud near the origin, drifting to R, become the frozen smoke of Qwen3-4B:"
            " how many black holes, how large, how far apart?",
            "ten to fifteen minutes",
            "about 430 MB",
        ),
        Study(
            "rounding",
            "What do stochastic rounding, rounding toward zero and float32 master weights change:"
            " where a drift stalls, how far it gets, what coalesces?",
            "half a minute",
            "a few MB",
        ),
        Study(
            "formats",
            "Does a cloud coalesce in eight and in four bits as it does in bfloat16, once σ and R"
            " are counted in each format's own spacing?",
            "half a minute",
            "a few MB",
        ),
        Study(
            "stall",
            "How far does a drift get before its steps are too short for the lattice, and what does"
            " that do to the cloud?",
            "half a minute",
            "a few MB",
        ),
    )
}


def study_of(name: str) -> Study:
    """The study of that name; BadInput where there is none."""
    if name not in STUDIES:
        raise BadInput(f"there is no study {name!r}; there are {', '.join(STUDIES)}")
    return STUDIES[name]
