"""Random numbers that are the same on every machine.

philox      random words
normal      the normal distribution from +, -, *, / and sqrt alone, and normal numbers by it
shapes      the shapes of a drawn cloud
noise       normal numbers by a table of 16 bits
thresholds  from words to codes of a format, in integers
"""
