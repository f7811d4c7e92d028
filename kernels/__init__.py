"""Arithmetic on arrays: formats, rounding, the step, the leap, row fingerprints, exact sums.

Words used throughout the package:

code        a value of a format as the unsigned integer of its bits
value       the same as a float32, which holds every value of every format
displacement  the float32 vector that one step adds to every token
tile        a few token rows that are moved together, so that they stay in cache

Nothing here deals with clouds, files or screens.
"""
