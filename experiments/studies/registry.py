"""Studies by name; the module of a study is imported when the study is asked for."""

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from drift.sim.errors import BadInput

if TYPE_CHECKING:
    from drift.experiments.studies.page import Page
    from drift.experiments.studies.parts import Part, StudyStores


@dataclass(frozen=True)
class Study:
    """Study as it is described before it is run; its module has `parts` and `page`."""

    name: str
    """name on the command line, and of its module"""
    asks: str
    """question that it answers"""
    takes: str
    """time it takes on two CPU cores, in words"""
    holds: str
    """approximate size of its stores, in words"""

    @property
    def module(self) -> str:
        """Import path of its module."""
        return f"{__package__}.{self.name}"

    def command(self, quick: bool) -> str:
        """Return the command line that carries it out."""
        return f"drift study {self.name}{' --quick' if quick else ''}"

    def parts(self, quick: bool) -> "list[Part]":
        """Return the parts, in the order they are carried out."""
        found: list[Part] = import_module(self.module).parts(quick)
        return found

    def page(self, made: "StudyStores", command: str) -> "Page":
        """Return the page drawn from the stores."""
        found: Page = import_module(self.module).page(made, command)
        return found


IDENTITY = "study.json"
"""The file beside the stores of a study that says which study it is, and if it is a quick one."""

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
            " where a drift stalls, how far it gets, which tokens coalesce?",
            "half a minute",
            "a few MB",
        ),
        Study(
            "formats",
            "Does a cloud coalesce in eight and in four bits as it does in bfloat16, once σ and R"
            " are in units of each format's own spacing?",
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
        Study(
            "optimizers",
            "What do SGD and AdamW, a fading gradient, stochastic rounding, master weights, Kahan"
            " summation and noise do to a cloud: what collapses, what freezes, what arrives?",
            "five to ten minutes",
            "a few MB",
        ),
    )
}


def study_of(name: str) -> Study:
    """Return the study of that name. Raises BadInput where there is none."""
    if name not in STUDIES:
        raise BadInput(f"there is no study {name!r}; the studies are {', '.join(STUDIES)}")
    return STUDIES[name]
