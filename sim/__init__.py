"""The physics of a drift: clouds, motion, coalescence, and the stores of runs."""
