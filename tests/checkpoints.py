"""Checkpoints written for tests: files byte by byte, so that they may also be wrong."""

import json
from pathlib import Path

import numpy as np

from drift.sim.checkpoints.weights import FORMATS_BY_DTYPE, INDEX

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
