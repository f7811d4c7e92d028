"""The occupancy spectrum: in octaves for a screen, of every number of tokens as CSV."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from drift.experiments.console.files import atomic_write

_COLUMNS = ("sigma", "step", "k_first", "k_last", "cells")
_LEAST = 0.005
"""Expected cells of an octave that are shown."""


def octaves(spectrum: Sequence[Sequence[float]]) -> list[tuple[int, int, float]]:
    """Return the expected cells of 1, 2-3, 4-7, ... tokens, up to the last that has any."""
    found: dict[int, float] = {}
    for first, _, cells in spectrum:
        octave = int(first).bit_length() - 1
        found[octave] = found.get(octave, 0.0) + cells
    last = max((octave for octave, cells in found.items() if cells >= _LEAST), default=-1)
    return [(1 << k, (2 << k) - 1, found.get(k, 0.0)) for k in range(last + 1)]


def write_spectra(out: Path, curve: Sequence[dict[str, Any]]) -> None:
    """Write the spectra of the points of a curve, and of their records, as CSV."""
    with atomic_write(out) as new, new.open("w", encoding="utf-8", newline="") as file:
        write = csv.writer(file, lineterminator="\n")
        write.writerow(_COLUMNS)
        for point in curve:
            for record in point.get("records") or [point]:
                for entry in record["spectrum"]:
                    write.writerow(
                        [repr(point["sigma"]), record["step"], *entry[:2], repr(entry[2])]
                    )
