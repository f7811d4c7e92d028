"""Small sweeps for tests, and what their stores hold, to the last byte."""

from pathlib import Path

import zarr

from drift.sim.sweeps.grid import Grid

TINY = {
    "sigma": (1e-9, 1e-7),
    "steps": (1, 5, 40),
    "seed": (0, 1),
    "tokens": (12,),
    "dims": (8,),
    "records": (6,),
}
"""Twelve cells of three kinds."""


def tiny(**more):
    """The grid of TINY, with other fields."""
    return Grid.given({**TINY, **more})


def held(path):
    """Every array of a store: its type, shape and bytes."""
    found = zarr.open_group(path, mode="r")
    arrays = {name: array[...] for name, array in found.arrays()}
    return {name: (str(a.dtype), a.shape, a.tobytes()) for name, a in arrays.items()}


def files(path: Path):
    """Every file of a store that holds values, and its bytes."""
    return {
        str(file.relative_to(path)): file.read_bytes()
        for file in path.rglob("*")
        if file.is_file() and file.name != "zarr.json"
    }


def life():
    """A grid of twelve kinds, one after the other, for those who are killed among them."""
    return tiny(steps=tuple(range(1, 13)))
