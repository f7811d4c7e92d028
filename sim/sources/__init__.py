"""Functions of the library that take whatever their users have: results, stores, paths, arrays.

source     what token vectors come from, whatever it is
structure  the structure of one; scan, compare: of checkpoints and runs
predict    a drift, or a grid of drifts; check: a device
"""
