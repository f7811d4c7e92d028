"""The devices a drift runs on.

device       the devices there are, a worker's share of them, and free memory
shards       several devices of one process that share a cloud
compilation  the programs compiled in this process
cache        the directory that keeps them between processes
"""
