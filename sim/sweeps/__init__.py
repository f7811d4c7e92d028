"""Grids of drifts.

grid    what a sweep goes over
sweep   its points counted and written: begun, resumed, finished
store   what is kept of it, and how that is read
local   who counts: the devices of this process, or, in dask, the workers of a cluster
"""
