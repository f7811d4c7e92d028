"""Expected counts of cells, from the law of the logarithm of their probability.

law        of log p, a convolution over dimensions
occupancy  distinct cells and their error, singletons, black holes, the largest
spectrum   the expected cells of k tokens, for every k
binomial   probabilities of an occupancy
"""
