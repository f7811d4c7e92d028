"""Exact expectations of a drift, without moving a token; derivation.md says why.

predict    expected pairs, their error, radius and stalled share, record by record
onset      the sigma at which one pair is expected
transport  where every drawable value goes, and how probable it is
starts     where the dimensions of a cloud start
collapsed  whether a cloud is in one cell from the beginning
"""
