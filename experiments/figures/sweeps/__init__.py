"""Figures of sweeps.

sweep_slice     the grid points that a figure shows, chosen on the command line or by default
curves          counts at these points, over the radius reached
phase           the distinct fraction over two axes; transition: over one
expected        the expected pairs at these points; onset: where one is expected
"""
