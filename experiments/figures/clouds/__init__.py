"""Tokens as the figure of clouds draws them.

plane  the tokens, the black holes and the plane of two dimensions, and what is around the largest
"""
