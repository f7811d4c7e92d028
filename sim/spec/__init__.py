"""The spec of a drift.

drift     `Drift`: the numbers that fix every bit of it, a row for each; `FIELDS`, all rows
origin    `Origin`: the rows of a checkpoint that are its cloud
fields    `Field`: what is known of a field beside its value, and the check of a value
rules     what ties two fields together
vector    a direction that was given as an array
centre    a centre, as a spec names it
schedule  how far each step goes: the displacements
"""
