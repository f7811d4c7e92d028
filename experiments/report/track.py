"""The part of a page that shows a track."""

from functools import partial

from drift.experiments.figures.track import PANELS, phases, track_figure
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
from drift.experiments.report.tables import every_nth, format_count, provenance_table
from drift.sim.errors import BadInput
from drift.sim.tracks.found import FROZEN, Track
from drift.sim.tracks.track_store import TrackStore

_TITLES = {
    "phases": "Tokens by phase: early, midlife, late, frozen",
    "freezing": "Steps at which tokens froze",
    "displacement": "Quantiles of the displacements, in lattice ranks",
    "centroid": "Norm of the centroid, and its motion",
    "energy": "Bulk and thermal motion",
    "moves": "Which tokens move when",
}
_COLUMNS = {
    "distinct": "distinct",
    "black_holes": "black holes",
    "black_hole_tokens": "tokens in them",
    "moved_tokens": "moved tokens",
    "l2_median": "median L2",
    "l2_p90": "p90 of L2",
    "linf_max": "largest L∞",
    "centroid_step": "centroid step",
    "thermal": "thermal",
}
_EVENTS, _MOST = 40, 100
"""Most events, and most samples, in a table."""
_MEANING = (
    "Displacements count lattice steps between one sample and the next. A token is early until its"
    " last displacement with L2 above √dims, midlife until its last with a dimension that moved by"
    " more than one step, late until its last motion, and frozen from then on."
)


def part(store: TrackStore) -> Part:
    """Return the part of a track. Raises BadInput where it is not complete."""
    if not store.complete:
        raise BadInput(f"{store.address} is not complete; the same drift track goes on")
    track = store.track()
    sections = [
        Section.of("Results", _outcome(track)),
        *(Section(_TITLES[name], partial(_pictures, track, name)) for name in PANELS),
        Section.of("Black holes", [_events(track)]),
        Section.of("Samples", [_samples(track)]),
        Section.of("Parameters", [_spec(store), provenance_table(store.attrs, str(store.address))]),
    ]
    shape = f"{track.tokens:,} tokens in {track.dims:,} dimensions"
    lead = f"{track.label}: {len(track.steps):,} samples in {track.format}."
    return Part(f"The track of {shape}", lead, sections)


def _outcome(track: Track) -> list[PageBlock]:
    of, last = track.arrays, track.steps[-1]
    ended = track.per_token["last_motion"]
    values = [
        ("distinct cells", " → ".join(format_count(int(of["distinct"][k])) for k in (0, -1))),
        ("black holes", format_count(int(of["black_holes"][-1]))),
        ("tokens that never moved", format_count(int((ended < 0).sum()))),
        ("that still moved at the end", format_count(int((ended == last).sum()))),
        ("events of black holes", format_count(len(track.events))),
    ]
    still = ", ".join(f"{a:,} to {b:,}" for a, b in track.all_still[:6])
    blocks: list[PageBlock] = [Numbers(values), Paragraph(f"{_MEANING} Here {FROZEN}.")]
    if still:
        blocks.append(Paragraph(f"Nothing moves from step {still}."))
    return blocks + [Paragraph(note, strong=True) for note in track.notes]


def _pictures(track: Track, name: str) -> list[PageBlock]:
    text = _TITLES[name]
    if name == "phases":
        counts = ", ".join(f"{n[-1]:,} {phase}" for phase, n in phases(track).items())
        text = f"{text}. At the last sample: {counts}."
    return [Picture(fit_to_page(track_figure(track, [name])), _TITLES[name], text)]


def _events(track: Track) -> PageBlock:
    if not track.events:
        return Paragraph("No black hole was born, changed or dissolved between samples.")
    rows = []
    for event in track.events[:_EVENTS]:
        told = event.as_json()
        names = ("tokens_before", "tokens_after")
        counts = [format_count(told[name]) for name in names]
        rows.append([format_count(event.step), event.what, *counts, str(event.first_token)])
    left = len(track.events) - _EVENTS
    note = f"{left:,} later events are not listed; the store has them." if left > 0 else ""
    columns = ("step", "event", "tokens before", "tokens after", "first token")
    return DataTable("What became of black holes", columns, rows, numeric=False, note=note)


def _samples(track: Track) -> DataTable:
    shown, left = every_nth(range(len(track.steps)), "samples", _MOST)
    rows = [
        [format_count(track.steps[k]), *(_text(track, name, k) for name in _COLUMNS)] for k in shown
    ]
    note = f"{left} drift export writes all samples and all digits.".lstrip()
    return DataTable("Numbers by step", ["step", *_COLUMNS.values()], rows, note=note)


def _text(track: Track, name: str, k: int) -> str:
    value = track.arrays[name][k].item()
    if isinstance(value, int):
        return format_count(value) if value >= 0 else "–"
    return "–" if value != value else f"{value:.4g}"


def _spec(store: TrackStore) -> DataTable:
    spec = {name: value for name, value in store.attrs["spec"].items() if value is not None}
    rows = [(name, str(value)) for name, value in spec.items()]
    return DataTable("Spec", ("Option", "Value"), rows, numeric=False)
