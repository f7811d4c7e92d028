"""What a drift is.

drift      `Drift`: the numbers that fix every bit of it, and the rules they obey
from_json  the same out of JSON that anybody may have written
schedule   how far each step goes: the displacements
"""
