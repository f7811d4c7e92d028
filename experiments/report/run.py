"""The part of a page that shows a run."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from drift.experiments.console.command_line import run_line
from drift.experiments.figures.black_holes import Populations, holes
from drift.experiments.figures.curves import curves, request_of_run
from drift.experiments.figures.expected import ExpectedPairs
from drift.experiments.report import lattice, structure, tables
from drift.experiments.report.document import (
    DataTable,
    Numbers,
    PageBlock,
    Paragraph,
    Part,
    Picture,
    Section,
    fit_to_page,
)
from drift.experiments.report.prediction import of_run
from drift.experiments.report.tables import format_count, format_share, record_table
from drift.experiments.tables.run import length
from drift.sim.errors import BadInput
from drift.sim.spec.drift import Drift
from drift.sim.stores.run_store import RunStore

_ROWS = 20
"""Most populations in a table, the largest first."""


def black_hole_blocks(store: RunStore) -> list[PageBlock]:
    """Return the figure and the table of the populations, which a run stores at its end."""
    if not store.complete:
        return [Paragraph("Populations are stored when the run is complete.")]
    tokens = store.read("populations")
    if not len(tokens):
        return [Paragraph("There are no black holes: every cell holds one token.")]
    figure = holes([Populations(str(store.address), "black holes", tokens)], "")
    largest, smallest = format_count(int(tokens[0])), format_count(int(tokens[-1]))
    text = (
        f"Tokens in each of {format_count(len(tokens))} black holes by rank, both axes logarithmic:"
        f" from {largest} in the largest to {smallest} in the smallest."
    )
    return [
        Picture(fit_to_page(figure), "Populations of the black holes by rank", text),
        _table(store, tokens),
    ]


def _table(store: RunStore, tokens: np.ndarray) -> DataTable:
    """Return the table of how many black holes there are of each population."""
    values, counts = np.unique(tokens, return_counts=True)
    alive = store.attrs["final"]["alive"]
    rows = [
        [
            format_count(n),
            format_count(many),
            format_count(n * many),
            format_share(n * many / alive),
        ]
        for n, many in zip(values[::-1].tolist(), counts[::-1].tolist(), strict=True)
    ]
    rest = len(rows) - _ROWS
    note = f"{rest:,} smaller populations are not listed." if rest > 0 else ""
    columns = ("population", "black holes", "tokens in them", "share of all tokens")
    return DataTable("Populations of the black holes", columns, rows[:_ROWS], note=note)


def part(store: RunStore, expected_pairs: ExpectedPairs) -> Part:
    """Return the part of a run, complete or not. Raises BadInput where it has no record yet."""
    attrs = store.attrs
    drift, counted = store.drift, _counted(store, attrs)
    if not counted:
        raise BadInput(f"{store.address} has no record yet; run it first")
    made = tables.provenance_table(attrs, str(store.address))
    sections = [
        Section.of("Results", _outcome(store, drift, counted)),
        Section("On the lattice", lambda: lattice.of_run(store, drift, counted)),
        Section("Curves", lambda: _curves(store, counted, expected_pairs)),
        Section.of("Black holes", black_hole_blocks(store)),
        Section("Structure", lambda: structure.blocks(store)),
        Section("Prediction and simulation", lambda: of_run(store, counted, expected_pairs)),
        Section.of("All records", [record_table(counted)]),
        Section.of("Parameters", [tables.spec_table(attrs["spec"]), made]),
        Section.of("Reproduce", tables.rerun_blocks(run_line(drift))),
    ]
    heading = f"A drift of {drift.tokens:,} tokens in {drift.dims:,} dimensions"
    return Part(heading, tables.spec_line(attrs["spec"]), sections)


def _counted(store: RunStore, attrs: dict[str, Any]) -> list[dict[str, Any]]:
    """Return all counts, steps rising, those of the first and the last step among them."""
    ends = [attrs[name] for name in ("initial", "final") if name in attrs]
    found = [*ends, *(counts.as_json() for counts in store.records())]
    by_step = {counts["step"]: counts for counts in found}
    return [by_step[step] for step in sorted(by_step)]


def _outcome(store: RunStore, drift: Drift, counted: Sequence[dict[str, Any]]) -> list[PageBlock]:
    """Return the counts after the last step that is stored."""
    first, last = counted[0], counted[-1]
    values = [
        ("distinct cells", f"{format_count(first['distinct'])} → {format_count(last['distinct'])}"),
        ("black holes", format_count(last["black_holes"])),
        ("tokens in them", format_count(last["black_hole_tokens"])),
        ("largest black hole", format_count(last["largest"])),
        (_radius_name(drift), length(last["radius"])),
        ("stalled coordinates", format_share(last["stalled"])),
    ]
    text = (
        f"After step {format_count(last['step'])} of {format_count(drift.steps)}. A cell is a point"
        " of the lattice in all dimensions; a black hole is a cell that holds two or more tokens,"
        " which have become bit-identical."
    )
    blocks: list[PageBlock] = [Numbers(values), Paragraph(text)]
    if not store.complete:
        there = f"it is at step {format_count(last['step'])} of {format_count(drift.steps)}"
        said = f"This run is not complete: {there}. The page shows the results so far."
        blocks.insert(0, Paragraph(said, strong=True))
    return blocks


def _radius_name(drift: Drift) -> str:
    return f"radius (R = {drift.radius:g})" if drift.motion == "straight" else "radius"


def _curves(
    store: RunStore, counted: Sequence[dict[str, Any]], expected_pairs: ExpectedPairs
) -> list[PageBlock]:
    expected_pairs.at_steps(
        [request_of_run(store, [counts["step"] for counts in counted])]
    )  # for the table too, at once
    first, last = counted[0], counted[-1]
    changes = "; ".join(
        f"{name} go from {format_count(first[key])} to {format_count(last[key])}"
        for name, key in (
            ("distinct cells", "distinct"),
            ("tokens in the largest black hole", "largest"),
            ("coalesced pairs", "pairs"),
        )
    )
    title = "Distinct cells, largest black hole and coalesced pairs against the radius reached"
    if last["radius"] is None:  # the motion leads nowhere in the end
        text, title = f"In all steps, {changes}.", title.replace("radius reached", "step")
    else:
        text = f"From radius {first['radius']:.3g} to {last['radius']:.3g}, {changes}."
    return [Picture(fit_to_page(curves([store], expected_pairs, columns=1)), title, text)]
