"""Results as tables for people, printed with rich.

A module for each kind of result; verbs load them only when they print.
"""
