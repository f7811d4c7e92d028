"""The page of some stores, or of studies: a part for each."""

from collections.abc import Sequence
from importlib.metadata import version

from drift.experiments.figures.expected import ExpectedPairs
from drift.experiments.report import run, study, sweep
from drift.experiments.report.document import Page, Part
from drift.sim.stores.locate import locate
from drift.sim.stores.location import AnyLocation, LocalLocation
from drift.sim.stores.run_store import RunStore
from drift.sim.sweeps.store import SweepStore, is_sweep


def page_of(
    sources: Sequence[AnyLocation],
    title: str = "",
    lead: str = "",
    expected_pairs: ExpectedPairs | None = None,
) -> Page:
    """The page of stores of runs and sweeps and of studies; of several, `title` and `lead` head it.

    None is an outlook as it is cheap. Raises BadInput where one can't be read.
    """
    by = f"Made by drift report, bf16-drift {version('bf16-drift')}."
    expected_pairs = expected_pairs or ExpectedPairs()
    return Page([part_of(each, expected_pairs) for each in sources], title, lead, by)


def part_of(source: AnyLocation, expected_pairs: ExpectedPairs) -> Part:
    """What is told of one store, or of the study in a directory."""
    place = locate(source)
    if isinstance(place, LocalLocation) and (found := study.study_at(place.path)):
        return study.part(place.path, *found)
    if is_sweep(source):
        return sweep.part(SweepStore(source), expected_pairs)
    return run.part(RunStore(source), expected_pairs)
