"""The part of a page that shows a sweep."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
from matplotlib.figure import Figure

from drift.experiments.console.command_line import run_line, sweep_line
from drift.experiments.figures.expected import ExpectedPairs
from drift.experiments.figures.sweeps.curves import sweep_curves
from drift.experiments.figures.sweeps.phase import phase
from drift.experiments.figures.sweeps.sweep_slice import SweepSlice
from drift.experiments.figures.sweeps.transition import transition
from drift.experiments.report import lattice, prediction, tables
from drift.experiments.report.document import (
    Command,
    Numbers,
    PageBlock,
    Paragraph,
    Part,
    Picture,
    Section,
    fit_to_page,
)
from drift.experiments.report.turning_point import TurningPoint
from drift.sim.sweeps.store import SweepStore

_LONG, _LEGEND = 185.0, 320.0
"""Points of an axis and of a legend, such that a phone can show them."""
_NO_STRUCTURE = (
    "A sweep stores counts only. For populations, components and distances run one of its grid"
    " points, such as the one whose final distinct fraction is closest to one half:"
)


def part(store: SweepStore, expected_pairs: ExpectedPairs) -> Part:
    """Return the part of a sweep, complete or not. Raises BadInput where no point is done yet."""
    turning = TurningPoint.of(store)
    made = tables.provenance_table(store.attrs, str(store.address))
    base = store.grid.base
    sections = [
        Section.of("Results", _outcome(store)),
        Section("Distinct fraction", lambda: _phase(turning, expected_pairs)),
        Section("Curves", lambda: _curves(turning, expected_pairs)),
        Section("On the lattice", lambda: lattice.of_turning_point(turning)),
        Section("Prediction and simulation", lambda: prediction.of_sweep(turning, expected_pairs)),
        Section.of("Grid points", [tables.last_records_table(store)]),
        Section("Structure", lambda: _structure(turning)),
        Section.of("Parameters", [tables.axes_table(store.grid), tables.spec_table(base), made]),
        Section.of("Reproduce", tables.rerun_blocks(sweep_line(store.grid))),
    ]
    lead = f"{store.grid}. {tables.spec_line(base)}"
    return Part(f"A sweep of {len(store.grid):,} drifts", lead, sections)


def _outcome(store: SweepStore) -> list[PageBlock]:
    done, failed = int(np.count_nonzero(store.done)), len(store.failed)
    left = len(store.grid) - done - failed
    numbers = {"grid points": len(store.grid), "done": done, "failed": failed, "not done": left}
    blocks: list[PageBlock] = [Numbers([(name, f"{n:,}") for name, n in numbers.items()])]
    if not store.complete:
        said = "This sweep is not complete; the page shows the results so far."
        blocks.insert(0, Paragraph(said, strong=True))
    return blocks + [Paragraph(line) for line in store.failures()]


def _phase(turning: TurningPoint, expected_pairs: ExpectedPairs) -> list[PageBlock]:
    draw = phase if len(turning.plane.names) > 1 else transition
    title = "Final distinct fraction"
    shown = turning.plane
    figure = partial(draw, shown, turning.last, expected_pairs, _LONG)
    return [_picture(turning, shown, figure, title)]


def _curves(turning: TurningPoint, expected_pairs: ExpectedPairs) -> list[PageBlock]:
    title = "Distinct cells, largest black hole and coalesced pairs against the radius reached"
    shown = turning.family
    return [_picture(turning, shown, partial(sweep_curves, shown, expected_pairs, _LEGEND), title)]


def _picture(
    turning: TurningPoint, shown: SweepSlice, draw: Callable[[], Figure], title: str
) -> Picture:
    """Return the figure that `draw` makes of a slice, with a caption of what its points share."""
    mean = [f"mean over {shown.repeats()}"] if shown.averaged else []
    caption = ", ".join([*map(tables.without_mathtext, shown.caption()), *mean, *shown.missing()])
    figure = fit_to_page(draw())
    share = shown.fraction(turning.last).mean(axis=-1)
    text = (
        f"{title}, over {' and '.join(shown.names) or 'one grid point'}. The final fraction"
        f" ranges from {float(share.min()):.1%} to {float(share.max()):.1%}."
    )
    return Picture(figure, title, text, f"{title}: {caption}.")


def _structure(turning: TurningPoint) -> list[PageBlock]:
    line = run_line(replace(turning.drift, snapshots="ends"))
    return [Paragraph(_NO_STRUCTURE), *([Command(line)] if line else [])]
