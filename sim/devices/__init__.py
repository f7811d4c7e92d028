"""The devices a drift runs on.

device       the devices there are, and a worker's share of them
host_memory  the host's memory that is free
shards       several devices of one process that share a cloud
compilation  the programs compiled in this process
settings     what JAX is told otherwise than the environment says
cache        the directory that keeps them between processes
"""
