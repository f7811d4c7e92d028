"""Predictions of many drifts: of a grid, and over directions.

points      the expectations at every point of a grid, one motion for all its sigmas and tokens
store       a grid's expectations in a store like that of a sweep
directions  means and spread over the seeds of random directions
"""
