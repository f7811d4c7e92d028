"""`python -m drift.experiments.aot`: do kernels round on accelerators that this machine lacks?

targets   devices that can be compiled for without having one
assembly  final code read: is every sum rounded, and at what cost
page      the table of all that
"""
