"""Counting the tokens that share a cell, exactly.

coalesce   the coalescence counter: rows of codes to labels
cells      the occupied cells, their tokens, and the counts that are reported
partition  cells at several records of one drift, with as few comparisons as possible
"""
