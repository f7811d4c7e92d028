"""Figures of sweeps.

section         the cells that a figure shows, where the command line names some or nothing
curves, phase   what was counted in them, over the radius, or over one or two axes
expected        what is predicted of them
"""
