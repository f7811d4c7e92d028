"""Zarr stores, on a disk or on object storage.

locate     from what a person writes to where a store is
store      a store that is open; run_store: a run's, and what is in it
resume     the one rule for what may be begun, resumed or replaced
integrity  whether it holds what was written; lock, lease: one writer at a time
"""
