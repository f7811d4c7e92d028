"""Engines, which move a cloud.

simulation  one drift from its initial cloud to its last step, a record at a time
step, host  every coordinate, on a CPU: by JAX, or without it and only what can still differ
leap        every distinct value in its place
choose      which of them it is to be; that of accelerators is sim.settling
reference   the definition of right, in plain NumPy and ml_dtypes
"""
