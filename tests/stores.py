"""Runs that are stopped by tests, and what their stores hold."""

import numpy as np
import zarr

from drift.sim.stores.locate import locate


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


def assert_same_arrays(a, b):
    a, b = arrays(a), arrays(b)
    assert a.keys() == b.keys()
    for name in a:
        np.testing.assert_array_equal(a[name], b[name], err_msg=name)
