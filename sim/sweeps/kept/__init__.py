"""Parts of what is kept of a sweep.

coordinates  the axes, as arrays of its store
shown        a store as a table, in notebooks, pandas and xarray
swept        the result of drift.sweep, which has a store
"""
