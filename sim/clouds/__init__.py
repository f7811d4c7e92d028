"""The cloud at step 0: drawn, or rows of a checkpoint; and the direction in which it goes."""
