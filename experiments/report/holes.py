"""What a page tells of the black holes of a run: how many tokens fell into each."""

import numpy as np

from drift.experiments.holes import holes
from drift.experiments.populations import Populations
from drift.experiments.report.blocks import Block, Note, Picture, Table
from drift.experiments.report.counted import share, whole
from drift.experiments.report.svg import fitted
from drift.sim.stores.run_store import RunStore

_ROWS = 20
"""Populations that are listed, the largest first."""


def blocks(store: RunStore) -> list[Block]:
    """Those of the last step, which a run stores at its end."""
    if not store.complete:
        return [Note("Populations are stored when a run is complete.")]
    tokens = store.read("populations")
    if not len(tokens):
        return [Note("There are none: every cell holds one token.")]
    drawn = holes([Populations(str(store.address), "black holes", tokens)], "")
    largest, smallest = whole(int(tokens[0])), whole(int(tokens[-1]))
    text = (
        f"Tokens in each of {whole(len(tokens))} black holes by rank, both axes logarithmic:"
        f" from {largest} in the largest to {smallest} in the smallest."
    )
    return [
        Picture(fitted(drawn), "Populations of the black holes by rank", text),
        _table(store, tokens),
    ]


def _table(store: RunStore, tokens: np.ndarray) -> Table:
    """How many black holes there are of each population."""
    values, counts = np.unique(tokens, return_counts=True)
    alive = store.attrs["final"]["alive"]
    rows = [
        [whole(n), whole(many), whole(n * many), share(n * many / alive)]
        for n, many in zip(values[::-1].tolist(), counts[::-1].tolist(), strict=True)
    ]
    rest = len(rows) - _ROWS
    note = f"{rest:,} smaller populations are not listed." if rest > 0 else ""
    columns = ("tokens in it", "black holes", "tokens in all of them", "of all tokens")
    return Table("Populations of the black holes", columns, rows[:_ROWS], note=note)
