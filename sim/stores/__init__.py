"""Zarr stores on a disk or on object storage: where they are, who writes, what a run's holds."""
