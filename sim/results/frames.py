"""Libraries of labelled arrays and of tables, which are optional: xarray and pandas."""

from importlib import import_module
from typing import Any

from drift.sim.errors import BadInput


def xarray_for(what: str) -> Any:
    """Return the module xarray. Raises BadInput where `what` needs it and it is not installed."""
    return _installed("xarray", what)


def pandas_for(what: str) -> Any:
    """Return the module pandas. Raises BadInput where `what` needs it and it is not installed."""
    return _installed("pandas", what)


def _installed(name: str, what: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise BadInput(f"{what} needs the package {name}; pip install {name}") from error


def ordered(dataset: Any, first: tuple[str, ...]) -> Any:
    """Return a dataset whose variables of these names come first, in this order."""
    there = [name for name in first if name in dataset.data_vars]
    rest = sorted(name for name in dataset.data_vars if name not in there)
    return dataset[[*there, *rest]]


def open_ordered(place: Any, first: tuple[str, ...]) -> Any:
    """Return the dataset of the store at a location, its variables in the order of `first`."""
    xarray = xarray_for("to_xarray")
    group = place.group()
    dataset = xarray.open_zarr(group.store, consolidated=False, zarr_format=3, chunks=None)
    return ordered(dataset, first)
