"""The motion of a drift: where the displacements of its steps come from.

motion    `Motion`: what every engine asks of it
straight  a direction, a radius and a schedule
make      `motion_of`: the motion of a drift
"""
