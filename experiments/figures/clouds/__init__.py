"""What the figure of clouds is drawn from.

plane  the tokens, the black holes and the plane of two dimensions, and what is around the largest
"""
