"""The page of stores and studies: a part for each."""

from collections.abc import Sequence
from importlib.metadata import version

from drift.experiments.figures.expected import ExpectedPairs
from drift.experiments.report import run, study, sweep, track
from drift.experiments.report.document import HtmlPage, Part
from drift.sim.stores.locate import locate
from drift.sim.stores.location import AnyLocation, LocalLocation
from drift.sim.stores.run_store import RunStore
from drift.sim.sweeps.store import is_sweep, open_grid
from drift.sim.tracks.track_store import TrackStore, is_track


def page_of(
    sources: Sequence[AnyLocation],
    title: str = "",
    lead: str = "",
    expected_pairs: ExpectedPairs | None = None,
) -> HtmlPage:
    """Return the page of runs, sweeps, tracks and studies.

    `title` and `lead` head a page of several. Without `expected_pairs`, they are predicted where
    that is quick. Raises BadInput where a source can't be read.
    """
    by = f"Made with drift report, bf16-drift {version('bf16-drift')}."
    expected_pairs = expected_pairs or ExpectedPairs()
    return HtmlPage([part_of(each, expected_pairs) for each in sources], title, lead, by)


def part_of(source: AnyLocation, expected_pairs: ExpectedPairs) -> Part:
    """Return the part of one store, or of the study in a directory."""
    location = locate(source)
    if isinstance(location, LocalLocation) and (found := study.study_at(location.path)):
        return study.part(location.path, *found)
    if is_sweep(source):
        return sweep.part(open_grid(source), expected_pairs)
    if is_track(source):
        return track.part(TrackStore(source))
    return run.part(RunStore(source), expected_pairs)
