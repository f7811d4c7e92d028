"""What tests are given: checkpoints written byte by byte, so that they may also be wrong; runs that
are stopped, small sweeps, stores of sweeps that were never swept, and what stores hold.
"""

import json
from pathlib import Path

import numpy as np
import zarr
from tokenizers import Tokenizer, models

from drift.sim.checkpoints.layouts import INDEX
from drift.sim.checkpoints.weights import FORMATS_BY_DTYPE
from drift.sim.stores import arrays_at_once
from drift.sim.stores.layouts import told
from drift.sim.stores.locate import locate
from drift.sim.stores.run_layout import small
from drift.sim.sweeps.grid import Grid
from drift.sim.sweeps.store import FIRST, SweepStore, fill

DTYPES = {target.name: dtype for dtype, target in FORMATS_BY_DTYPE.items()}
"""safetensors' names of formats by ours"""


def matrix(codes, target):
    """A matrix of codes of a format as a tensor for `write`: (dtype, shape, bytes)."""
    little = np.ascontiguousarray(codes, target.storage.newbyteorder("<"))
    return DTYPES[target.name], list(codes.shape), little.tobytes()


def header(tensors, metadata=None):
    """The header of {name: (dtype, shape, bytes)} as a dictionary, tensors one behind another."""
    entries, end = {}, 0
    if metadata is not None:
        entries["__metadata__"] = metadata
    for name, (dtype, shape, data) in tensors.items():
        begin, end = end, end + len(data)
        entries[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end]}
    return entries


def write(path, tensors, metadata=None, padding=0):
    """A safetensors file of {name: (dtype, shape, bytes)}; `padding` moves the data."""
    raw = json.dumps(header(tensors, metadata)).encode() + b" " * padding
    return write_raw(path, raw, b"".join(data for _, _, data in tensors.values()))


def write_raw(path, raw, data=b""):
    """A file of a header in bytes, right or wrong, and data."""
    path = Path(path)
    path.write_bytes(len(raw).to_bytes(8, "little") + raw + data)
    return path


def write_sharded(directory, shards, **index):
    """A directory with an index and a file for each of `shards`, dictionaries as for `write`."""
    directory = Path(directory)
    directory.mkdir(exist_ok=True)
    weight_map = {}
    for number, tensors in enumerate(shards, 1):
        file = f"model-{number:05}-of-{len(shards):05}.safetensors"
        write(directory / file, tensors)
        weight_map |= dict.fromkeys(tensors, file)
    document = {"metadata": {}, "weight_map": weight_map, **index}
    (directory / INDEX).write_text(json.dumps(document))
    return directory


class Stop(Exception):
    """The power goes out."""


def stop_after(records):
    def progress(counts, done, total):
        if done == records:
            raise Stop

    return progress


def arrays(place):
    """Every array of a store, by its path."""
    members = locate(place).group().members(None)
    return {name: one[...] for name, one in members if isinstance(one, zarr.Array)}


def assert_same_arrays(a, b, new=()):
    """Compare the arrays of two stores, of which the second alone has those called `new`."""
    a, b = arrays(a), arrays(b)
    assert {*a, *new} == b.keys()
    for name in a:
        np.testing.assert_array_equal(a[name], b[name], err_msg=name)


TINY = {
    "sigma": (1e-9, 1e-7),
    "steps": (1, 5, 40),
    "seed": (0, 1),
    "tokens": (12,),
    "dims": (8,),
    "records": (6,),
}
"""Twelve cells of three kinds."""


def numbers(group, name, dims):
    """A small array of whole numbers in a group, as stores have them."""
    return arrays_at_once.create(group, {name: small("int64", dims, "numbers")})[name]


def tiny(**more):
    """The grid of TINY, with other fields."""
    return Grid.given({**TINY, **more})


def stored_bytes(path):
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


def kinds(number):
    """A grid of so many kinds of points, which are counted one after the other."""
    return tiny(steps=(5,), dims=tuple(range(3, 3 + number)))


def life():
    """A grid of twelve kinds, for those who are killed among them."""
    return kinds(12)


def small_grid(axes, **base):
    """The grid over `axes`, a dictionary of values; other fields are those of a small drift."""
    base = {"sigma": 1e-9, "tokens": 100, "dims": 16, "records": 4, **base}
    return Grid.given({**{name: (value,) for name, value in base.items()}, **axes})


def sweep_store(path, axes, share, left=(), failed=(), **base):
    """A store whose cells are done but those `left` or `failed`, tuples of places.

    `share`, of the values of a cell's axes and its record's progress, is the share of
    the tokens that is distinct then; the largest black hole has the others and one, whose
    pairs are all, and the radius reached is as it is asked for.
    """
    made = small_grid(axes, **base)
    with locate(path).begin(told.written(FIRST)) as group:
        fill(group, made)
    written = SweepStore(path, writing=True)
    counts = {name: written.read(name) for name in written.names}
    done = np.ones(made.shape, bool)
    for place in (*left, *failed):
        done[place] = False
    for cell in np.flatnonzero(done):
        place, values = np.unravel_index(cell, made.shape), made.values(int(cell))
        for name in written.names:  # those of which nothing is said
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
        written.array(written.names[name])[...] = values
    written.array("done")[...] = done
    cells = sorted({int(cell) for place in failed for cell in _cells(made, place)})
    written.update(failed=[{"reason": "it was so", "cells": cells}] if cells else [])
    return SweepStore(path)


def _cells(made, place):
    """The numbers of the cells at a place, which may leave out the last axes."""
    return np.arange(len(made)).reshape(made.shape)[place].ravel()


def tokenizer(vocabulary, decoder=None, special=()):
    """A tokenizer of {token: id}, which needs no merges to decode."""
    made = Tokenizer(models.WordLevel(vocabulary, unk_token="a"))
    made.decoder = decoder
    made.add_special_tokens(list(special))
    return made
