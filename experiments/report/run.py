"""What a page tells of a run."""

from collections.abc import Sequence
from typing import Any

from drift.experiments.commanded import run_line
from drift.experiments.curves import asked, curves
from drift.experiments.expectation import Outlook
from drift.experiments.report import holes, lattice, structure, wording
from drift.experiments.report.blocks import Block, Note, Numbers, Part, Picture, Section
from drift.experiments.report.counted import records, share, whole
from drift.experiments.report.expected import of_run
from drift.experiments.report.svg import fitted
from drift.sim.errors import BadInput
from drift.sim.spec.drift import Drift
from drift.sim.stores.run_store import RunStore


def part(store: RunStore, outlook: Outlook) -> Part:
    """The part of a run, complete or not. Raises BadInput where nothing was counted yet."""
    attrs = store.attrs
    drift, counted = Drift.from_json(attrs["spec"]), _counted(store, attrs)
    if not counted:
        raise BadInput(f"{store.address} has no record yet; run it first")
    made = wording.made_on(attrs, str(store.address))
    sections = [
        Section("What came of it", _outcome(store, drift, counted)),
        Section.made("On the lattice", lambda: lattice.of_run(store, drift, counted)),
        Section.made("The curves", lambda: _curves(store, counted, outlook)),
        Section("Black holes", holes.blocks(store)),
        Section.made("Structure", lambda: structure.blocks(store)),
        Section.made("Prediction beside simulation", lambda: of_run(store, counted, outlook)),
        Section("All records", [records(counted)]),
        Section("What was run", [wording.asked(attrs["spec"]), made]),
        Section("Run it again", wording.again(run_line(drift))),
    ]
    heading = f"A drift of {drift.tokens:,} tokens in {drift.dims:,} dimensions"
    return Part(heading, wording.described(attrs["spec"]), sections)


def _counted(store: RunStore, attrs: dict[str, Any]) -> list[dict[str, Any]]:
    """The counts that are there, rising, the first and the last step's among them."""
    ends = [attrs[name] for name in ("initial", "final") if name in attrs]
    found = [*ends, *(counts.as_json() for counts in store.records())]
    by_step = {counts["step"]: counts for counts in found}
    return [by_step[step] for step in sorted(by_step)]


def _outcome(store: RunStore, drift: Drift, counted: Sequence[dict[str, Any]]) -> list[Block]:
    """The state at the last step that is there."""
    first, last = counted[0], counted[-1]
    values = [
        ("distinct cells", f"{whole(first['distinct'])} → {whole(last['distinct'])}"),
        ("black holes", whole(last["black_holes"])),
        ("tokens in them", whole(last["black_hole_tokens"])),
        ("largest black hole", whole(last["largest"])),
        (f"radius (R = {drift.radius:g})", f"{last['radius']:.4g}"),
        ("stalled coordinates", share(last["stalled"])),
    ]
    text = (
        f"After step {whole(last['step'])} of {whole(drift.steps)}. A cell is a point of the"
        " lattice in all dimensions; a black hole is a cell of two tokens or more, which have"
        " become bit-identical."
    )
    blocks: list[Block] = [Numbers(values), Note(text)]
    if not store.complete:
        there = f"it is at step {whole(last['step'])} of {whole(drift.steps)}"
        said = f"This run is not complete: {there}. The page shows what is there."
        blocks.insert(0, Note(said, strong=True))
    return blocks


def _curves(store: RunStore, counted: Sequence[dict[str, Any]], outlook: Outlook) -> list[Block]:
    outlook.expected([asked(store, [counts["step"] for counts in counted])])  # the table's too
    first, last = counted[0], counted[-1]
    changes = "; ".join(
        f"{name} go from {whole(first[key])} to {whole(last[key])}"
        for name, key in (
            ("distinct cells", "distinct"),
            ("tokens in the largest black hole", "largest"),
            ("coalesced pairs", "pairs"),
        )
    )
    text = f"From radius {first['radius']:.3g} to {last['radius']:.3g} {changes}."
    title = "Distinct cells, the largest black hole and pairs against the radius reached"
    return [Picture(fitted(curves([store], outlook, columns=1)), title, text)]
