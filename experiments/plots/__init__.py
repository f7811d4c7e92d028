"""Figures of whatever users have: drift.plot, which the command line calls too.

plots   one function for each kind of figure
looks   the options that all of them take
inputs  from what is given to what figures draw; several that can't be overlaid are drawn below
        one another
"""
