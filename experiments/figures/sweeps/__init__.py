"""Figures of sweeps.

sweep_slice     the grid points that a figure shows, chosen on the command line or by default
curves, phase   counts at these points, over the radius reached, or over one or two axes
expected        the expected pairs at these points
"""
