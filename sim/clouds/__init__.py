"""The cloud at step 0, and the direction in which it goes.

initial          the one way to a cloud, wherever it comes from
drawn            tokens drawn from N(0, sigma), or another shape
centre           the vector around which they are drawn
centred          their codes, rounded once
checkpoint_rows  tokens that are rows of a checkpoint
direction        the unit vector that all of them follow
"""
