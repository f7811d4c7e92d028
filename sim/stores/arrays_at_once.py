"""Several arrays of a group, made or written at once: the library is asked a single time.

It does each in an event loop of its own, and to go there and back takes as long as a small array.
"""

import asyncio
from collections.abc import Coroutine, Iterable, Mapping
from typing import Any

import numpy as np
import zarr
from zarr.api.asynchronous import create_array
from zarr.core.sync import sync


def create(
    group: zarr.Group, arrays: Mapping[str, Mapping[str, Any]], overwrite: bool = False
) -> dict[str, zarr.Array]:
    """Make arrays of a group, as `zarr.create_array` is told of each; return them by name."""
    at: Any = group.store_path
    told = [(name, {**each, "overwrite": overwrite}) for name, each in arrays.items()]
    made = _all([create_array(at, name=name, zarr_format=3, **each) for name, each in told])
    return {name: zarr.Array(each) for name, each in zip(arrays, made, strict=True)}


def create_filled(
    group: zarr.Group,
    arrays: Mapping[str, tuple[Mapping[str, Any], np.ndarray]],
    overwrite: bool = False,
) -> dict[str, zarr.Array]:
    """Make arrays, as `create` does, and write the values that stand beside each."""
    made = create(group, {name: told for name, (told, _) in arrays.items()}, overwrite)
    write(..., [(made[name], values) for name, (_, values) in arrays.items()])
    return made


def write(at: Any, values: Iterable[tuple[zarr.Array, np.ndarray]]) -> None:
    """Write what arrays hold `at` an index."""
    _all([array.async_array.setitem(at, each) for array, each in values])


def _all(doing: list[Coroutine[Any, Any, Any]]) -> list[Any]:
    async def every() -> list[Any]:
        # All are waited for, also where one fails: nothing is written later, behind a lock's back.
        return await asyncio.gather(*doing, return_exceptions=True)

    found = sync(every())
    for each in found:
        if isinstance(each, BaseException):
            raise each
    return found
