"""Tables of a track: its samples, when tokens froze, and what became of black holes."""

from collections import Counter

import numpy as np
from rich import box
from rich.table import Table

from drift.experiments.console.terminal import LINE, new_console, say
from drift.sim.errors import printable
from drift.sim.structures.lineage import Side
from drift.sim.tracks.found import FROZEN, Track, TrackEvent
from drift.sim.tracks.names import WHATS

_SAMPLES, _EVENTS, _STRETCHES = 14, 8, 6
"""Most samples, events and still stretches that are shown."""
_HOLES = 4
"""Most black holes shown of an event, the largest first."""


def show_track(track: Track) -> None:
    """Print the samples, the phases of the tokens, still stretches and events of a track."""
    console = new_console()
    console.print(printable(track.label, LINE))
    shape = f"{len(track.steps):,} samples of {track.tokens:,} tokens × {track.dims:,} dims"
    console.print(f"{shape} in {track.format}")
    console.print(_samples(track))
    for line in _phases(track):
        console.print(line)
    if track.events:
        found = Counter(event.what for event in track.events)
        words = ", ".join(f"{word} {found[word]:,}" for word in WHATS if found[word])
        console.print(f"black holes from sample to sample: {words}")
        console.print(_events(track.events))
    else:
        console.print("no black hole was born, changed or dissolved")
    if track.store:
        say(f"store: {track.store}")


def _samples(track: Track) -> Table:
    """Return the table of samples: counts, quantiles of displacements, motion of the centroid."""
    table = Table(box=box.SIMPLE, pad_edge=False)
    heads = ("step", "distinct", "holes", "in holes", "moved", "L2", "L∞ max")
    for name in (*heads, "motion"):
        table.add_column(name, justify="right", no_wrap=True)
    of = track.arrays
    last = len(track.steps) - 1
    shown = sorted({round(k * last / (_SAMPLES - 1)) for k in range(_SAMPLES)})
    for k in shown:
        counts = (of[name][k] for name in ("distinct", "black_holes", "black_hole_tokens"))
        cells = [f"{track.steps[k]:,}", *(f"{n:,}" for n in counts)]
        if k:
            share = of["moved_tokens"][k] / max(1, of["alive"][k])
            cells.append("0%" if not share else "<0.1%" if share < 0.001 else f"{share:.1%}")
            cells += [_ranks(of[name][k]) for name in ("l2_median", "linf_max")]
            cells.append(f"{of['centroid_step'][k]:.2g}")
        table.add_row(*cells)
    return table


def _ranks(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _phases(track: Track) -> list[str]:
    """Return lines on when tokens froze, and on stretches in which nothing moves."""
    of, tokens, last = track.per_token, track.tokens, track.steps[-1]
    never = int(np.count_nonzero(of["last_motion"] < 0))
    moving = int(np.count_nonzero(of["last_motion"] == last))
    shared = int(np.count_nonzero(of["first_shared"] >= 0))
    froze = of["last_motion"][(of["last_motion"] >= 0) & (of["last_motion"] < last)]
    between = f" between steps {froze.min():,} and {froze.max():,}" if len(froze) else ""
    lines = [
        f"tokens that never moved: {never:,}; that froze{between}: {len(froze):,}; that still moved"
        f" at the last sample: {moving:,}; of {tokens:,}",
        FROZEN,
        f"tokens that were ever in a black hole: {shared:,}",
    ]
    if still := track.all_still:
        shown = ", ".join(f"{a:,} to {b:,}" for a, b in still[:_STRETCHES])
        more = f" and {len(still) - _STRETCHES:,} more" if len(still) > _STRETCHES else ""
        lines.append(f"nothing moves from step {shown}{more}")
    return lines


def _events(events: list[TrackEvent]) -> Table:
    """Return the table of the first events."""
    table = Table(box=box.SIMPLE, pad_edge=False, title_justify="left")
    for name in ("step", "event", "tokens before", "tokens after"):
        table.add_column(name, justify="right" if name == "step" else "left")
    table.add_column("first tokens", overflow="fold")
    for event in events[:_EVENTS]:
        ids = event.before.token_ids[:_HOLES] + event.after.token_ids[:_HOLES]
        first = ", ".join(map(str, dict.fromkeys(ids)))
        sides = (_populations(side) for side in (event.before, event.after))
        table.add_row(f"{event.step:,}", event.what, *sides, first)
    if len(events) > _EVENTS:
        table.add_row("", f"{len(events) - _EVENTS:,} more", "", "", "")
    return table


def _populations(side: Side) -> str:
    shown = [f"{tokens:,}" for tokens in side.tokens[:_HOLES]]
    more = len(side.tokens) - _HOLES
    return " + ".join(shown + [f"{more:,} more"] * (more > 0)) or "–"
