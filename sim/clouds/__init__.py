"""The cloud at step 0, and the direction in which it goes.

initial          the one way to a cloud, wherever it comes from
drawn            tokens drawn from N(0, sigma)
checkpoint_rows  tokens that are rows of a checkpoint
direction        the unit vector that all of them follow
"""
