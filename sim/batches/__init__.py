"""Many small drifts moved and counted together.

batch           the drifts of one group, from their specs to their counts
by_value        drifts moved by value: a value goes where it goes in all clouds of a motion
motion_classes  where a motion takes all values that may be drawn
seed_cloud      the cloud of a seed and a sigma, at step 0
placed_clouds   clouds placed in these classes: what is summed of them
sides           their cells at every record; occupancies: what is counted of cells
pair_counts     all counts of clouds that take motions, side by side
by_coordinate   drifts moved by coordinate, side by side on a device
stacked         their clouds, as one; stacked_counts: counted as one
sizing          how many go together, and which of the two ways
"""
