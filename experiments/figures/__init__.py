"""Matplotlib figures, in one style.

curves, black_holes, cloud, components  one kind of figure each; sweeps: figures of sweeps
style, captions, legend, axes           how figures look, and how runs are named in them
expected                                the expected pairs that they show beside counted ones
"""
