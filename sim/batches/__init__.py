"""Many small drifts moved and counted together.

batch           the drifts of one group, from their specs to their counts
by_value        drifts moved by value: a value goes where it goes in all clouds of a motion
motion_classes  where a motion takes all values that may be drawn
placed_cloud    a cloud placed in these classes: what is summed of it
token_classes   its cells at every record
by_coordinate   drifts moved by coordinate, side by side on a device
stacked         their clouds, as one; stacked_counts: counted as one
sizing          how many go together, and which of the two ways
"""
