"""Results of any kind: how they are compared, and how they show themselves.

equality   == of records that hold arrays
sparkline  a small line of numbers as SVG
page       the HTML that a notebook shows: a title, a table, a sparkline
frames     xarray and pandas, where they are installed
notebook   whether a notebook is there, and its progress bar
"""
