"""Structure of clouds, and lineage of black holes.

structure  black holes, components and distances of one cloud
scan       the black holes of a checkpoint's matrices
compare    two matrices, bit by bit; lineage: the fate of each black hole between them
"""
