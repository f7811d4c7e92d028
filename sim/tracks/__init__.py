"""Tracks of trajectories: how far tokens moved, when each froze, what became of black holes.

track                           drift.track: measures a trajectory, in memory or into a store
found, track_store              what comes of it, and the store that it is in
meter                           the measures of one sample after another
displaced, quantiles, cell_tracker  displacements, their quantiles, and cells
recorder, names                 what is gathered of samples, and what it is called
"""
