"""The page of some stores: a part for each."""

from collections.abc import Sequence
from importlib.metadata import version

from experiments.report import run, sweep
from experiments.report.blocks import Page, Part
from sim.grid_store import GridStore, is_sweep
from sim.places import Address, Given
from sim.store import RunStore


def page_of(sources: Sequence[Address], title: str = "", lead: str = "") -> Page:
    """The page of stores of runs and sweeps; of several, `title` and `lead` head it.

    Raises BadInput where one can't be read.
    """
    by = f"Made by drift report, bf16-drift {version('bf16-drift')}."
    return Page([part_of(each) for each in sources], title, lead, by)


def part_of(source: Given) -> Part:
    """What is told of one store."""
    return sweep.part(GridStore(source)) if is_sweep(source) else run.part(RunStore(source))
