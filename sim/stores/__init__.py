"""Zarr stores, on a disk or on object storage.

locate     from what a person writes to where a store is
store      a store that is open; run_store: a run's, run_layout: the arrays it has
resume     the one rule for what may be begun, resumed or replaced
integrity  whether it holds what was written; digests: and whether that belongs where it is
lock       one writer at a time
location   where a store may be; local_files: on this machine; objects: on object storage
"""
