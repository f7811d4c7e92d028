"""Engines, which move a cloud.

simulation          one drift from its initial cloud to its last step, a record at a time
step, leap, choose  every coordinate, or every distinct value, and which of the two it is to be
reference           the definition of right, in plain NumPy and ml_dtypes
"""
