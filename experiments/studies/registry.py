"""Studies by name; the module of a study is imported when the study is asked for."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any

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
    takes_options: tuple[str, ...] = ()
    """names of the options that it takes beside those of all studies"""
    options: Mapping[str, Any] = field(default_factory=dict)
    """the options that were given, plain JSON values; `sources` are its arguments"""

    def given(self, options: Mapping[str, Any]) -> "Study":
        """Return the study with options. Raises BadInput, naming both, for one it does not take."""
        for name in options:
            if name not in self.takes_options:
                takers = [each.name for each in STUDIES.values() if name in each.takes_options]
                of = f"an option of {' and '.join(takers)}" if takers else "no option of a study"
                what = "sources are" if name == "sources" else f"--{_flag(name)} is"
                raise BadInput(f"{what} {of}, not of {self.name}")
        return replace(self, options=dict(options))

    @property
    def module(self) -> str:
        """Import path of its module."""
        return f"{__package__}.{self.name}"

    def command(self, quick: bool) -> str:
        """Return the command line that carries it out."""
        words = ["drift", "study", self.name, *self.options.get("sources", ())]
        for name, value in self.options.items():
            if name != "sources":
                text = ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
                words += [f"--{_flag(name)}", text]
        return shlex.join([*words, "--quick"] if quick else words)

    def parts(self, quick: bool) -> "list[Part]":
        """Return the parts, in the order they are carried out."""
        found: list[Part] = import_module(self.module).parts(quick, **self.options)
        return found

    def page(self, made: "StudyStores", command: str) -> "Page":
        """Return the page drawn from the stores."""
        found: Page = import_module(self.module).page(made, command)
        return found


def _flag(name: str) -> str:
    return {"format": "as"}.get(name, name.replace("_", "-"))


IDENTITY = "study.json"
"""The file beside the stores of a study that says which study it is, if it is a quick one, and
which options it was given."""

TRAINING_OPTIONS = (
    *("vocabulary", "dead", "batch", "length", "steps", "lr", "lr_schedule", "warmup"),
    *("weight_decay", "beta1", "beta2", "eps", "sigma", "record_every", "arithmetic", "seeds"),
)
"""The options of the study `training`: fields of its settings, kinds of arithmetic, seeds."""
REPLAY_OPTIONS = (*("sources", "tensor", "format", "steps", "every", "rows", "near", "exponents"),)
"""The arguments and options of the study `replay`, which are those of drift track."""

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
        Study(
            "training",
            "Do distinct tokens of a language model coalesce and freeze in training, is that"
            " rounding, and what do the learning rate and weight decay change?",
            "ten minutes, once its four programs are compiled",
            "about 160 MB",
            TRAINING_OPTIONS,
        ),
        Study(
            "replay",
            "What would rounding the common motion of a trajectory have done alone, against what"
            " happened? Takes a SOURCE, as drift track does.",
            "a minute for each 10,000 × 64 × 1,000 values",
            "as much as the source",
            REPLAY_OPTIONS,
        ),
    )
}


def study_of(name: str) -> Study:
    """Return the study of that name. Raises BadInput where there is none."""
    if name not in STUDIES:
        raise BadInput(f"there is no study {name!r}; the studies are {', '.join(STUDIES)}")
    return STUDIES[name]
