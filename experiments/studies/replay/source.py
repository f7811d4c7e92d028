"""The source of a replay: which trajectory it is, by its options and the bits of its ends."""

import hashlib
from typing import Any

import numpy as np

from drift.experiments.studies.parts import Note, Part
from drift.experiments.studies.replay.observed import observed
from drift.experiments.studies.replay.replayed import replayed
from drift.sim.errors import BadInput
from drift.sim.spec.origin import EXPONENTS
from drift.sim.trajectories.plan import View, view_of
from drift.sim.trajectories.sources import open_trajectory

OPTIONS = ("sources", "tensor", "format", "steps", "every", "rows", "near", "exponents")
"""The names of a source's options, as sim.tracks.track has them."""


def view(options: dict[str, Any]) -> View:
    """Return the samples and tokens that options name. Raises BadInput where there are none."""
    sources = options.get("sources")
    if not sources:
        raise BadInput(
            "no source is named; drift study replay SOURCE takes what drift track takes: an array"
            " (steps, tokens, dims), a store, or checkpoints in order"
        )
    given = sources[0] if len(sources) == 1 else list(sources)
    near, exponents = options.get("near"), options.get("exponents")
    if exponents is not None and near is None:
        raise BadInput(f"exponents is {exponents} without near; --near names the token")
    return view_of(
        open_trajectory(given, options.get("tensor"), options.get("format")),
        options.get("steps"),
        options.get("every", 1),
        options.get("rows"),
        near,
        EXPONENTS if exponents is None else exponents,
    )


def parts(quick: bool, options: dict[str, Any]) -> list[Part]:
    """Return the parts. Raises BadInput for a source that is none, and for a quick form."""
    if quick:
        raise BadInput("replay has no quick form; --every N looks at fewer samples of its source")
    seen = view(options)
    asked = {
        "source": seen.trajectory.label,
        "options": {name: options[name] for name in OPTIONS if options.get(name) is not None},
        "samples": len(seen.picked),
        "tokens": len(seen.rows),
        "dims": seen.trajectory.dims,
        "format": seen.trajectory.target.name,
        "ends": _ends(seen),
    }
    return [
        Note("observed", asked, lambda made: observed(view(options), made)),
        Note("replayed", asked, lambda made: replayed(view(options), made)),
    ]


def _ends(seen: View) -> str:
    """Return a digest of the first sample and the last one."""
    found = hashlib.blake2b(digest_size=8)
    for k in (0, len(seen.picked) - 1):
        found.update(np.ascontiguousarray(next(iter(seen.samples(k)))[0]).data)
    return found.hexdigest()
