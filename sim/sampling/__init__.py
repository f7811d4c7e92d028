"""Random numbers that are the same on every machine.

philox      random words
normal      the normal distribution from +, -, *, / and sqrt alone, and normal numbers by it
thresholds  from words to codes of a format, in integers
"""
