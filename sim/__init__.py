"""The physics of a drift, from what it is to what is stored of it; imports kernels alone.

spec, sampling, clouds        what a drift is, and where its tokens start
engines, counting, devices    what moves them, which of them share a cell, and on what
runs, batches, sweeps, stores one drift, many, grids of them, and their zarr stores
prediction, structures        what is expected without moving anything; how cells lie
checkpoints                   the matrices of real models
"""
