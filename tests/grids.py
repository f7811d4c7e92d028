"""Stores of sweeps for tests, written without sweeping."""

import numpy as np

from drift.sim.stores.locate import locate
from drift.sim.sweeps import store as grid_layout
from drift.sim.sweeps.grid import Grid
from drift.sim.sweeps.store import NAMES, SweepStore


def grid(axes, **base):
    """The grid over `axes`, a dictionary of values; other fields are those of a small drift."""
    base = {"sigma": 1e-9, "tokens": 100, "dims": 16, "records": 4, **base}
    return Grid.given({**{name: (value,) for name, value in base.items()}, **axes})


def store(path, axes, share, left=(), failed=(), **base):
    """A store whose cells are done but those `left` or `failed`, tuples of places.

    `share`, of the values of a cell's axes and its record's progress, is the share of
    the tokens that is distinct then; the largest black hole has the others and one, whose
    pairs are all, and the radius reached is as it is asked for.
    """
    made = grid(axes, **base)
    with locate(path).begin(grid_layout.FIRST) as group:
        grid_layout.fill(group, made)
    written = SweepStore(path, writing=True)
    counts = {name: written.read(name) for name in NAMES}
    done = np.ones(made.shape, bool)
    for place in (*left, *failed):
        done[place] = False
    for cell in np.flatnonzero(done):
        place, values = np.unravel_index(cell, made.shape), made.values(int(cell))
        for name in NAMES:  # those of which nothing is said
            counts[name][*place] = 0
        drift = made.drift(int(cell))
        tokens = drift.tokens
        for k, progress in enumerate(made.progress):
            distinct = round(tokens * share(**values, progress=progress))
            counts["distinct"][*place, k] = distinct
            counts["alive"][*place, k] = tokens
            counts["largest"][*place, k] = tokens - distinct + 1
            counts["pairs"][*place, k] = (tokens - distinct + 1) * (tokens - distinct) // 2
            counts["radius"][*place, k] = drift.radius * progress
    for name, values in counts.items():
        written.array(NAMES[name])[...] = values
    written.array("done")[...] = done
    cells = sorted({int(cell) for place in failed for cell in _cells(made, place)})
    written.update(failed=[{"reason": "it was so", "cells": cells}] if cells else [])
    return SweepStore(path)


def _cells(made, place):
    """The numbers of the cells at a place, which may leave out the last axes."""
    return np.arange(len(made)).reshape(made.shape)[place].ravel()
