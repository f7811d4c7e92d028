"""What a page tells of a sweep."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
from matplotlib.figure import Figure

from drift.experiments.console.command_line import run_line, sweep_line
from drift.experiments.figures.expected import ExpectedPairs
from drift.experiments.figures.sweeps.curves import sweep_curves
from drift.experiments.figures.sweeps.phase import phase, transition
from drift.experiments.figures.sweeps.sweep_slice import SweepSlice
from drift.experiments.report import lattice, prediction, tables
from drift.experiments.report.document import (
    Block,
    Command,
    Note,
    Numbers,
    Part,
    Picture,
    Section,
    fit_to_page,
)
from drift.experiments.report.turning_point import TurningPoint
from drift.sim.sweeps.store import SweepStore

_LONG, _LEGEND = 185.0, 320.0
"""Points of an axis and of a legend in a picture that a phone can show."""
_NO_STRUCTURE = (
    "A sweep keeps counts alone. For populations, components and distances run one of its"
    " cells, such as the one that ends nearest to one half distinct:"
)


def part(store: SweepStore, expected_pairs: ExpectedPairs) -> Part:
    """The part of a sweep, complete or not. Raises BadInput where no cell is done yet."""
    turning = TurningPoint.of(store)
    made = tables.provenance_table(store.attrs, str(store.address))
    base = store.grid.base
    sections = [
        Section("What came of it", _outcome(store)),
        Section.made("Where tokens fall together", lambda: _phase(turning, expected_pairs)),
        Section.made("The curves", lambda: _curves(turning, expected_pairs)),
        Section.made("On the lattice", lambda: lattice.of_turning_point(turning)),
        Section.made(
            "Prediction beside simulation", lambda: prediction.of_sweep(turning, expected_pairs)
        ),
        Section("Cells", [tables.last_records_table(store)]),
        Section.made("Structure", lambda: _structure(turning)),
        Section("What was run", [tables.axes_table(store.grid), tables.spec_table(base), made]),
        Section("Run it again", tables.rerun_blocks(sweep_line(store.grid))),
    ]
    lead = f"{store.grid}. {tables.spec_line(base)}"
    return Part(f"A sweep of {len(store.grid):,} drifts", lead, sections)


def _outcome(store: SweepStore) -> list[Block]:
    done, failed = int(np.count_nonzero(store.done)), len(store.failed)
    left = len(store.grid) - done - failed
    numbers = {"cells": len(store.grid), "done": done, "failed": failed, "left": left}
    blocks: list[Block] = [Numbers([(name, f"{n:,}") for name, n in numbers.items()])]
    if not store.complete:
        said = "This sweep is not complete; the page shows what is done."
        blocks.insert(0, Note(said, strong=True))
    return blocks + [Note(line) for line in store.failures()]


def _phase(turning: TurningPoint, expected_pairs: ExpectedPairs) -> list[Block]:
    draw = phase if len(turning.plane.names) > 1 else transition
    title = "Share of the tokens that is still distinct at the end"
    shown = turning.plane
    figure = partial(draw, shown, turning.last, expected_pairs, _LONG)
    return [_picture(turning, shown, figure, title)]


def _curves(turning: TurningPoint, expected_pairs: ExpectedPairs) -> list[Block]:
    title = "Distinct cells, the largest black hole and pairs against the radius reached"
    shown = turning.family
    return [_picture(turning, shown, partial(sweep_curves, shown, expected_pairs, _LEGEND), title)]


def _picture(
    turning: TurningPoint, shown: SweepSlice, draw: Callable[[], Figure], title: str
) -> Picture:
    """What `draw` draws of the cells `shown`, with what they have in common below it."""
    mean = [f"mean over {shown.repeats()}"] if shown.averaged else []
    caption = ", ".join([*map(tables.without_mathtext, shown.caption()), *mean, *shown.missing()])
    figure = fit_to_page(draw())
    share = shown.fraction(turning.last).mean(axis=-1)
    text = (
        f"{title}, over {' and '.join(shown.names) or 'one cell'}. At the end the share of distinct"
        f" tokens is from {float(share.min()):.1%} to {float(share.max()):.1%}."
    )
    return Picture(figure, title, text, f"{title}: {caption}.")


def _structure(turning: TurningPoint) -> list[Block]:
    line = run_line(replace(turning.drift, snapshots="ends"))
    return [Note(_NO_STRUCTURE), *([Command(line)] if line else [])]
