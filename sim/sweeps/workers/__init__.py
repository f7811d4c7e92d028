"""Counting a sweep with Dask.

executor  workers elsewhere as those who count
cluster   a cluster of this machine, or a scheduler that runs somewhere
team      whoever dies, every batch is counted; line, roster: what is said to them, and who is there
worker    what a worker does
"""
