"""Lines of any quantity of runs and sweeps over any axis.

quantities  what can be drawn, and how it is named
points      the grid points of all sources together, with their fields and what was counted
chosen      which points a figure shows, and which of them a line is the mean of
vertices    the means of points, their spread, and what is expected of them
figure      lines in panels (.panels), with their spread and what is expected beside them
coincide    curves that lie on one another
"""
