"""Matplotlib figures of runs and checkpoints, in one style."""
