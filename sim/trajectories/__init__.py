"""Trajectories: clouds of the same tokens, one after another, wherever they are stored.

sources     from an array, a path or several to a trajectory
files       in one file: .npy, safetensors, zarr, HDF5
checkpoints in several: checkpoints in order, and the snapshots of a run
trajectory  how one is read; plan: which of its samples and tokens are looked at
rows        tokens that are selected; suspicion: values that look like another format's
"""
