"""Tables that a motion is made of: displacements (steps, dims), and sizes of a gradient.

table  `DisplacementTable`: the text that stands for an array or a file in a spec, and carries it
files  the rows of a file, read a block at a time: .npy, safetensors, Zarr or HDF5
paths  names of such files
sizes  `SizeTable`: the steps and the sizes of a CSV
"""
