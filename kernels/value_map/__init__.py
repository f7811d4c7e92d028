"""Moving the distinct values of each dimension in place of tokens.

classes     the distinct values, and which token has which
first_step  the classes after one step, by bisection: most values meet in it
host        steps of any schedule, by NumPy alone
iterate     steps of any schedule, one after another
limbs       the values of a format in the integers that are summed
power       many equal steps at once: the table of one step, and its powers by squaring
"""
