"""Many small drifts moved and counted together.

batch          the drifts of one group, from their specs to their counts
stacked        drifts moved by coordinate, as one cloud
shared_motion  drifts moved by value: a value goes where it goes in all of them
sizing         how many go together, and which of the two ways
"""
