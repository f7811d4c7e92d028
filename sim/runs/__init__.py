"""One drift from start to end.

run        into a store: begun, resumed, finished
simulate   in memory: nothing is written
prepare    what both do first; memory: whether it fits; snapshots: whole clouds on disk
"""
