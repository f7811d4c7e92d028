"""Grids of drifts: what is to be counted, by whom, and the store that it goes to."""
