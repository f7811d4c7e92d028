"""Figures of sweeps: which cells are shown, curves and phase diagrams of them."""
