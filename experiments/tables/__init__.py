"""Tables of results, printed with rich.

There is a module for each kind of result; verbs load it only when they print.
"""
