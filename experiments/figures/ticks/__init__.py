"""Numbers in figures, in one style, and the axes that show them.

numbers  texts of values, in captions, legends and at ticks
scales   axes of counts and shares, linear and logarithmic
"""
