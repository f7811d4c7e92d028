"""Matplotlib figures, in one style.

curves, black_holes, cloud, components  one figure each; sweeps: those of grids
style, captions, legend, axes           how they look, and how runs are named in them
expected                                what is predicted of what they show
"""
