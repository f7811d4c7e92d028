"""Many small drifts moved and counted together.

batch          the drifts of one kind, from their specs to their counts
stacked        moved by coordinate, as one cloud
shared_motion  moved by value: a value goes where it goes in all of them
sizing         how many together, and which of the two ways
"""
