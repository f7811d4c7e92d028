"""The page of some stores, or of studies: a part for each."""

from collections.abc import Sequence
from importlib.metadata import version

from experiments.report import run, study, sweep
from experiments.report.blocks import Page, Part
from sim.grid_store import GridStore, is_sweep
from sim.places import Given, Local, address
from sim.store import RunStore


def page_of(
    sources: Sequence[Given], title: str = "", lead: str = "", predicted: bool | None = None
) -> Page:
    """The page of stores of runs and sweeps and of studies; of several, `title` and `lead` head it.

    `predicted` says whether with what is expected; None is where that is cheap. Raises
    BadInput where one can't be read.
    """
    by = f"Made by drift report, bf16-drift {version('bf16-drift')}."
    return Page([part_of(each, predicted) for each in sources], title, lead, by)


def part_of(source: Given, predicted: bool | None = None) -> Part:
    """What is told of one store, or of the study in a directory."""
    place = address(source)
    if isinstance(place, Local) and (found := study.study_at(place.path)):
        return study.part(place.path, *found)
    if is_sweep(source):
        return sweep.part(GridStore(source), predicted)
    return run.part(RunStore(source), predicted)
