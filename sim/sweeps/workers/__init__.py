"""Counting a sweep with Dask: the workers of this machine or of a scheduler."""
