"""Checks that a store holds what was written to it, made whenever something is read.

chunk    of an array, a file or an object; drift writes each with a checksum (CRC-32C), and
         one that is missing reads as fill values, which no result has
seal     in the attributes of a store: a checksum of all the others, which tell the spec, the
         outcome, and what belongs where (sim.stores.digests). Stores of older versions have
         none, and are believed
known    in the attributes likewise: for each array, a checksum of most of its metadata, by
         which versions without digests know it
"""

import itertools
import json
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import zarr
from zarr.codecs import Crc32cCodec, ZstdCodec

from drift.sim.errors import BadInput, Damaged, MissingData, StorageError
from drift.sim.stores.digests import DIGESTS, Misplaced

SEAL, KNOWN = "seal", "arrays"
CHECKED = (ZstdCodec(level=0), Crc32cCodec())
"""The codecs of small arrays: those of zarr, and a checksum."""


def sealed(attributes: dict[str, Any]) -> dict[str, Any]:
    """All attributes of a store, with their seal."""
    said = {name: value for name, value in attributes.items() if name != SEAL}
    return {**said, SEAL: checksum(said)}


def holds(attributes: dict[str, Any]) -> bool:
    """Return whether the seal fits the attributes; true where there never was one."""
    if SEAL not in attributes:
        return DIGESTS not in attributes
    return sealed(attributes)[SEAL] == attributes[SEAL]


def described(array: zarr.Array) -> str:
    """A checksum of most by which the chunks of an array become numbers."""
    return checksum(
        {
            "shape": array.shape,
            "chunks": array.chunks,
            "dtype": str(array.dtype),
            "fill": str(array.fill_value),
            "dims": getattr(array.metadata, "dimension_names", None),
            "attributes": dict(array.attrs),
        }
    )


def checksum(value: Any) -> str:
    """Return a checksum of a JSON value."""
    return f"{zlib.crc32(json.dumps(value, sort_keys=True).encode()):08x}"


@contextmanager
def as_damaged(what: str, kind: type[BadInput] = Damaged) -> Iterator[None]:
    """Turn whatever a library makes of damaged files in the block into a `kind`: `what` is.

    A file that can't be read at all is a BadInput.
    """
    try:
        yield
    except (BadInput, StorageError, MemoryError):
        raise
    except OSError as error:
        raise BadInput(f"{what} can't be read: {error.strerror or error}") from error
    except Exception as error:
        raise kind(f"{what} is damaged: {_why(error)}") from error


def read(array: zarr.Array, store: object, at: Any = ...) -> np.ndarray:
    """`array`[`at`], each index for itself. Raises Damaged, which names the chunk."""
    apart = isinstance(at, tuple) and any(isinstance(each, np.ndarray) for each in at)
    try:
        return np.asarray(array.oindex[at] if apart else array[at])
    except (StorageError, MemoryError):
        raise
    except Exception:
        for chunk, region in chunks(array, at):
            with as_damaged(f"{store}: chunk {chunk} of {array.path}"):
                array[region]
        raise  # none of them alone


def check(values: np.ndarray, array: zarr.Array, store: object, at: Any = ...) -> None:
    """Raise Damaged where any of `values`, which were written to `array`, is a fill value.

    It is MissingData where a whole chunk is missing.
    """
    if not _filled(values, array).any():
        return
    for chunk, region in chunks(array, at):
        if _filled(read(array, store, region), array).all():
            raise MissingData(f"{store} is damaged: chunk {chunk} of {array.path} is missing")
    raise Damaged(f"{store} is damaged: {array.path} lacks values that were written")


def _filled(values: np.ndarray, array: zarr.Array) -> Any:
    fill: Any = array.fill_value
    return values == fill if fill == fill else np.isnan(values)


def chunks(array: zarr.Array, at: Any = ...) -> Iterator[tuple[str, tuple[slice, ...]]]:
    """The name and the place of each chunk that holds some of `array`[`at`]."""
    given = list(at) if isinstance(at, tuple) else [at]
    whole = [slice(None)] * (array.ndim - len(given) + 1)
    for k, each in enumerate(given):
        if each is Ellipsis:
            given[k : k + 1] = whole
            break
    given += [slice(None)] * (array.ndim - len(given))
    touched = [
        np.unique(np.atleast_1d(np.arange(length)[each]) // size).tolist()
        for length, size, each in zip(array.shape, array.chunks, given, strict=True)
    ]
    for place in itertools.product(*touched):
        sizes = zip(place, array.chunks, strict=True)
        name = "/".join(map(str, ("c", *place)))
        yield name, tuple(slice(k * size, (k + 1) * size) for k, size in sizes)


def _why(error: Exception) -> str:
    if isinstance(error, Misplaced):
        return str(error)
    if "checksum" in str(error):
        return "its checksum does not hold"
    return f"it can't be decoded ({type(error).__name__})"
