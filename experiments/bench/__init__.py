"""`drift bench`: the engines and the counter beside the machine's limits and their rivals.

contender  what is timed, as a whole and in turn with the others of its case
case       one cloud, one task, and everyone who does it
cost       time over work, so that a contender may do less of it
rival      what else one could use for the same task
"""
