"""From what is given to what figures draw, and on what they are drawn."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from matplotlib.figure import Figure, SubFigure

from drift.experiments.figures.canvas import DriftFigure, drawing_on, in_own_settings
from drift.experiments.figures.lines.points import LineSource, RunSource, SweepSource
from drift.sim.errors import BadInput
from drift.sim.results.page import ShownAsTable
from drift.sim.sources.source import source_of
from drift.sim.stores.locate import locate
from drift.sim.sweeps.kept.swept import Swept
from drift.sim.sweeps.store import SweepStore, is_sweep, open_grid
from drift.sim.tracks.found import Track
from drift.sim.tracks.track_store import TrackStore

Item = TypeVar("Item")


def items_of(given: Any) -> list[Any]:
    """Return what is given as a list. Raises BadInput for an empty one."""
    if isinstance(given, list | tuple) and not isinstance(given, ShownAsTable):
        if not given:
            raise BadInput("an empty list is given; one source or more is needed")
        return list(given)
    return [given]


def sweep_of(given: Any) -> SweepStore | None:
    """Return the store of a sweep, or of a predicted grid; None where it is another thing."""
    if isinstance(given, Swept):
        return given.store
    if isinstance(given, SweepStore):
        return given
    try:
        place = locate(given)
    except TypeError:
        return None
    return open_grid(place) if is_sweep(place) else None


def line_sources(given: Any) -> list[LineSource]:
    """Return what lines are drawn from: sweeps, predicted grids and runs.

    Raises BadInput for anything else.
    """
    found: list[LineSource] = []
    for each in items_of(given):
        grid = sweep_of(each)
        if grid is not None:
            found.append(SweepSource(grid))
            continue
        source = source_of(each)
        if source.location is not None and not source.location.exists():
            raise BadInput(f"{source} does not exist; the store of a run or a sweep is needed")
        if not source.is_run:
            raise BadInput(
                f"{source} is no run or sweep, which lines are drawn of; drift plot cloud and"
                " drift plot holes show checkpoints"
            )
        found.append(RunSource(source.run))
    return found


def grid_of(given: Any) -> SweepStore:
    """Return the store of a sweep. Raises BadInput for anything else."""
    found = sweep_of(given)
    if found is not None:
        return found
    try:
        place = locate(given)
    except TypeError as error:
        raise BadInput(
            f"a {type(given).__name__} is given; a sweep's result, store or path is accepted"
        ) from error
    return open_grid(place)  # which says what is there instead


def track_of(given: Any) -> Track:
    """Return a track. Raises BadInput for anything else."""
    if isinstance(given, Track):
        return given
    if isinstance(given, TrackStore):
        return given.track()
    try:
        return TrackStore(given).track()
    except TypeError as error:
        raise BadInput(
            f"a {type(given).__name__} is given; a track, its store or its path is accepted"
        ) from error


@in_own_settings
def each_drawn(
    items: Sequence[Item], draw: Callable[[Item], Figure], figure: Figure | SubFigure | None
) -> Figure:
    """Return a figure of one item, or of several below one another."""
    if len(items) == 1:
        with drawing_on(figure):
            return draw(items[0])
    with drawing_on(None):
        sizes = [draw(item).get_size_inches() for item in items]
    heights = [float(high) for _, high in sizes]
    if figure is None:
        size = max(float(wide) for wide, _ in sizes), sum(heights)
        figure = DriftFigure(figsize=size, layout="constrained")
    else:
        figure.clear()
    parts: Any = figure.subfigures(len(items), 1, height_ratios=heights)
    for part, item in zip(parts, items, strict=True):
        with drawing_on(part):
            draw(item)
    return figure  # type: ignore[return-value]
